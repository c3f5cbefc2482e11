"""Parking: what sensors of single spaces and counters at entrances say, with what they do not."""
