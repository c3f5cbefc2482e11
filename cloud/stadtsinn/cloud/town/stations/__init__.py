"""Stations: the places that people name, and which device measures there from when to when."""
