"""A sweep: a config and its axes, played as an experiment of one run per arm and seed."""
