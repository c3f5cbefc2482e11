"""The durable part beside a local ChirpStack: decode, spool, deliver until acknowledged."""
