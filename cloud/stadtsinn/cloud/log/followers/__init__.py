"""Following the uplink log: a loop, a persistent cursor, one interface for all followers."""
