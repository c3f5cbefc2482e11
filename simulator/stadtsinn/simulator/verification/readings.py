"""Compares the series store: every reading with its value and time, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from stadtsinn.base.berlin import for_people
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey, SeriesStore
from stadtsinn.decoders.reading import Quality
from stadtsinn.simulator.market_day.truth import SeriesName, TrueValue, Truth
from stadtsinn.simulator.verification.report import Check, check
from stadtsinn.simulator.verification.uplinks import TIME_TOLERANCE

_RELATIVE = 1e-9
"""A value may pass through text and back; it is never recomputed."""


def check_readings(truth: Truth, series: SeriesStore, stations: Sequence[str]) -> Check:
    """Compare all series of the town's `stations`, whichever devices measured there."""
    problems = []
    found = 0
    for name, values in truth.readings.items():
        samples = _samples(truth, series, name)
        found += len(samples)
        problems += [f"{_title(name)}: {problem}" for problem in _differences(values, samples)]
    problems += _foreign(truth, series, stations)
    return check(
        "every reading is in the series store",
        expected=sum(map(len, truth.readings.values())),
        found=found,
        problems=problems,
        numbers={"series": len(truth.readings)},
    )


def _samples(truth: Truth, series: SeriesStore, name: SeriesName) -> Sequence[Sample]:
    span = truth.plan.span
    return series.read(
        truth.town.tenant,
        SeriesKey(name.station, name.quantity, name.channel),
        Instant(span.start - HOUR),
        Instant(span.end + HOUR),
        include_doubtful=True,
    )


def _differences(values: Sequence[TrueValue], samples: Sequence[Sample]) -> Iterator[str]:
    """Both are in the order of time: what has no partner is missing or foreign."""
    waiting = list(reversed(samples))
    for true in values:
        while waiting and waiting[-1].time < true.time - TIME_TOLERANCE:
            yield f"foreign point at {for_people(waiting.pop().time)}"
        if not waiting or waiting[-1].time > true.time + TIME_TOLERANCE:
            yield f"nothing for {for_people(true.time)}"
            continue
        sample = waiting.pop()
        if not math.isclose(sample.value, true.value, rel_tol=_RELATIVE, abs_tol=_RELATIVE):
            yield f"{sample.value} instead of {true.value} at {for_people(true.time)}"
        if sample.quality is not Quality.GOOD:
            yield f"{sample.quality} at {for_people(true.time)}"
    for sample in reversed(waiting):
        yield f"foreign point at {for_people(sample.time)}"


def _foreign(truth: Truth, series: SeriesStore, stations: Sequence[str]) -> Iterator[str]:
    """Series of the town's stations that no device sent anything for."""
    for station in stations:
        for key in series.series(truth.town.tenant, station):
            name = SeriesName(key.station, key.quantity, key.channel)
            if name not in truth.readings:
                yield f"{_title(name)}: foreign series"


def _title(name: SeriesName) -> str:
    return " ".join(filter(None, (name.station, name.quantity, name.channel)))
