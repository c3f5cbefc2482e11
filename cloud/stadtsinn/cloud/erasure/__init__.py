"""Erasing towns, devices and persons, and what is kept no longer. It knows all rooms."""
