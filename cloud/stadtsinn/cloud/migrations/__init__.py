"""Brings a database to the schema of this version; `upgrade` is all a process needs."""

from stadtsinn.cloud.migrations.upgrade import head, upgrade

__all__ = ["head", "upgrade"]
