"""The town's own broker: certificates for it and the edge agents, and Mosquitto's files."""
