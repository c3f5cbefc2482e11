"""The shared installation: ingest, uplink log, its followers, registry, alerts, API, web."""
