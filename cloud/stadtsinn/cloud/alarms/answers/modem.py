"""What a modem of our own says: whether messages were sent and arrived, what people answered, and
that it lives.

All of it is read from gammu-smsd's tables. What is read twice has no effect twice: reports by their
nature, answers by their name (`inbound_repository.note`). A row is marked as read after what came
of it is committed: who is killed in between reads it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.base import berlin
from stadtsinn.base.backoff import Backoff
from stadtsinn.base.batches import batched
from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.counted import counted
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant, from_datetime
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.alarms.answers.inbound import Inbound
from stadtsinn.cloud.alarms.answers.service import take
from stadtsinn.cloud.alarms.notify import report_repository as reports
from stadtsinn.cloud.alarms.notify.channels.sms import Sms
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.report_repository import OnItsWay
from stadtsinn.cloud.alarms.notify.senders.gammu import repository
from stadtsinn.cloud.alarms.notify.senders.gammu.incoming import sort
from stadtsinn.cloud.alarms.notify.senders.gammu.sender import PREFIX, GammuSender
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.database.failure import kind_of

log = structlog.get_logger()

_LOOK_S = 2.0
_BACKOFF = Backoff(first=5, longest=60)
_FOLLOWED = 3 * DAY
"""So long something may still be heard of a message."""
_PARTS_COME = 10 * MINUTE
_KEPT_DAYS = 7
_TIDY_EVERY = HOUR
_AT_ONCE = 500

MEANING: Mapping[str, Status | None] = {
    "SendingOK": None,
    "SendingOKNoReport": None,
    "SendingError": Status.FAILED,
    "Error": Status.FAILED,
    "DeliveryOK": Status.DELIVERED,
    "DeliveryFailed": Status.FAILED,
    "DeliveryPending": None,  # the telephone is off; the network goes on trying
    "DeliveryUnknown": None,  # the network cannot tell
}
"""The daemon's words; None: nothing new. What is not in it says nothing either."""
_LAST_WORD = "SendingOKNoReport"

_answers = Counter("stadtsinn_modem_rows_total", "Rows of the modem's inbox", ["what"])
_signal = Gauge("stadtsinn_modem_signal_percent", "Signal of the modem; -1: not known", ["modem"])


class TablesFailed(Exception):
    """gammu-smsd's tables, or ours, could not be read or written."""


