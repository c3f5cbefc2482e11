"""The series store: one interface, an embedded store and InfluxDB."""
