"""The exhibits: one package for each wing, one file for each exhibit; the folder listing is the registry."""
