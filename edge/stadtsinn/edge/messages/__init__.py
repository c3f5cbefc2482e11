"""Messages on the wire: a network server's events in, delivery batches and acknowledgements out."""
