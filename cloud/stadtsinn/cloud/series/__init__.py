"""Time series of readings: stores, the follower that writes them, history decoded again."""
