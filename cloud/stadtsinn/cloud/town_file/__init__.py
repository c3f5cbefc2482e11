"""A town as one file, applied to registry, rules and recipients as one transaction."""
