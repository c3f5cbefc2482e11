"""Device types, quantities and decoders: payload bytes in, readings out. Knows nothing else."""
