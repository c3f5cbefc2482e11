"""Sends a recording of real events through broker, edge agent and cloud."""
