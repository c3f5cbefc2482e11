"""Tenants: the municipalities that share an installation."""
