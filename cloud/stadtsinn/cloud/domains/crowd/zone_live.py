"""The present of one zone, kept in memory between batches and written through a connection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from prometheus_client import Counter
from sqlalchemy import Connection

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.crowd import (
    day_repository,
    gate_repository,
    zone_repository,
)
from stadtsinn.cloud.domains.crowd.counting import CountPoint, Report, fold
from stadtsinn.cloud.domains.crowd.gate_repository import IN, OUT, LineKey
from stadtsinn.cloud.domains.crowd.occupancy import (
    MISSED_REPORTS,
    POINTS_BEFORE,
    Clamp,
    Estimate,
    ZoneTally,
)
from stadtsinn.cloud.domains.crowd.permit_record import PermitRecord
from stadtsinn.cloud.domains.crowd.recounting import (
    COUNTED_AGAIN,
    fold_again,
    record_clamps_again,
)
from stadtsinn.cloud.domains.crowd.schedule import last_reset, next_reset, resets_between
from stadtsinn.cloud.domains.crowd.setup import Lines, line_keys, make_lines, make_tally
from stadtsinn.cloud.domains.crowd.zone_repository import Correction, ZoneState
from stadtsinn.cloud.domains.crowd.zones.agenda import Agenda
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry

_MANY_DAYS = 7 * DAY

TOO_LATE = Counter("stadtsinn_live_too_late", "Reports of gates that came too late to be counted")

GateReport = tuple[LineKey, Report]
"""A report and the line that it is about."""


@dataclass(frozen=True)
class Recount:
    """The reports of a gate with `start` <= time < `end`, by the log and the deployments of now."""

    zone_id: int
    gate_id: int
    start: Instant
    end: Instant
    reports: Sequence[GateReport]


class ZoneLive:
    """Processes reports of a zone's gates and the passing of time, and emits samples.

    Everything computed goes to the database in the caller's transaction. `state.version` says
    which state of the database this memory mirrors; when the two differ (the transaction was
    not committed, staff entered a number) the memory is thrown away and loaded again.
    """

    lines: Lines
    tally: ZoneTally
    resets_until: int
    _entered: list[Correction]
    _first_reset: Instant | None
    _last_reset: Instant | None
    _next_reset: Instant

    def __init__(
        self,
        connection: Connection,
        zone: ZoneEntry,
        state: ZoneState | None,
        now: Instant,
        *,
        former: ZoneLive | None,
    ) -> None:
        """Load a zone. After a `former` one, whose place it takes, the zero clamps of the current
        period are recorded again, and resets are due by other settings only from now on."""
        self.zone = zone
        self.state = state
        self._agenda = Agenda(zone.events)
        self._resetting = (zone.reset_at, zone.events)
        self._judged: int | None = None
        self._connection = connection
        self._now = now
        self._sampled_at = int(state.sampled_at) if state else 0
        self._oldest_wanted = 0
        self._emitted = 0
        self._points: list[tuple[LineKey, CountPoint]] = []
        self._clamps: list[Clamp] = []
        self._samples: list[dict[str, object]] = []
        self._resets: list[Instant] = []
        # What is known of a former one that mirrors the database no more was rolled back.
        mirror = former if former is not None and former.state == state else None
        self.resets_until = max(
            state.resets_until if state else 0, mirror.resets_until if mirror else 0
        )
        self._permits = PermitRecord(zone, self._agenda, self.resets_until)
        self._reopened = former is not None
        self._touched = False
        self._load()

    # --- one transaction: begin, take or pass time, finish -----------------------------

    def begin(self, connection: Connection, now: Instant, oldest_wanted: int) -> None:
        """Work inside this transaction; samples older than `oldest_wanted` are not kept."""
        self._connection = connection
        self._now = now
        self._oldest_wanted = oldest_wanted

    def take(self, reports: Sequence[GateReport]) -> None:
        """Count reports, in any order; emit a sample for each moment that is new."""
        self._touched = True
        in_order = sorted(reports, key=lambda item: (item[1].time, item[1].f_cnt))
        in_order = [item for item in in_order if not self._is_too_late(item)]
        if not in_order:
            return
        self._begin_counting(in_order[0][1].time)
        late = [item for item in in_order if self._is_late(item)]
        fresh = [item for item in in_order if not self._is_late(item)]
        if late:
            self._insert_late(late)
        emitted_before = self._emitted
        moments = groupby(fresh, key=lambda item: item[1].time)
        taken = [self._take_moment(list(reports)) for _, reports in moments]
        if (late or any(taken)) and self._emitted == emitted_before:
            # A change of the past may change the present number.
            self._emit(max(self._sampled_at, self.tally.newest or 0, self.tally.start))

    def count_anew(self, one: Recount) -> None:
        """Put the reports of a gate's time in the place of what was counted of it.

        Emits nothing: the next report does.
        """
        self._touched = True
        if one.reports:
            self._begin_counting(min(report.time for _, report in one.reports))
        self._flush_points()
        for direction in (IN, OUT):
            key = (one.gate_id, direction)
            own = [report for line, report in one.reports if line == key]
            fold_again(self._connection, self.lines[key], key, own, one.start, one.end)
        self._load()
        self._reopened = True
        self._record_clamps_again(one.start)

    def is_long_work(self, item: GateReport) -> bool:
        """Whether counting this report counts days of its line again, or crosses many of them."""
        key, report = item
        line = self.lines.get(key)
        if line is None or self._first_reset is None or report.time < self._first_reset:
            return True
        late = self._is_late(item) and not self._reaches_too_far_back(item)
        return late or report.time > self._next_reset + _MANY_DAYS

    def pass_time(self, now: Instant) -> None:
        """Apply known numbers that are due; emit when gates fell silent while others report."""
        self._cross_boundaries(now)
        self.resets_until = max(self.resets_until, now)
        fallen_silent = [
            silent_from
            for gate in self.tally.gates
            if gate.last is not None
            and self._sampled_at < (silent_from := gate.last + MISSED_REPORTS * gate.interval) < now
        ]
        reporting = any(
            gate.last is not None and now - gate.last <= MISSED_REPORTS * gate.interval
            for gate in self.tally.gates
        )
        if fallen_silent and reporting:
            self._touched = True
            self._emit(max(fallen_silent) + 1)

    @property
    def is_changed(self) -> bool:
        """Whether `finish` has something to write."""
        return self._touched

    def emit_again(self) -> None:
        """Emit the present number after staff or a change of the registry corrected it."""
        if self.tally.newest is not None or self.tally.base:
            self._touched = True
            moment = Instant(max(self._sampled_at, self.tally.newest or 0, self.tally.start))
            self._permits.note(moment)
            self._emit(moment)

    def finish(self) -> None:
        """Write the results; raises `StaleTally` if the zone was changed meanwhile."""
        if not self._touched:
            return
        connection, zone = self._connection, self.zone
        self._write_resets()
        gate_repository.insert_points(connection, self._points)
        self._write_clamps()
        zone_repository.insert_samples(connection, self._samples)
        self._permits.write(connection)
        self.state = zone_repository.advance_state(
            connection,
            zone.id,
            self.state,
            Instant(self._sampled_at),
            Instant(self.resets_until),
        )
        self._points, self._samples = [], []
        self._touched = False

    # --- reports in order --------------------------------------------------------------

    def _is_late(self, item: GateReport) -> bool:
        key, report = item
        last = self.lines[key].last
        return (last is not None and report.time <= last) or report.time < self.tally.start

    def _is_too_late(self, item: GateReport) -> bool:
        too_late = self._reaches_too_far_back(item)
        if too_late:
            TOO_LATE.inc()
        return too_late

    def _reaches_too_far_back(self, item: GateReport) -> bool:
        """Older than what its line may still count again: in one transaction, while all wait."""
        key, report = item
        last = self.lines[key].last
        return last is not None and report.time < last - COUNTED_AGAIN

    def _take_moment(self, reports: Sequence[GateReport]) -> bool:
        """Reports of one moment, newer than all before them on their lines; True if counted."""
        moment = reports[0][1].time
        self._cross_boundaries(moment)
        self.resets_until = max(self.resets_until, moment)
        taken = [self._append(key, report) for key, report in reports]
        if any(taken):
            self._settle(moment)
            if moment > self._sampled_at:
                self._emit(moment)
        return any(taken)

    def _append(self, key: LineKey, report: Report) -> bool:
        line = self.lines[key]
        if line.last == report.time:  # two frames about the same moment
            self._insert_late([(key, report)])
            return True
        point = fold(line.points[-POINTS_BEFORE:], report, line.rule_for(report))
        if point is None:
            return False
        line.append(point)
        self._points.append((key, point))
        if self.tally.note_new_point(line):
            self._reopened = True
        return True

    def _settle(self, moment: int) -> None:
        horizon = self.tally.horizon(moment)
        if horizon is not None:
            self._clamps += self.tally.settle(horizon)

    def _write_clamps(self) -> None:
        """Record the zero clamps of the current period: the new ones, or all of them again."""
        zone = self.zone
        if self._reopened:
            zone_repository.delete_clamps(self._connection, zone.id, self.tally.start, None)
            self._clamps = self.tally.clamps
        zone_repository.insert_clamps(
            self._connection, zone.tenant_id, zone.id, self._clamps, self._now
        )
        self._clamps = []
        self._reopened = False

    def _emit(self, moment: int) -> None:
        self._sampled_at = moment
        self._emitted += 1
        if moment < self._oldest_wanted or not self._agenda.is_open(moment):
            return
        estimate = self.tally.estimate(moment)
        reported_at = Instant(self.tally.newest or 0)
        permitted = self._permits.at(estimate.time)
        judged = self._to_judge(estimate)
        row = zone_repository.sample_row(self.zone, estimate, permitted, judged, reported_at)
        self._samples.append(row)

    def _to_judge(self, estimate: Estimate) -> int:
        """What rules judge, see decision 28: the upper bound. What an outage of all gates added to
        it neither begins nor ends an alarm, until they have reported again."""
        judged = estimate.high
        if self.tally.recovers_at(estimate.time):
            if self._judged is None:
                latest = zone_repository.latest_sample(self._connection, self.zone.id)
                self._judged = latest.to_judge if latest else 0
            judged = max(estimate.occupancy, min(estimate.high, self._judged))
        self._judged = judged
        return judged

    # --- known numbers -----------------------------------------------------------------

    def _begin_counting(self, first: int) -> None:
        """Before the first report of all, the area was empty at the last reset."""
        earliest = self._first_reset
        if earliest is not None and first >= earliest:
            if self.tally.start < earliest:  # all is counted again, from the first report on
                self._load(at_least=first)
            return
        start = last_reset(first, *self._resetting)
        until = start if earliest is None else earliest - 1
        self._resets += [start, *resets_between(start, until, *self._resetting)]
        self._load(at_least=first)

    def _cross_boundaries(self, moment: int) -> None:
        """Begin again from every known number up to a moment."""
        while True:
            reset = self._next_reset
            began = self._first_reset is not None
            entered = self._entered[0] if self._entered else None
            if entered and entered.event_time <= (min(moment, reset) if began else moment):
                self._entered.pop(0)
                self._start_from(entered.event_time, entered.value or 0)
            elif began and reset <= moment:
                self._resets.append(reset)
                self._last_reset = reset
                self._start_from(reset, 0)
            else:
                return

    def _write_resets(self) -> None:
        """All at once: after a report from years ago there is one for each day since."""
        zone_repository.insert_resets(
            self._connection, self.zone.tenant_id, self.zone.id, self._resets, self._now
        )
        self._resets = []

    def _start_from(self, moment: Instant, base: int) -> None:
        self._touched = True
        self._write_clamps()  # of the period that ends here
        if base == 0:
            day_repository.note_end(self._connection, self.zone.id, self.tally, moment)
        for line in self.lines.values():
            line.drop_before(moment)
        self.tally = self._tally_from(moment, base)
        self._next_reset = self._reset_after(moment)
        if moment > self._sampled_at:
            self._emit(moment)

    def _tally_from(self, start: Instant, base: int) -> ZoneTally:
        ratio = day_repository.ratio_of(self._connection, self.zone, start)
        return make_tally(self.zone, self.lines, start, base, ratio)

    # --- from the database -------------------------------------------------------------

    def _load(self, at_least: int = 0) -> None:
        """Mirror the database: the known number in force and the counts since then."""
        connection, zone = self._connection, self.zone
        self._write_resets()
        span = gate_repository.time_span(connection, line_keys(zone))
        newest = max(span[1] if span else 0, self._sampled_at, at_least)
        numbers = zone_repository.known_numbers(connection, zone.id, newest)
        self._permits.load(connection)
        self._first_reset, self._last_reset = zone_repository.resets(connection, zone.id)
        in_force = [number for number in numbers if number.event_time <= newest]
        # What was recorded stays: a rebuild comes to it again.
        self._entered = [number for number in numbers if number.event_time > newest]
        start = in_force[-1].event_time if in_force else Instant(newest)
        base = (in_force[-1].value or 0) if in_force else 0
        points = gate_repository.points_of(connection, line_keys(zone), start, None)
        self.lines = make_lines(zone, points)
        self.tally = self._tally_from(start, base)
        self._next_reset = self._reset_after(start)
        self.tally.settle(self.tally.horizon(newest) or 0)

    def _reset_after(self, moment: Instant) -> Instant:
        """The next reset that is not on record, by the hour of now; recorded ones happened when
        they did, whatever the hour is now."""
        known = max(self._last_reset or 0, self.resets_until)
        return next_reset(max(moment, known), *self._resetting)

    def _insert_late(self, late: Sequence[GateReport]) -> None:
        """Put reports where they belong in time and compute what follows from there again."""
        self._flush_points()
        by_line: dict[LineKey, list[Report]] = defaultdict(list)
        for key, report in late:
            by_line[key].append(report)
        for key, reports in by_line.items():
            start = min(report.time for report in reports)
            fold_again(self._connection, self.lines[key], key, reports, start)
        self._load()
        self._reopened = True
        self._record_clamps_again(min(report.time for _, report in late))

    def _flush_points(self) -> None:
        gate_repository.insert_points(self._connection, self._points)
        self._points = []

    def _record_clamps_again(self, start: int) -> None:
        record_clamps_again(self._connection, self.zone, start, self.tally.start, self._now)
