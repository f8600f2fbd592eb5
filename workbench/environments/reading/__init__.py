"""How Python proposals are asked for, and how their texts are taken apart."""
