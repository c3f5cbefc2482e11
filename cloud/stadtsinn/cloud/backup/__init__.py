"""Backups of an installation: made while everything runs, verified, restored."""
