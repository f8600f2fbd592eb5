"""Runs programs that a model wrote: `run(jobs)` in a sandbox, `exact.run(jobs)` in an interpreter of a small language.

Nothing here says what is correct: outcomes hold values, and whoever asked compares. See docs/sandbox.md.
"""
