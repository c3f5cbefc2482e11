"""Zones whose persons are counted, and their gates: what the registry keeps of them."""
