"""Threshold rules as a state machine over event time, with incidents."""
