"""What a caller may touch: repositories ask for it before they give a tenant's data.

Only `access.service` makes a `Scope`, from a valid API key
(tests/cloud/platform/access/test_scopes.py checks). Repositories that serve the API take a
scope and add its tenant to every query.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits

OPERATOR = 0
"""Instead of a key's number: a command on the server."""
CLAIM = -1
"""Instead of a key's number: a claim of a device that is settled, by whoever's word."""


class Role(StrEnum):
    """What a key may do; each role includes the ones before it."""

    READER = "reader"
    """Read everything of the tenant, except personal data such as phone numbers."""
    EDITOR = "editor"
    """Also change devices, zones, rules and recipients."""
    ADMIN = "admin"
    """Also make and revoke keys."""

    def includes(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Scope:
    """Whose data an authenticated caller may touch, and how."""

    tenant_id: str
    role: Role
    key_id: int
    limits: Limits = field(default=DEFAULTS, repr=False, compare=False)
