"""What all parts share: clock, logs, health and metrics, settings, back-off, the MQTT link."""
