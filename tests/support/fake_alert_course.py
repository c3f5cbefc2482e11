"""What happens to a town's rules in the course of a day: it can be judged again and compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from fake_alert_town import AlertTown, uplink
from stadtsinn.cloud.alarms.alerts.tables import rule_states
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.decoders.reading import Reading

_OURS = ("id", "uuid", "report_token")
"""Of a message: made by chance, or counted up."""


def incidents(town: AlertTown) -> list[dict[str, Any]]:
    rows = (dict(row._mapping) for row in town.incidents())
    return sorted(rows, key=lambda row: str(row["id"]))


def messages(town: AlertTown) -> list[dict[str, Any]]:
    rows = (vars(row) for row in town.messages())
    return [{name: row[name] for name in row if name not in _OURS} for row in rows]


def states(town: AlertTown) -> list[dict[str, Any]]:
    """Where the rules stand."""
    left_out = ("quiet_until", "due_at")
    with town.database.read() as connection:
        rows = connection.execute(select(rule_states).order_by(rule_states.c.rule_id)).all()
    return [{n: str(v) for n, v in row._mapping.items() if n not in left_out} for row in rows]


@dataclass
class Course:
    """A town, and the log that its sensor filled; everything can be judged again."""

    town: AlertTown
    log: list[LoggedUplink] = field(default_factory=list)

    def soil(self, minutes: float, value: float, now: float) -> None:
        self.town.now(now)
        one = uplink(len(self.log) + 1, minutes, Reading("soil_moisture", value))
        self.log.append(one)
        self.town.apply(one)

    def crowd(self, minutes: float, high: float, now: float) -> None:
        self.town.now(now)
        self.town.crowd(minutes, round(high))
        self.town.tick()

    def forget(self) -> None:
        """A rebuild begins."""
        self.town.database.in_slices(self.town.follower.reset)

    def judge(self, first: int = 0, last: int | None = None) -> None:
        """Uplinks of the log, once more."""
        for one in self.log[first:last]:
            self.town.apply(one)

    def rebuild(self) -> None:
        self.forget()
        self.judge()
        self.town.tick()
