"""Time series of readings: one interface, an embedded store and InfluxDB."""

from stadtsinn.cloud.series.service import open_store

__all__ = ["open_store"]
