"""One line of the audit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stadtsinn.base.instant import DAY, Instant

KEPT = 365 * DAY
"""How long lines are kept: long enough for a budget year, and no longer."""
KEPT_LINES = 50_000
"""The most lines of one tenant; beyond that the oldest go."""


class Action(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    DONE = "done"
    """What is no change of a thing, such as a replay of quarantine."""


@dataclass(frozen=True)
class Line:
    """What was done to which thing; `detail` says how it was and how it is."""

    tenant_id: str
    action: Action
    kind: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class KeptLine:
    """A line with who and when. `key_id` None is the operator, by a command on the server."""

    id: int
    at: Instant
    key_id: int | None
    key_name: str | None
    line: Line
