"""Judging what was measured long ago: the engine over columns of values."""
