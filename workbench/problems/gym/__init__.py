"""reasoning-gym: its data sets, and the process in which their problems are made."""
