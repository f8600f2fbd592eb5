"""How the models that ship with the project are made: a vocabulary that is listed, and a seeded warm-up."""
