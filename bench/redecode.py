"""Redecoding, measured: the command's own scan of an archive of mixed frames.

    .venv/bin/python bench/redecode.py [--frames N] [--processes N]

Frames are the catalogue's own examples of eight device types with varied bytes, in Parquet as
`stadtsinn archive` writes it, with the outcomes that were logged. Two processes read every row
group, decode every payload again and compare every outcome; nothing differs, so nothing is
written. A second pass over one day changes every outcome and rewrites the day.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import itertools
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from stadtsinn.base.instant import DAY, SECOND, Instant, parse
from stadtsinn.cloud.log.archive_files.archive import ArchivedDay
from stadtsinn.cloud.log.archive_files.archiving import next_file
from stadtsinn.cloud.log.archive_files.parquet import ROW_GROUP, SCHEMA, write_file
from stadtsinn.cloud.log.uplinks.uplink import Radio
from stadtsinn.cloud.series.redecode.scanning import (
    DayResult,
    DayTask,
    scan_day,
    scan_day_in_worker,
    start_worker,
)
from stadtsinn.cloud.series.redecode.selection import Selection
from stadtsinn.decoders.catalogue import Catalogue, catalogue
from stadtsinn.decoders.uplink import Frame, Reception

TYPES = (
    "dragino/lse01",
    "decentlab/dl-trs12",
    "decentlab/dl-atm41",
    "milesight/em500-smtc",
    "milesight/vs133",
    "barani/meteohelix-iot-pro",
    "elsys/elsys",
    "sensecap/gen1-soil",
)
HOLD_S = 60.0
FIRST_DAY = Instant(parse("2026-01-01T00:00:00+00:00"))
ALL = Selection(Instant(0), Instant(2**52), 2**62)
GROUPS_A_DAY = 16
DISTINCT = 4 * ROW_GROUP
"""Different frames and their logged outcomes; larger archives repeat them in other row groups."""


def main() -> None:
    """Print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stadtsinn-bench-") as name:
        folder = Path(name)
        began = time.perf_counter()
        days = make_archive(folder, options.frames)
        frames = sum(day.uplinks for day in days)
        size = sum((folder / day.file).stat().st_size for day in days)
        print(
            f"redecode: {frames:,} frames of {len(TYPES)} device types, {len(days)} files, "
            f"{size / 2**20:,.0f} MiB (made in {time.perf_counter() - began:.0f} s)"
        )
        decode_all(folder, days, options.processes)
        rewrite_one(folder, days[0])


