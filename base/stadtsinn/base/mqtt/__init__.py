"""How messages travel: MQTT with persistent sessions and acknowledgement after the commit."""
