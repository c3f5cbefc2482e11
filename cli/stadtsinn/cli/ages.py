"""How long ago, in as few characters as a table has room for."""

from __future__ import annotations

from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from stadtsinn.cli.language import text


def age(moment: Instant | None, now: Instant) -> str:
    """``5 min``, ``3 h``, ``12 d``; a dash where it never was."""
    return "–" if moment is None else span(max(0, now - moment))


def span(micros: int) -> str:
    """A length of time in its largest unit of which there are two."""
    day = text("d", "T")
    for unit, name in ((DAY, day), (HOUR, "h"), (MINUTE, "min")):
        if micros >= 2 * unit:
            return f"{micros // unit} {name}"
    return f"{micros // SECOND} s"
