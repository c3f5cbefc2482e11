"""Time series of readings: one interface, an embedded store and InfluxDB."""
