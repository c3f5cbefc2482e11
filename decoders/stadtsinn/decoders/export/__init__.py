"""Exports of device files: pages, a TS013 codec, a JSON schema."""
