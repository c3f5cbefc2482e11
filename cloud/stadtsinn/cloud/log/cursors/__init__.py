"""How far each follower has come."""
