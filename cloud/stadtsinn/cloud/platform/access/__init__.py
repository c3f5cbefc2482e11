"""API keys, roles and the scope that every query of a tenant's data needs."""
