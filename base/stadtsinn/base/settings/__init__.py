"""Configuration: TOML files and environment variables; one reader, one kind of secret."""
