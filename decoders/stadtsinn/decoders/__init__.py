"""Device types, quantities and decoders: payload bytes in, readings out. It imports base only."""
