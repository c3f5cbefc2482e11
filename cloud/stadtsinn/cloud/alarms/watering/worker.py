"""Once a day the crews get the watering list by e-mail."""

from __future__ import annotations

from functools import partial

import structlog

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import Instant
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.alarms.duty import repository as duty
from stadtsinn.cloud.alarms.duty.repository import StoredGroup
from stadtsinn.cloud.alarms.watering.service import is_due, write_list
from stadtsinn.cloud.platform.database.engine import Database

log = structlog.get_logger()

_LOOK_S = 30.0
_BACKOFF = Backoff(first=30, longest=600)


class WateringMails(Repeating):
    """Writes the lists that are due. The day is noted with them: none is written twice."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(
            "watering lists",
            _BACKOFF,
            failed="watering_lists_not_written",
            remedy="it tries again by itself; 'stadtsinn tree watering-list' has the list",
        )
        self._database = database
        self._clock = clock
        self._nobody: list[str] = []
        """Groups that want the list, and of whom nobody has an address."""

    def check(self) -> Check:
        if self._nobody:
            names = ", ".join(self._nobody)
            detail = f"nobody of {names} has an e-mail address, see docs/trees.md"
            return Check(ok=False, detail=f"no watering list was sent: {detail}")
        return self.untroubled("watering lists are sent once a day", "no watering lists")

    def step(self) -> float:
        now = self._clock.now()
        with self._database.read() as connection:
            groups = [
                one
                for one in duty.groups_of_all_towns(connection)
                if one.group.watering_list.send and is_due(connection, one, now)
            ]
        nobody: list[str] = []
        try:
            self.for_each(groups, partial(self._write, now, nobody))
        finally:
            self._nobody = nobody
        return _LOOK_S

    def _write(self, now: Instant, nobody: list[str], one: StoredGroup) -> None:
        """Write the list of a group; a group that nobody reads mail for comes to `nobody`."""
        name = f"{one.tenant_id}/{one.group.slug}"
        written = write_list(self._database, one, now)
        if written is None:
            nobody.append(name)
        elif written:
            log.info("watering_list_written", group=name, mails=written)
