"""What really happened on the simulated day, for comparison with what the cloud made of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.simulator.market_day.calendar import DayPlan
from stadtsinn.simulator.market_day.expected_incidents import Bounds, Incident, expected_incidents
from stadtsinn.simulator.market_day.town import station_of
from stadtsinn.simulator.market_day.visitors import Visitors
from stadtsinn.simulator.radio.radio import Frame


@dataclass(frozen=True, order=True)
class UplinkIdentity:
    """What makes two log rows the same uplink, but for a device that restarts its counter."""

    dev_eui: str
    dev_addr: str
    f_cnt: int
    f_port: int
    payload: bytes


@dataclass(frozen=True, order=True)
class SeriesName:
    """A quantity of a station on one channel."""

    station: str
    quantity: str
    channel: str


@dataclass(frozen=True)
class TrueValue:
    """A value and when it was sent."""

    time: Instant
    value: float


_GRID = 10 * SECOND
_REPORT_LAG = 2 * MINUTE
"""Counters report every minute; one report may be lost on the air."""

_UNREPORTED = 90
"""Persons by which an upper bound may exceed the counts for what gates have not reported yet."""


@dataclass(frozen=True)
class Truth:
    """The day as it was. `frames` are the uplinks a gateway of the town heard, in order."""

    town: Town
    plan: DayPlan
    visitors: Visitors
    frames: tuple[Frame, ...]
    copies: int
    """How many of the uplinks came a second time, through the county's network server."""

    def occupancy(self, moment: Instant) -> int:
        """Persons on the market square."""
        return self.visitors.inside(moment)

    @staticmethod
    def identity(frame: Frame) -> UplinkIdentity:
        """The keys of all frames, by which the log has to recognise them."""
        sent = frame.sent
        return UplinkIdentity(sent.dev_eui, frame.dev_addr, frame.f_cnt, sent.f_port, sent.payload)

    @cached_property
    def uplinks(self) -> Counter[UplinkIdentity]:
        """Every uplink; a number above one means different uplinks that look the same."""
        return Counter(map(self.identity, self.frames))

    @cached_property
    def readings(self) -> Mapping[SeriesName, tuple[TrueValue, ...]]:
        """What the series store must hold, per series in the order of time."""
        series: dict[SeriesName, list[TrueValue]] = {}
        for frame in self.frames:
            for reading in frame.sent.readings:
                station = self._stations[frame.sent.dev_eui]
                name = SeriesName(station, reading.quantity, reading.channel)
                series.setdefault(name, []).append(TrueValue(frame.sent.time, reading.value))
        return {name: tuple(values) for name, values in series.items()}

    @cached_property
    def _stations(self) -> Mapping[str, str]:
        """Slugs of stations by DevEUI."""
        return {device.dev_eui: station_of(device.dev_eui) for device in self.town.devices}

    def rule(self, slug: str) -> Rule:
        """The rule of that name; KeyError when the town has none."""
        for rule in self.town.rules:
            if rule.slug == slug:
                return rule
        raise KeyError(slug)

    def incidents(self, slug: str) -> list[Incident]:
        """The incidents that a rule has to find; raises AmbiguousDay where that is open."""
        rule = self.rule(slug)
        values = self._market_bounds() if rule.zone else self._reading_bounds(rule)
        return expected_incidents(rule, values, self.plan.outage, self.plan.span.end)

    def _reading_bounds(self, rule: Rule) -> Iterator[Bounds]:
        name = SeriesName(rule.station or "", rule.quantity, rule.channel)
        for true in self.readings[name]:
            yield Bounds(true.time, true.value, true.value)

    def _market_bounds(self) -> Iterator[Bounds]:
        """Bounds of the upper bound of occupancy: never below the truth, and not far above.

        Both hold the truth of the last minutes too, because reports come later than people.
        """
        span = self.plan.span
        recent: list[tuple[int, float]] = []
        for moment in range(span.start, span.end, _GRID):
            now = Instant(moment)
            recent = recent[-(_REPORT_LAG // _GRID) :]
            recent.append((self.visitors.inside(now), self._upper_bound(now)))
            yield Bounds(now, min(low for low, _ in recent), max(high for _, high in recent))

    def _upper_bound(self, moment: Instant) -> float:
        """The highest upper bound that is justified by what the counters counted."""
        zone = self.town.zones[0]
        inwards, outwards = self.visitors.counted_passages(moment)
        if not inwards:
            return 0
        errors = zone.error_in * inwards + zone.error_out * outwards
        # Few errors scatter: up to twice their standard deviation is justified.
        margin = max(errors, 2 * math.sqrt(errors))
        return self.visitors.counted_inside(moment) + margin + _UNREPORTED
