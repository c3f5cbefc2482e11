"""The one SQL database: engine, shared metadata, migrations."""
