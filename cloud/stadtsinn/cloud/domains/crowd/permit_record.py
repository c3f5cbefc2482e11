"""What the permit of a zone allowed when: on record, so that a rebuild comes to the same."""

from __future__ import annotations

from bisect import bisect_right

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.crowd import permit_repository
from stadtsinn.cloud.domains.crowd.permit_repository import Permit
from stadtsinn.cloud.domains.crowd.zones.agenda import Agenda
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.domains.crowd.zones.permits import permitted_at


class PermitRecord:
    """In memory beside the tally of a zone; `write` brings what is new into the database."""

    def __init__(self, zone: ZoneEntry, agenda: Agenda, known_until: int) -> None:
        """What was counted up to `known_until` goes by what is on record."""
        self._zone = zone
        self._agenda = agenda
        self._known_until = known_until
        self._held: list[Permit] = []
        self._noted: list[Permit] = []

    def load(self, connection: Connection) -> None:
        self._held = [*permit_repository.permits(connection, self._zone.id), *self._noted]

    def at(self, moment: Instant) -> int | None:
        """What was permitted: by what is on record, and by now for what was never counted."""
        if moment > self._known_until or not self._held:
            self.note(moment)
            return self._now(moment)
        held = bisect_right(self._held, moment, key=lambda permit: permit.since)
        return self._held[max(0, held - 1)].permitted

    def note(self, moment: Instant) -> None:
        """From this moment on the permit is what it is now."""
        permitted = self._now(moment)
        if not self._held or self._held[-1].permitted != permitted:
            noted = Permit(moment, permitted)
            self._held.append(noted)
            self._noted.append(noted)

    def write(self, connection: Connection) -> None:
        permit_repository.note_permits(connection, self._zone.id, self._noted)
        self._noted = []

    def _now(self, moment: Instant) -> int | None:
        return permitted_at(self._agenda, self._zone.planned, self._zone.permitted, moment)
