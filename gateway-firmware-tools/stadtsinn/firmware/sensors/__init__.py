"""Sensors on a serial line: who they are, what is set in them, and whether they join."""
