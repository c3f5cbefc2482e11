"""How long a town's data are kept."""
