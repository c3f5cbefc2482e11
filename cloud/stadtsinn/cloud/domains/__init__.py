"""Domains: what is computed from measured values for one purpose, one folder each."""
