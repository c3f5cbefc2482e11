"""What decoding again changes, counted per device and series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from stadtsinn.base.instant import Instant
from stadtsinn.decoders.reading import Decoded, Outcome, Quality, Reading

Device = tuple[str, str]
"""tenant, DevEUI"""

_Named = dict[tuple[str, str, Instant | None], Reading]


@dataclass
class SeriesChanges:
    """Values of one quantity and channel. `largest` is the largest difference of a value."""

    new: int = 0
    gone: int = 0
    changed: int = 0
    largest: float = 0.0
    quality: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: SeriesChanges) -> None:
        self.new += other.new
        self.gone += other.gone
        self.changed += other.changed
        self.largest = max(self.largest, other.largest)
        self.quality += other.quality


@dataclass
class DeviceChanges:
    """A device's uplinks that would be logged otherwise. Errors: undecoded uplinks."""

    uplinks: int = 0
    now_decoded: int = 0
    no_longer_decoded: int = 0
    other_error: int = 0
    decoders: Counter[tuple[str, str]] = field(default_factory=Counter)
    series: dict[tuple[str, str], SeriesChanges] = field(default_factory=dict)
    # Times of the first and the last point that differs; None where none does.
    first: Instant | None = None
    last: Instant | None = None
    delayed: bool = False
    """Values can be older than their frame."""

    def add(self, other: DeviceChanges) -> None:
        self.uplinks += other.uplinks
        self.now_decoded += other.now_decoded
        self.no_longer_decoded += other.no_longer_decoded
        self.other_error += other.other_error
        self.decoders += other.decoders
        for key, changes in other.series.items():
            self.series.setdefault(key, SeriesChanges()).add(changes)
        for moment in (other.first, other.last):
            if moment is not None:
                self.touch(moment)
        self.delayed |= other.delayed

    def touch(self, moment: Instant) -> None:
        """A point at this moment differs."""
        self.first = moment if self.first is None else min(self.first, moment)
        self.last = moment if self.last is None else max(self.last, moment)

    def compare(self, received: Instant, old: Outcome, new: Outcome) -> None:
        """Count how one uplink's outcome changes."""
        self.uplinks += 1
        if old.decoder != new.decoder:
            self.decoders[old.decoder, new.decoder] += 1
        self._compare_errors(old, new)
        if isinstance(old, Decoded) and isinstance(new, Decoded) and old.readings == new.readings:
            self.delayed |= any(one.event_time is not None for one in new.readings)
            return
        before, after = _readings(old), _readings(new)
        for key in before.keys() | after.keys():
            self._compare_readings(key, before.get(key), after.get(key), received)

    def _compare_errors(self, old: Outcome, new: Outcome) -> None:
        if isinstance(new, Decoded):
            self.now_decoded += not isinstance(old, Decoded)
        elif isinstance(old, Decoded):
            self.no_longer_decoded += 1
        elif old.reason != new.reason:
            self.other_error += 1

    def _compare_readings(
        self,
        key: tuple[str, str, Instant | None],
        old: Reading | None,
        new: Reading | None,
        received: Instant,
    ) -> None:
        quantity, channel, moment = key
        self.delayed |= moment is not None
        if old is not None and new is not None:
            same = old.value == new.value and old.quality is new.quality
            if same and old.reason == new.reason:
                return
        changes = self.series.setdefault((quantity, channel), SeriesChanges())
        if old is None:
            changes.new += 1
        elif new is None:
            changes.gone += 1
        else:
            if old.value != new.value:
                changes.changed += 1
                changes.largest = max(changes.largest, abs(new.value - old.value))
            if _grade(old) != _grade(new):
                changes.quality[_grade(old), _grade(new)] += 1
        self.touch(received if moment is None else moment)


def _readings(outcome: Outcome) -> _Named:
    """Readings by what makes them a point; of equal ones the last stays, as in a store."""
    if not isinstance(outcome, Decoded):
        return {}
    return {(one.quantity, one.channel, one.event_time): one for one in outcome.readings}


def _grade(reading: Reading) -> str:
    """Quality and reason in one word each, e.g. ``bad (out_of_range)``."""
    if reading.quality is Quality.GOOD:
        return reading.quality.value
    return f"{reading.quality.value} ({reading.reason})"


@dataclass
class Report:
    """All devices that change, and how many uplinks were decoded again for it."""

    uplinks: int = 0
    devices: dict[Device, DeviceChanges] = field(default_factory=dict)

    def device(self, tenant_id: str, dev_eui: str) -> DeviceChanges:
        return self.devices.setdefault((tenant_id, dev_eui), DeviceChanges())

    def add(self, other: Report) -> None:
        self.uplinks += other.uplinks
        for device, changes in other.devices.items():
            self.device(*device).add(changes)

    def in_order(self) -> Iterator[tuple[Device, DeviceChanges]]:
        return iter(sorted(self.devices.items()))

    @property
    def differing(self) -> int:
        """Uplinks that would be logged otherwise."""
        return sum(changes.uplinks for changes in self.devices.values())

    @property
    def decoders(self) -> Counter[tuple[str, str]]:
        """Uplinks by decoder then and now, where it is another one."""
        return sum((changes.decoders for changes in self.devices.values()), Counter())
