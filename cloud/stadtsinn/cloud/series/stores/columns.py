"""Samples as arrays: a history of years in a few megabytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from stadtsinn.cloud.series.stores.store import Sample
from stadtsinn.rules.history.column import Column


def column_of_rows(
    rows: Iterable[tuple[int, float, int]], names: Mapping[int, str] | None = None
) -> Column:
    """Of rows of time, value and the number of the device, in the order of their times.

    All three pass as numbers with a fraction, which hold a time to the microsecond until 2255.
    """
    flat = np.fromiter(chain.from_iterable(rows), np.float64).reshape(-1, 3)
    numbers, sources = np.unique(flat[:, 2].astype(np.int64), return_inverse=True)
    known = names or {}
    return Column(
        flat[:, 0].astype(np.int64),
        np.ascontiguousarray(flat[:, 1]),
        sources if len(numbers) > 1 else None,
        tuple(known.get(int(number), "") for number in numbers) or ("",),
    )


def column_of_samples(samples: Iterable[Sample]) -> Column:
    """Of samples in the order of their times."""
    devices: dict[str, int] = {}
    rows = [(one.time, one.value, devices.setdefault(one.dev_eui, len(devices))) for one in samples]
    return column_of_rows(rows, {number: dev_eui for dev_eui, number in devices.items()})


def joined(parts: Sequence[Column]) -> Column:
    """One history of parts that follow each other."""
    if not parts:
        return column_of_rows(())
    if len(parts) == 1:
        return parts[0]
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    numbers = [np.array([names.index(name) for name in part.names]) for part in parts]
    sources = [
        number[part.sources] if part.sources is not None else np.full(len(part), number[0])
        for number, part in zip(numbers, parts, strict=True)
    ]
    return Column(
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate(sources) if len(names) > 1 else None,
        names,
    )
