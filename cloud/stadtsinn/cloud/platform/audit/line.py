"""One line of the audit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stadtsinn.base.instant import Instant

KEPT_LINES = 50_000
"""The most lines of one tenant; beyond that the oldest go."""


class Action(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    GIVEN = "given"
    """To another town, which is not named."""
    RECEIVED = "received"
    """From another town, which is not named."""
    DONE = "done"
    """What is no change of a thing, such as a replay of quarantine."""


class Kind(StrEnum):
    """What kind of thing it is, or what was done."""

    TENANT = "tenant"
    LIMIT = "limit"
    RETENTION = "retention"
    KEY = "key"
    SITE = "site"
    DEVICE = "device"
    EDGE = "edge"
    STATION = "station"
    DEPLOYMENT = "deployment"
    SERIES = "series"
    ZONE = "zone"
    GATE = "gate"
    RECIPIENT = "recipient"
    RULE = "rule"
    RULE_RECIPIENT = "recipient of a rule"
    DUTY_GROUP = "duty group"
    DUTY_MEMBER = "member of a duty group"
    SHIFT = "shift"
    SUBSTITUTION = "substitution"
    PAUSE = "pause"
    """Who wants no messages until the end of a shift."""
    MUTE = "mute"
    ACKNOWLEDGEMENT = "acknowledgement"
    TREE_REGISTER = "tree register"
    TREE_GROUP = "group of trees"
    TREE_SETTINGS = "settings of watering"
    WATERING = "watering"
    COUNTED_NUMBER = "counted number"
    PERMIT = "permitted number"
    CLAIM = "claim"
    WITHDRAWAL = "withdrawal of a claim"
    CONSENT = "consent to a claim"
    OBJECTION = "objection to a claim"
    REPLAY = "replay of quarantine"
    PERSON = "person"
    """Who is not named."""
    OLD_DATA = "old data"
    """What is kept no longer."""


class By(StrEnum):
    """What changed it: a key of the town, a command on the server, or a claim that was settled."""

    KEY = "key"
    OPERATOR = "operator"
    CLAIM = "claim"


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
    """A line with who and when. `key_id` and `key_name` are None unless a key did it."""

    id: int
    at: Instant
    by: By
    key_id: int | None
    key_name: str | None
    line: Line
