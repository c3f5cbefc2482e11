"""What a role is, whoever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Running(Protocol):
    """A role at work."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def ended(self) -> str | None:
        """The name of a thread that ended though nobody stopped it."""
        ...


@dataclass(frozen=True)
class Together:
    """What is started and stopped as one."""

    running: Sequence[Running]

    def start(self) -> None:
        for one in self.running:
            one.start()

    def stop(self) -> None:
        for one in reversed(self.running):
            one.stop()

    def ended(self) -> str | None:
        return next((name for one in self.running if (name := one.ended())), None)
