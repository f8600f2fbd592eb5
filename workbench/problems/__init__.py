"""Families of problems that a task poses and a reward verifies: what the two must agree on."""
