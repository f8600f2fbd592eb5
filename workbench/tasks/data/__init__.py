"""Data files as people have them: how they are read, and what stands in their columns."""
