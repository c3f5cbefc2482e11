"""The HTTP API: application, errors, pagination, who is asking."""
