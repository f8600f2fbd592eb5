"""NP-hard families: a generator, a strict verifier and a heuristic each; the folder is the registry.

The ten families of NP-Engine (arXiv:2510.16476) and Forge (arXiv:2605.08905), with the sizes of their levels where they
give them. A file with a `FAMILY` is a family; a solution is always a list of whole numbers.
"""
