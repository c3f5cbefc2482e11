"""The language of device files: model, reading and validation."""
