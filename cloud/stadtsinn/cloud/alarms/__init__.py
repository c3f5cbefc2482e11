"""Rules and incidents, and the messages that follow from them."""
