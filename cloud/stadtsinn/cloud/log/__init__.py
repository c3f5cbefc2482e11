"""The uplink log: every uplink once, in the order of its commit. All else follows it."""
