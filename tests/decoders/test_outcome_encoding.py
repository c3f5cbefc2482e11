"""Outcomes encoded without Reading objects have the same bytes as those encoded by msgspec."""

from __future__ import annotations

import numpy as np
import pytest

from fake_uplinks import NINE
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.log.archive_files.parquet import batch_of_rows
from stadtsinn.cloud.series.redecode.decoding import NEEDED, BatchRedecoder
from stadtsinn.decoders import program as p
from stadtsinn.decoders.batch import Columns
from stadtsinn.decoders.catalogue import Catalogue, catalogue
from stadtsinn.decoders.interpreter import Result
from stadtsinn.decoders.outcome_encoding import OutcomeEncoder, encode
from stadtsinn.decoders.uplink import Frame


def frames_of(device: str, seed: int) -> list[Frame]:
    """A device's examples, truncated, extended, with other bytes, and on other ports."""
    made = np.random.default_rng(seed)
    found: list[Frame] = []
    for number, example in enumerate(catalogue().device(device).file.examples):
        payload = bytes.fromhex(example.bytes)
        varied = bytearray(payload)
        for place in made.integers(0, max(1, len(payload)), 4):
            if payload:
                varied[place] = made.integers(0, 256)
        variants = [payload, bytes(varied), payload[: len(payload) // 2], payload + b"\0", b""]
        port, received = example.port, Instant(NINE + number * SECOND)
        found += [(device, port, one, received) for one in variants]
        found += [(device, 0, payload, received), (device, 199, payload, received)]
    return found


def batch_of(frames: list[Frame], outcomes: list[bytes]) -> object:
    rows = [
        (device, port, payload, received, outcome)
        for (device, port, payload, received), outcome in zip(frames, outcomes, strict=True)
    ]
    return batch_of_rows(rows, NEEDED)


def test_every_device_of_the_catalogue_is_found_unchanged() -> None:
    """All outcomes equal those of `decode`, so no row is rewritten."""
    known = catalogue()
    frames = [frame for number, device in enumerate(known) for frame in frames_of(device, number)]
    of_known = len(frames)
    frames += [("acme/unknown", 1, b"\1", NINE), (None, 1, b"\1", NINE)]
    outcomes = [encode(known.decode(*frame)) for frame in frames]
    changed = BatchRedecoder(known).redecode(batch_of(frames, outcomes))
    assert changed.rows == []
    stored = [outcome + b"?" for outcome in outcomes]
    again = BatchRedecoder(known).redecode(batch_of(frames, stored))
    assert again.rows == list(range(of_known))  # of unknown types what was logged stays
    assert again.outcomes == outcomes[:of_known]


@pytest.mark.parametrize("rows", [[0], [0, 2], []])
def test_only_the_rows_that_differ_are_returned(rows: list[int]) -> None:
    known = catalogue()
    frames = frames_of("dragino/lse01", 1)
    outcomes = [encode(known.decode(*frame)) for frame in frames]
    stored = [b"" if n in rows else outcome for n, outcome in enumerate(outcomes)]
    changed = BatchRedecoder(known).redecode(batch_of(frames, stored))
    assert changed.rows == rows
    assert changed.outcomes == [outcomes[row] for row in rows]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 300, 70_000])
def test_any_number_of_readings(count: int) -> None:
    """MessagePack writes the length of an array in three ways."""
    device = catalogue().device("dragino/lse01")
    numbers = np.random.default_rng(count).normal(size=count)
    slots = np.arange(count, dtype=np.int32) % len(device.fields)
    flags = np.arange(count, dtype=np.int32) % 2
    columns = Columns(
        starts=np.array([0, count], np.int64),
        values=numbers,
        tags=(slots | flags << 16).astype(np.int32),
        status=np.array([p.OK], np.uint8),
        details=np.zeros((1, 2), np.int32),
        extras=np.zeros((0, 3), np.int64),
    )
    out, offsets, mask = OutcomeEncoder([device]).encode(columns, np.zeros(1, np.int32))
    emitted = [
        (int(slot), float(value), int(flag), -1, -1)
        for slot, value, flag in zip(slots, numbers, flags, strict=True)
    ]
    expected = encode(device.outcome(Result(p.OK, 0, 0, emitted), 2, b""))
    assert mask.tolist() == [True]
    assert out[offsets[0] : offsets[1]].tobytes() == expected


def test_an_empty_batch_and_an_empty_catalogue() -> None:
    assert BatchRedecoder(catalogue()).redecode(batch_of([], [])).rows == []
    changed = BatchRedecoder(Catalogue({})).redecode(batch_of([("a/b", 1, b"\1", NINE)], [b""]))
    assert changed.rows == []
