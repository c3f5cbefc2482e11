"""How much the cloud has processed, counted in its database; `--check` waits for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from stadtsinn.cloud.alarms.alerts.follower import ZONE_SAMPLES
from stadtsinn.cloud.alarms.alerts.inputs_repository import input_position
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.tables import outbox, sandbox_messages
from stadtsinn.cloud.domains.crowd.tables import zone_samples
from stadtsinn.cloud.log.cursors.repository import read_cursor
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.roles import FOLLOWERS


@dataclass(frozen=True)
class Progress:
    """One look at the database."""

    committed: int
    """Uplinks in the log."""
    behind: int
    """Uplinks and occupancy samples that some follower has not applied yet."""
    unsent: int
    """Messages that are waiting to be sent."""

    def settled(self, expected: int) -> bool:
        """Whether all expected uplinks are logged, followers caught up and messages sent."""
        return self.committed == expected and self.behind == 0 and self.unsent == 0


# One statement, made once: the caller looks again and again while others work.
_LOOK = select(
    select(func.count()).select_from(uplinks).scalar_subquery(),
    select(func.max(zone_samples.c.position)).scalar_subquery(),
    select(func.count())
    .where(outbox.c.status.in_([Status.READY, Status.SENDING]))
    .scalar_subquery(),
)


def look(connection: Connection) -> Progress:
    committed, samples, unsent = connection.execute(_LOOK).one()
    newest = head(connection)
    lags = [newest - read_cursor(connection, name) for name in FOLLOWERS]
    not_judged = (samples or 0) - input_position(connection, ZONE_SAMPLES)
    return Progress(committed, behind=sum(lags) + not_judged, unsent=unsent)


def last_message(connection: Connection) -> str | None:
    """The newest text on the sandbox phone."""
    newest = select(sandbox_messages.c.text).order_by(sandbox_messages.c.id.desc()).limit(1)
    return connection.execute(newest).scalar()
