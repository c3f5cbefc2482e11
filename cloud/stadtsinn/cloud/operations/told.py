"""What operators were told and is not over."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.base.instant import Instant

Key = tuple[str, str]
"""(kind, subject)"""


@dataclass(frozen=True)
class Told:
    """What operators were told of one thing that is not over, as its row has it."""

    kind: str
    subject: str
    since: Instant
    said_at: Instant
    times: int
    detail: str

    @property
    def key(self) -> Key:
        return self.kind, self.subject