def decode_all(folder: Path, days: list[ArchivedDay], processes: int) -> None:
    """Every frame again: nothing may differ."""
    tasks = [DayTask(folder, day, ALL, write=True) for day in days]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, start_worker, (None,)) as pool:
        list(pool.map(scan_day_in_worker, tasks[:processes]))  # kernel loaded, pages warm
        began = time.perf_counter()
        frames = differing = 0
        early = 0.0
        for number, result in enumerate(pool.map(scan_day_in_worker, tasks), start=1):
            frames += result.report.uplinks
            differing += result.report.differing
            if number == max(1, len(tasks) // 10):
                early = resident(pool)
        seconds = time.perf_counter() - began
        late = resident(pool)
    assert differing == 0, f"{differing} outcomes differ from what was logged"
    rate = frames / seconds / 1e3
    print(f"  {processes} processes{seconds:17.1f} s    {rate:,.0f} k frames/s")
    print(f"  10 million frames{seconds / frames * 1e7:12.1f} s    hold: {HOLD_S:.0f} s")
    print(f"  resident a process  {early:8.0f} MiB at a tenth, {late:.0f} MiB at the end")


def rewrite_one(folder: Path, day: ArchivedDay) -> None:
    """A day in which every outcome differs, as after a new version of all decoders."""
    empty = Catalogue({})
    began = time.perf_counter()
    result: DayResult = scan_day(DayTask(folder, day, ALL, write=True), empty)
    seconds = time.perf_counter() - began
    assert result.report.differing == day.uplinks
    print(
        f"  all outcomes differ {day.uplinks / seconds / 1e3:8.0f} k frames/s compared and written"
    )


def resident(pool: ProcessPoolExecutor) -> float:
    """Resident memory of the largest worker, in MiB."""
    return max(_resident(process) for process in pool._processes)  # noqa: SLF001


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def make_archive(folder: Path, frames: int) -> list[ArchivedDay]:
    """Files of days; every row group holds all device types."""
    known = catalogue()
    made = [_columns(known, seed) for seed in range(DISTINCT // ROW_GROUP)]
    groups = max(1, round(frames / ROW_GROUP))
    days = []
    for number in range(0, groups, GROUPS_A_DAY):
        count = min(GROUPS_A_DAY, groups - number)
        day = Instant(FIRST_DAY + number // GROUPS_A_DAY * DAY)
        file = next_file(None, day)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        write_file(folder / file, _groups(made, day, number, count))
        rows = count * ROW_GROUP
        days.append(ArchivedDay(day, file, rows, number * ROW_GROUP, number * ROW_GROUP + rows))
    return days


def _groups(made: list[dict[str, Any]], day: Instant, first: int, count: int) -> Iterator[Any]:
    for number, columns in zip(range(first, first + count), itertools.cycle(made)):
        rows = np.arange(ROW_GROUP, dtype=np.int64)
        times = pa.array(day + rows * SECOND).view(pa.timestamp("us", tz="UTC"))
        own = {
            "position": pa.array(number * ROW_GROUP + rows + 1),
            "f_cnt": pa.array(number + rows // len(TYPES)),
            "event_time": times,
            "received_at": times,
            "committed_at": times,
        }
        yield pa.record_batch({name: (own | columns)[name] for name in SCHEMA.names}, schema=SCHEMA)


def _columns(known: Catalogue, seed: int) -> dict[str, Any]:
    """Columns of a row group that are the same in every row group of this seed."""
    frames = list(itertools.islice(varied_frames(known, seed), ROW_GROUP))
    encode = msgspec.msgpack.Encoder().encode
    radio = encode(Radio(5, 868_100_000, (Reception("0016c001f1000001", -90, 7.5),)))
    # Times of reception differ between groups; no value of these types depends on them.
    outcomes = [encode(outcome) for outcome in known.decode_batch(frames)]

    def names(values: list[str]) -> Any:
        return pa.array(values).dictionary_encode()

    euis = [f"70b3d5b0000{number % 4_000:05x}" for number in range(ROW_GROUP)]
    return {
        "tenant_id": names(["bench"] * ROW_GROUP),
        "dev_eui": names(euis),
        "dev_addr": names([eui[-8:] for eui in euis]),
        "generation": pa.array(np.zeros(ROW_GROUP, np.int32)),
        "f_port": pa.array([port for _, port, _, _ in frames], pa.int32()),
        "payload": pa.array([payload for _, _, payload, _ in frames], pa.large_binary()),
        "time_source": names(["gateway"] * ROW_GROUP),
        "source": names(["edge:bench"] * ROW_GROUP),
        "deduplication_id": pa.array([f"{seed}-{n}" for n in range(ROW_GROUP)]),
        "device_type": names([str(kind) for kind, _, _, _ in frames]),
        "outcome": pa.array(outcomes, pa.large_binary()),
        "radio": pa.array([radio] * ROW_GROUP, pa.large_binary()),
    }


def varied_frames(known: Catalogue, seed: int) -> Iterator[Frame]:
    """Examples that decode, one type after the other, two bytes varied in half of them."""
    random = np.random.default_rng(seed)
    examples = [
        [
            (example.port, bytes.fromhex(example.bytes))
            for example in known.device(kind).file.examples
            if not example.error
        ]
        for kind in TYPES
    ]
    for number in itertools.count():
        kind = number % len(TYPES)
        port, payload = examples[kind][number // len(TYPES) % len(examples[kind])]
        varied = bytearray(payload)
        if random.random() < 0.5:
            for place in random.integers(0, len(varied), 2):
                varied[place] = random.integers(0, 256)
        yield TYPES[kind], port, bytes(varied), FIRST_DAY


if __name__ == "__main__":
    main()
