"""The registry: sites, devices, edge agents, and the stations where devices measure."""
