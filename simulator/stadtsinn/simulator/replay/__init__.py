"""A recording of real events, sent the whole way."""
