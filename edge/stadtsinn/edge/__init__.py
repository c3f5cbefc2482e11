"""The durable part beside a local network server: decode, spool, deliver until acknowledged."""
