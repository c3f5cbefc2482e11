"""What happened, as the outbox keeps it. A channel words it when it sends.

It is frozen when it happens: the names, numbers and times of then, and what is to be said of them
in each language, so that a retry or another channel speaks of the same, whatever was renamed since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.sentence import Said, Sentence


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One thing that happened. What is not known, or is not about a rule, is left empty."""

    version: int = 1
    """Of this form: a later program still reads what an earlier one wrote."""
    rule: str = ""
    """Slug."""
    rule_name: str = ""
    kind: str = ""
    """Of the rule."""
    severity: str = ""
    station: str = ""
    """Slug."""
    station_name: str = ""
    zone: str = ""
    """Slug."""
    quantity: str = ""
    value: float | None = None
    unit: str = ""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """The numbers of the rule that the value is compared with, by their names there."""
    measured_at: Instant | None = None
    since: Instant | None = None
    """When the incident began."""
    ended_at: Instant | None = None
    said: Said = field(default_factory=dict)

    def sentence(self, language: Language) -> Sentence | None:
        """None of a message from before facts were kept, or one that was emptied."""
        return self.said.get(language)


NOTHING = Facts()


def written(facts: Facts, said: Said) -> dict[str, Any]:
    """As JSON, with what is said of them."""
    document: dict[str, Any] = msgspec.to_builtins(replace(facts, said=said))
    return document


def read(document: Any) -> Facts:
    return msgspec.convert(document or {}, Facts)
