"""What a town does with its values: one folder per domain."""
