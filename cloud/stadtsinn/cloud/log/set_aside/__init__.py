"""Uplinks that a follower could not apply, and why."""
