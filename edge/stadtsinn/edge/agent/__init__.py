"""The edge agent itself: take events, decode, spool, deliver. Nobody imports it but the CLI."""
