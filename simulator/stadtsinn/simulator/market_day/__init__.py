"""One market day in Musterstadt: its town, its events, its truth."""
