"""Compares what the cloud has with what really happened, one module per question."""
