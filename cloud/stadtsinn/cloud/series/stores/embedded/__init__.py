"""The embedded series store: one SQLite file."""
