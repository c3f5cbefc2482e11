"""Devices of a delivery, brought into the network server and into the registry: plan and apply."""
