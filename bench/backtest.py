"""Back-testing, measured: one rule over years of values of many stations.

    .venv/bin/python bench/backtest.py [--sensors N] [--years N] [--processes N]

The values lie in the embedded series store, as followers leave them there: soil moisture every ten
minutes that dries out in summer and jumps after rain, with noise and gaps. Each line is a rule of
another kind over the same values. Reading them is part of the time. The plain engine, which judges
every value, is measured on some of the stations in one process, and counted for as many processes.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import resource
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import HOUR, MINUTE, Instant, parse
from stadtsinn.cloud.alarms.backtest.running import judged
from stadtsinn.cloud.alarms.backtest.tasks import Outcome, Subject, Task
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.stations.model import FOR_EVER
from stadtsinn.rules.history.course import Course, Section
from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.kinds.band import Band
from stadtsinn.rules.kinds.change import Change, Trend
from stadtsinn.rules.kinds.low_battery import LowBattery
from stadtsinn.rules.kinds.no_data import NoData
from stadtsinn.rules.kinds.stuck import Stuck
from stadtsinn.rules.kinds.threshold import Direction, Threshold
from stadtsinn.rules.terms import Terms

HOLD_S = 30.0
TOWN = "bench"
START = Instant(parse("2021-01-01T00:00:00+01:00"))
STEP = 10 * MINUTE
A_YEAR = 365 * 24 * 6
TEMPLATES = 4
"""Courses that are made; further stations repeat them a little drier or wetter."""
KINDS: list[RuleKind] = [
    Threshold(on=15, off=20, direction=Direction.BELOW),
    Band(low=12, high=45, margin=2),
    Change(on=8, off=3, within_s=3_600),
    Change(on=6, off=2, within_s=86_400, trend=Trend.FALLING),
    LowBattery(on=14, off=20, within_s=86_400),
    Stuck(unchanged_s=6 * 3_600),
    NoData(silent_s=2 * 3_600),
]


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sensors", type=int, default=200)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stadtsinn-bench-") as name:
        path = Path(name) / "series.sqlite"
        began = time.perf_counter()
        values = fill(path, options.sensors, options.years * A_YEAR)
        print(
            f"back-test: {values:,} values of {options.sensors} stations, "
            f"{path.stat().st_size / 2**20:,.0f} MiB (made in {time.perf_counter() - began:.0f} s)"
        )
        opening = partial(EmbeddedStore, path, SystemClock())
        for kind in KINDS:
            measure(kind, opening, options.sensors, options.years, options.processes)


def measure(
    kind: RuleKind, opening: partial[EmbeddedStore], sensors: int, years: int, processes: int
) -> None:
    """One kind over all values; the plain engine over one station."""
    tasks = [task(kind, number, years) for number in range(sensors)]
    began, computed = time.perf_counter(), computing()
    found = list(judged(tasks, opening, processes))
    seconds, computed = time.perf_counter() - began, computing() - computed
    values = sum(one.values for one in found)
    plain = plainly(tasks[0], opening(), found[0]) * values / processes
    alarms = sum(len(one.tried[0]) for one in found)
    share = sum(one.judged for one in found) / values
    hold = f"    hold: {HOLD_S:.0f} s" if years * sensors >= 1_000 else ""
    print(
        f"  {kind.kind_name:12}{processes} processes {seconds:6.1f} s"
        f"    {computed:5.1f} s of computing"
        f"    {values / seconds / 1e6:5.2f} M values/s    engine {plain:6.0f} s"
        f"    {plain / seconds:4.0f} times    {share:7.2%} judged    {alarms:,} alarms{hold}"
    )


def computing() -> float:
    """Seconds that this process and those that it ended have computed; others on the machine do
    not count."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def plainly(one: Task, reader: EmbeddedStore, fast: Outcome) -> float:
    """Seconds a value takes when the engine judges all of them; the same has to come out."""
    assert one.key is not None
    column = reader.column(TOWN, one.key, one.start, one.end)
    some = column.where(slice(0, 100_000))
    end = Instant(int(some.times[-1]))
    began = time.perf_counter()
    happened = list(Course(some).run(one.variants[0], end))
    seconds = time.perf_counter() - began
    assert happened == [step for step in fast.happened if step.now < end]
    return seconds / len(some)


def task(kind: RuleKind, number: int, years: int) -> Task:
    terms = Terms(
        kind,
        hold=HOUR if isinstance(kind, Threshold) else 0,
        stale_after=kind.silence_s * 1_000_000 if kind.silence_s else 3 * STEP,
        patience=MINUTE,
    )
    return Task(
        TOWN,
        Subject(station(number), "", ""),
        SeriesKey(station(number), "soil_moisture"),
        START,
        Instant(START + years * A_YEAR * STEP),
        FOR_EVER,
        ((Section(START, terms),),),
    )


def station(number: int) -> str:
    return f"baum-{number:04}"


def fill(path: Path, sensors: int, count: int) -> int:
    """A store with all values; returns how many there are."""
    store = EmbeddedStore(path, SystemClock())
    for number in range(sensors):
        key = SeriesKey(station(number), "soil_moisture")
        eui = f"70b3d5b00000{number:04x}"
        store.write([Point(TOWN, "soil", key, Instant(START - 1), 30.0, dev_eui=eui)])
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    ids = connection.execute(
        "SELECT station, series, device FROM points ORDER BY station"
    ).fetchall()
    connection.execute("DELETE FROM points")
    for number, (place, series, device) in enumerate(ids[:TEMPLATES]):
        rows = zip(*course(number, count), strict=True)
        connection.executemany(
            "INSERT INTO points VALUES (?, ?, ?, ?, 0, ?)",
            ((place, at, series, value, device) for at, value in rows),
        )
    for number, (place, series, device) in enumerate(ids[TEMPLATES:], TEMPLATES):
        connection.execute(
            "INSERT INTO points SELECT ?, time, ?, round(value + ?, 1), quality, ? FROM points"
            " WHERE station = ?",
            (place, series, number % 17 / 5 - 1.6, device, ids[number % TEMPLATES][0]),
        )
    connection.commit()
    values = int(connection.execute("SELECT count(*) FROM points").fetchone()[0])
    connection.close()
    return values


def course(seed: int, count: int) -> tuple[Sequence[int], Sequence[float]]:
    """Times and values: it dries by the season, rain comes every ten days or so."""
    chance = np.random.default_rng(seed)
    days = np.arange(count) / 144
    summer = 0.5 - 0.5 * np.cos(2 * np.pi * days / 365)
    rain = np.where(chance.random(count) < 1 / 1_440, chance.uniform(3, 15, count), 0.0)
    moisture, now = np.empty(count), 35.0
    for number, (wet, drying) in enumerate(zip(rain, 0.0007 + 0.006 * summer, strict=True)):
        now = min(48.0, now - drying * max(0.0, now - 9) / 12 + wet)
        moisture[number] = now
    values = np.round(moisture + chance.normal(0, 0.15, count), 1)
    there = chance.random(count) > 0.01
    for gap in chance.integers(0, count, count // 20_000):
        there[gap : gap + 60] = False
    times = START + np.arange(count) * STEP + chance.integers(0, 20_000_000, count)
    return times[there].tolist(), values[there].tolist()


if __name__ == "__main__":
    main()
