"""The table of uplinks: append once, read by position."""
