"""The uplink log: every uplink once, in the order of commits. The followers read it."""
