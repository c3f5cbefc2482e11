"""What a device file becomes for others: pages, a TS013 codec, a JSON schema."""
