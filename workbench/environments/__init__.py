"""What self-play plays with: where proposals are read, run and made into problems. One file an environment."""
