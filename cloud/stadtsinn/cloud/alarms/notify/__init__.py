"""The outbox and the senders that empty it."""
