"""History decoded again: what the present catalogue makes of payloads that were logged before."""
