"""Hand counters are told how many are inside: the zone's total as a downlink."""
