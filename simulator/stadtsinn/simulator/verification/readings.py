"""Compares the series store: every reading with its value and time, and nothing else."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from stadtsinn.base.instant import HOUR, Instant, isoformat
from stadtsinn.cloud.series.stores.store import Sample, SeriesStore
from stadtsinn.decoders.reading import Quality
from stadtsinn.simulator.market_day.truth import SeriesName, TrueValue, Truth
from stadtsinn.simulator.verification.report import Check, check
from stadtsinn.simulator.verification.uplinks import TIME_TOLERANCE

_RELATIVE = 1e-9
"""A value may pass through text and back; it is never recomputed."""


def check_readings(truth: Truth, series: SeriesStore, stations: Sequence[str]) -> Check:
    """Compare all series of the town: what each device measured, at whatever stations it was."""
    problems = []
    found = 0
    stored = _stored(truth, series, stations)
    for name, values in truth.readings.items():
        samples = stored.pop(name, [])
        found += len(samples)
        problems += [f"{_title(name)}: {problem}" for problem in _differences(values, samples)]
    problems += [f"{_title(name)}: foreign series" for name in stored]
    return check(
        "every reading is in the series store",
        expected=sum(map(len, truth.readings.values())),
        found=found,
        problems=problems,
        numbers={"series": len(truth.readings)},
    )


def _stored(
    truth: Truth, series: SeriesStore, stations: Sequence[str]
) -> dict[SeriesName, list[Sample]]:
    """What the stations' series hold, by the device that measured it, in the order of time."""
    tenant, span = truth.town.tenant, truth.plan.span
    found: dict[SeriesName, list[Sample]] = defaultdict(list)
    for station in stations:
        for key in series.series(tenant, station):
            bounds = Instant(span.start - HOUR), Instant(span.end + HOUR)
            for sample in series.read(tenant, key, *bounds, include_doubtful=True):
                found[SeriesName(sample.dev_eui, key.quantity, key.channel)].append(sample)
    for samples in found.values():
        samples.sort(key=lambda sample: sample.time)
    return found


def _differences(values: Sequence[TrueValue], samples: Sequence[Sample]) -> Iterator[str]:
    """Both are in the order of time: what has no partner is missing or foreign."""
    waiting = list(reversed(samples))
    for true in values:
        while waiting and waiting[-1].time < true.time - TIME_TOLERANCE:
            yield f"foreign point at {isoformat(waiting.pop().time)}"
        if not waiting or waiting[-1].time > true.time + TIME_TOLERANCE:
            yield f"nothing for {isoformat(true.time)}"
            continue
        sample = waiting.pop()
        if not math.isclose(sample.value, true.value, rel_tol=_RELATIVE, abs_tol=_RELATIVE):
            yield f"{sample.value} instead of {true.value} at {isoformat(true.time)}"
        if sample.quality is not Quality.GOOD:
            yield f"{sample.quality} at {isoformat(true.time)}"
    for sample in reversed(waiting):
        yield f"foreign point at {isoformat(sample.time)}"


def _title(name: SeriesName) -> str:
    return " ".join(filter(None, (name.dev_eui, name.quantity, name.channel)))
