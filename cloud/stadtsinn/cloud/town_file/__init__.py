"""A town as one file, applied to registry, rules and recipients."""
