"""Empties the outbox. Several workers may run at once, in several processes.

Each message passes three commits: READY → SENDING with a lease, the call itself, the result. Where
the other side lies in our own database (`Inside`), all of it is one.
A worker that dies in between leaves a lease behind; when it ends, nobody knows whether the
call happened, and the message is decided on by what its channel can tell (`_decide`).

Waiting between attempts and the length of leases go by the machine's clock, because the other
side lives in real time; ages and expiry go by the clock of the measurements.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.health import Check
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.base.language import Language
from stadtsinn.base.threads import ended_early
from stadtsinn.base.turns import Turns
from stadtsinn.cloud.alarms.duty.passing_on import pass_on
from stadtsinn.cloud.alarms.notify import claim_repository as claims
from stadtsinn.cloud.alarms.notify import watched_repository as watched
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.claim_repository import Claim, Due, Moments
from stadtsinn.cloud.alarms.notify.message import URGENT, Status, with_link
from stadtsinn.cloud.alarms.notify.outbox_repository import AT_ONCE
from stadtsinn.cloud.alarms.notify.senders.base import Found, Inside, Outcome, Result, Sender
from stadtsinn.cloud.platform.database.engine import Database

log = structlog.get_logger()

MAYBE_TWICE = {Language.DE: " (evtl. doppelt)", Language.EN: " (maybe sent twice)"}

_LEASE = 120 * SECOND
_BACKOFF = Backoff(first=10, longest=600, factor=3)
# A delivery report that is already under way settles most doubts by itself.
_DOUBT_WAITS = 10 * SECOND
_PATIENCE = 5 * MINUTE
_AT_ONCE = 200
_HANGS_S = 3_600.0
"""Of a round of 200 calls, each of which may wait for its provider."""
_LOOKED_AT = 5
"""Messages that are looked up for the next call: other workers may take the first ones."""
_OTHERS_TURN = 4
"""Every so many calls a town without alarms comes first: no flood of alarms keeps its all-clear."""

_results = Counter("stadtsinn_notify_results_total", "Calls of senders by outcome", ["outcome"])
_failures = Counter("stadtsinn_notify_worker_errors_total", "Rounds of the outbox that broke off")


class OutboxWorker:
    """Sends what is READY. `wall` is the machine's clock, replaced in tests.

    `lease` and `doubt_waits` are microseconds: how long a claim holds, and how long a message
    of unknown fate waits for its delivery report before it is decided on. `patience`: how long an
    alarm may take to arrive before the next in line is told. `public_url`: where people reach the
    API, for links; empty: no message has one.
    """

    def __init__(
        self,
        database: Database,
        senders: Mapping[str, Sender],
        clock: Clock,
        *,
        wall: Clock | None = None,
        poll_s: float = 0.5,
        lease: int = _LEASE,
        doubt_waits: int = _DOUBT_WAITS,
        patience: int = _PATIENCE,
        public_url: str = "",
    ) -> None:
        self._database = database
        self._senders = dict(senders)
        self._clock = clock
        self._wall = wall or SystemClock()
        self._poll_s = poll_s
        self._lease = lease
        self._doubt_waits = doubt_waits
        self._patience = patience
        self._public_url = public_url
        self._inside = {name: one for name, one in senders.items() if isinstance(one, Inside)}
        self._reporting = [name for name, one in senders.items() if one.reports_delivery]
        self._turns = Turns()
        self._claims = 0
        self._looked_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def run_once(self) -> int:
        """Decide doubts, then send everything that is due. Returns the number of calls made.

        Raises SQLAlchemyError when the database is away; what was claimed stays under its lease.
        """
        now = self._clock.now()
        with self._database.read() as connection:
            late = watched.has_undelivered(connection, self._reporting, now, self._patience)
            if not late and not claims.has_work(connection, now):
                return 0
        self._housekeeping()
        self._decide_doubts()
        if late:
            self._pass_on()
        calls = 0
        while calls < _AT_ONCE and not self._stopping.is_set():
            claimed = self._claim()
            if claimed is None:
                break
            calls += 1
            if claimed.channel not in self._inside:
                self._send(claimed)
        return calls

    def start(self) -> None:
        """Work on a thread until `stop`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the call under way and stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
            self._thread = None

    def ended(self) -> str | None:
        return ended_early(self._thread, stopped=self._stopping.is_set())

    def check(self) -> Check:
        """Healthy while messages get out: none tried in vain three times, none without a sender."""
        if self._thread is not None and not self._thread.is_alive():
            return Check(ok=False, detail="the worker's thread ended: restart the process")
        if self._thread is not None and time.monotonic() - self._looked_at > _HANGS_S:
            return Check(ok=False, detail="a round takes very long: it seems to hang")
        with self._database.read() as connection:
            backlog = claims.backlog(connection)
        if unserved := sorted(backlog.waiting.keys() - self._senders.keys()):
            detail = f"messages wait, but no sender is configured for {', '.join(unserved)}"
            return Check(ok=False, detail=f"{detail}: see docs/channels.md")
        detail = f"{sum(backlog.waiting.values())} waiting, {backlog.troubled} after three tries"
        return Check(ok=backlog.troubled == 0, detail=detail)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._looked_at = time.monotonic()
            try:
                self.run_once()
            except Exception as error:  # an error of one round must not end the thread
                _failures.inc()
                # Only the type: a database's errors quote the values, numbers and texts.
                log.error("outbox_round_failed", error=type(error).__name__)  # noqa: TRY400
            self._stopping.wait(self._poll_s)

    def _housekeeping(self) -> None:
        now = self._wall.now()
        self._expire()
        with self._database.write() as connection:
            broken = claims.break_leases(connection, now, Instant(now + self._doubt_waits))
        if broken:
            log.warning("outbox_leases_broken", messages=broken)

    def _expire(self) -> None:
        some = AT_ONCE
        while some == AT_ONCE and not self._stopping.is_set():
            now = self._clock.now()
            with self._database.read() as connection:
                found = claims.expired(connection, now)
            if found:
                with self._database.write() as connection:
                    claims.expire(connection, found, now)
            some = len(found)

    def _pass_on(self) -> None:
        now = self._clock.now()
        given = (self._reporting, now, self._patience)
        with self._database.read() as connection:
            found = watched.undelivered(connection, *given)
        for number in found:
            with self._database.write() as connection:
                row = watched.take(connection, number, *given)
                if row is not None:
                    pass_on(connection, row, now)
                    crash_point("notify.passing_on")
            crash_point("notify.passed_on")

    def _claim(self) -> Claim | None:
        """The next message; None where there is none, or other workers took all that were found."""
        now = Moments(self._wall.now(), self._clock.now())
        with self._database.read() as connection:
            found = claims.due(connection, self._senders, now, _LOOKED_AT)
        until = Instant(now.wall + self._lease)
        for one in self._in_turn(found):
            with self._database.write() as connection:
                claimed = claims.claim(connection, one.id, self._senders, now, until)
                if claimed is not None:
                    result = self._hand_over(connection, claimed)
                    crash_point("notify.claiming")
            if claimed is not None:
                crash_point("notify.claimed")
                if result is not None:
                    self._tell(claimed, result)
                self._turns.took(one.tenant_id)
                self._claims += 1
                return claimed
        return None

    def _in_turn(self, found: Sequence[Due]) -> Sequence[Due]:
        """The first of each town before the second of any; towns with alarms before others, those
        that had no turn for long before those that had one just now."""
        alarms_first = self._claims % _OTHERS_TURN < _OTHERS_TURN - 1

        def key(one: Due) -> tuple[int, bool, int, int]:
            return one.number, one.urgent != alarms_first, self._turns.last(one.tenant_id), one.id

        return sorted(found, key=key)[:_LOOKED_AT]

    def _send(self, claimed: Claim) -> None:
        try:
            message = with_link(claimed.message, self._public_url)
            result = self._senders[claimed.channel].send(message)
        except Exception as error:  # whatever broke, it may have broken after sending
            result = Result(Outcome.UNKNOWN, reason=type(error).__name__)
        crash_point("notify.called")
        with self._database.write() as connection:
            self._finish(connection, claimed, result)
        crash_point("notify.finished")
        self._tell(claimed, result)

    def _hand_over(self, connection: Connection, claimed: Claim) -> Result | None:
        """Where the other side lies in our own database, all in one transaction; None elsewhere."""
        inside = self._inside.get(claimed.channel)
        if inside is None:
            return None
        result = inside.hand_over(connection, claimed.message)
        self._finish(connection, claimed, result)
        return result

    @staticmethod
    def _tell(claimed: Claim, result: Result) -> None:
        _results.labels(result.outcome.value).inc()
        if result.outcome is not Outcome.SENT:
            log.warning(
                "message_not_sent",
                uuid=claimed.message.uuid,
                outcome=result.outcome.value,
                reason=result.reason,
                attempts=claimed.attempts,
            )

    def _finish(self, connection: Connection, claimed: Claim, result: Result) -> None:
        now = self._wall.now()
        if result.outcome is Outcome.SENT:
            status = Status.DELIVERED if result.delivered else Status.ACCEPTED
            values = {"provider_id": result.provider_id, "sent_at": self._clock.now()}
            for before in (Status.SENDING, Status.UNKNOWN):  # UNKNOWN: the lease was lost
                if claims.finish(connection, claimed, status, only_from=before, **values):
                    return
            # A delivery report was quicker and stays; only add what it did not know.
            claims.note_sent(connection, claimed.id, values)
            return
        status, wait = self._verdict(result.outcome, claimed.attempts)
        claims.finish(
            connection,
            claimed,
            status,
            only_from=Status.SENDING,
            reason=result.reason,
            next_attempt=now + wait,
        )

    def _decide_doubts(self) -> None:
        with self._database.read() as connection:
            doubtful = claims.unknowns(connection, self._senders, self._wall.now())
        for claimed in doubtful:
            self._decide(claimed)

    def _decide(self, claimed: Claim) -> None:
        """Decide whether a message of unknown fate is sent again.

        Where the provider does not know it either, an alarm is sent once more, with the remark
        that it may be a copy; any other message is not sent again.
        """
        try:
            found = self._senders[claimed.channel].lookup(claimed.message.uuid)
        except Exception as error:  # the provider is away: ask again later
            log.warning("lookup_failed", uuid=claimed.message.uuid, error=type(error).__name__)
            later = Instant(self._wall.now() + self._doubt_waits)
            with self._database.write() as connection:
                self._move(connection, claimed, Status.UNKNOWN, next_attempt=later)
            return
        now = self._wall.now()
        with self._database.write() as connection:
            if found is Found.YES:
                self._move(connection, claimed, Status.ACCEPTED, sent_at=self._clock.now())
            elif found is Found.NO:
                self._move(connection, claimed, Status.READY, next_attempt=now)
            elif found is Found.KNOWS_COPIES:
                self._move(connection, claimed, Status.READY, next_attempt=now, resent=True)
            elif claimed.message.kind in URGENT and not claimed.resent:
                remark = MAYBE_TWICE[claimed.language]
                text = CHANNELS[claimed.channel].append(claimed.message.text, remark)
                values = {"next_attempt": now, "resent": True, "text": text}
                self._move(connection, claimed, Status.READY, **values)
            else:
                self._move(connection, claimed, Status.UNKNOWN, settled=True)
        log.info("doubt_decided", uuid=claimed.message.uuid, found=found.value)

    @staticmethod
    def _move(connection: Connection, claimed: Claim, status: Status, **values: object) -> None:
        claims.finish(connection, claimed, status, only_from=Status.UNKNOWN, **values)

    def _verdict(self, outcome: Outcome, attempts: int) -> tuple[Status, int]:
        """The status after a call that did not certainly succeed, and how long to wait then."""
        if outcome is Outcome.NEVER:
            return Status.FAILED, 0
        pause = int(_BACKOFF.seconds(attempts) * SECOND)
        if outcome is Outcome.UNKNOWN:
            # A channel whose copies are harmless is tried again and again: with growing pauses.
            return Status.UNKNOWN, self._doubt_waits if attempts == 1 else pause
        return Status.READY, pause
