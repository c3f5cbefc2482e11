"""Counts people: running totals of gates become the occupancy of a zone."""