class ModemPost(Repeating):
    """Reads gammu-smsd's tables again and again, on a thread of its own. Several may run at once.

    `clock` is that of the measurements, `wall` the machine's.
    """

    def __init__(
        self, database: Database, sender: GammuSender, clock: Clock, wall: Clock | None = None
    ) -> None:
        super().__init__(
            "modem",
            _BACKOFF,
            failed="modem_tables_failed",
            remedy="'stadtsinn cloud check --connect' says what is wrong with gammu-smsd's tables",
        )
        self._database = database
        self._sender = sender
        self._theirs = sender.database
        self._tables = sender.tables
        self._settings = sender.settings
        self._clock = clock
        self._wall = wall or SystemClock()
        self._first_seen: dict[int, Instant] = {}
        self._tidied = Instant(0)
        self._heard_of: dict[str, datetime] = {}
        self._heard_at = self._wall.now()

    @property
    def name(self) -> str:
        return self._settings.phone or "gammu-smsd"

    def silent_since(self) -> Instant | None:
        """When the modem was last heard, where that is too long ago. By change alone: whether its
        times are in our zone nobody knows."""
        since = self._heard_at
        is_silent = self._wall.now() - since > self._settings.silent_minutes * MINUTE
        return since if is_silent else None

    def check(self) -> Check:
        """In trouble where the tables cannot be read, or the daemon writes nothing into them."""
        if self.trouble is None and (since := self.silent_since()) is not None:
            minutes = (self._wall.now() - since) // MINUTE
            long = counted(minutes, "minute", "minutes")
            detail = f"the modem was not heard for {long}: does gammu-smsd run?"
            return Check(ok=False, detail=detail)
        return self.untroubled("the modem is heard", "nothing is heard of the modem")

    def step(self) -> float:
        try:
            self.run_once()
        except SQLAlchemyError as error:
            raise TablesFailed(kind_of(error)) from None
        return _LOOK_S

    def run_once(self) -> None:
        self._listen()
        self._take_back_what_is_old()
        self._read_states()
        self._read_answers()
        self._tidy()

    # --- what became of our messages ---

    def _read_states(self) -> None:
        for some in self._on_their_way():
            numbers = {one.uuid: _number(one) for one in some}
            with self._theirs.read() as connection:
                words = repository.states(connection, self._tables, numbers)
            # What is in none of its tables was never sent: a row that it cannot read it deletes.
            news = {uuid: MEANING.get(words.get(uuid, "Error")) for uuid in numbers}
            said = {uuid: status for uuid, status in news.items() if status is not None}
            last = [one.uuid for one in some if one.watched and words.get(one.uuid) == _LAST_WORD]
            if not (said or last):
                continue
            with self._database.write() as connection:
                for uuid, status in said.items():
                    reports.report_by_name(connection, uuid, status)
                reports.went_out(connection, last)
                crash_point("notify.reported")

    def _on_their_way(self) -> Iterator[list[OnItsWay]]:
        since = Instant(self._clock.now() - _FOLLOWED)
        with self._database.read() as connection:
            found = reports.on_their_way(connection, Sms.name, PREFIX, since)
        return batched(found, _AT_ONCE)

    def _take_back_what_is_old(self) -> None:
        """The modem was away too long: a message of the morning is no use in the evening. What is
        in the daemon's hands stays there."""
        with self._theirs.read() as connection:
            waiting = repository.waiting(connection, self._tables)
        if not waiting:
            return
        with self._database.read() as connection:
            old = reports.no_use_any_more(connection, waiting, self._clock.now())
        if not old:
            return
        with self._theirs.write() as connection:
            gone = repository.take_back(connection, self._tables, old)
        crash_point("notify.taken_back")
        if gone:
            with self._database.write() as connection:
                reports.never_went_out(connection, gone)
            log.warning("modem_too_late", messages=len(gone))

    # --- what people wrote ---

    def _read_answers(self) -> None:
        now = self._wall.now()
        with self._theirs.read() as connection:
            parts = repository.unread(connection, self._tables, self._settings.phone)
        self._first_seen = {one.id: self._first_seen.get(one.id, now) for one in parts}
        patient = {key for key, at in self._first_seen.items() if now - at < _PARTS_COME}
        found = sort(parts, patient)
        for letter in found.letters:
            _answers.labels("message").inc()
            age = age_of(letter.received, now)
            moment = self._clock.now()
            inbound = Inbound(letter.sender, letter.text, Instant(moment - age), letter.name)
            take(self._database, inbound, moment)
            crash_point("answers.taken")
            self._mark(letter.ids)
        if found.machines:
            _answers.labels("machine").inc(len(found.machines))
            self._mark(found.machines)

    def _mark(self, ids: Sequence[int]) -> None:
        with self._theirs.write() as connection:
            repository.mark_read(connection, self._tables, ids)

    # --- whether it lives ---

    def _listen(self) -> None:
        with self._theirs.read() as connection:
            found = repository.phones(connection, self._tables, self._settings.phone)
        for one in found:
            _signal.labels(one.id).set(one.signal)
        heard_of = {one.id: one.heard for one in found}
        if heard_of and heard_of != self._heard_of:
            self._heard_of, self._heard_at = heard_of, self._wall.now()

    def _tidy(self) -> None:
        now = self._wall.now()
        if now - self._tidied < _TIDY_EVERY:
            return
        self._tidied = now
        with self._theirs.write() as connection:
            repository.tidy(connection, self._tables, self._settings.phone, _KEPT_DAYS)


def _number(one: OnItsWay) -> int | None:
    known = (one.provider_id or "").removeprefix(PREFIX)
    return int(known) if known.isdigit() else None


_ZONES_APART = (HOUR, 2 * HOUR)
_NEARLY = 2 * MINUTE


def age_of(received: datetime, now: Instant) -> int:
    """How long ago a message came, in µs, 0 at least.

    The daemon writes its machine's local time, without zone: Berlin's, of two the later one. What
    is behind by just one or two hours was written by a machine that goes by UTC.
    """
    moments = berlin.moments(received)
    shown = moments[-1] if moments else from_datetime(received.replace(tzinfo=berlin.BERLIN))
    age = now - shown
    in_utc = now - from_datetime(received.replace(tzinfo=UTC))
    if age - in_utc in _ZONES_APART and -_NEARLY <= in_utc <= _NEARLY:
        age = in_utc
    return max(0, age)
