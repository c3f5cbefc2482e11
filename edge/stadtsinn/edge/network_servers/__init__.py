"""Reads network servers' events into uplinks; one module for each format."""
