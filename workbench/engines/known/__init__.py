"""Engines by name: a file for each. The folder is the registry; an engine's own module is loaded when it is made."""
