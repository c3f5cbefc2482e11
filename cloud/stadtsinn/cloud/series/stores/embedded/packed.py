"""Reads the history of a series out of SQLite as arrays.

A row that becomes objects of Python costs several times what SQLite needs to find it. So SQLite
writes many numbers into one text, which numpy reads. Integers pass through a text unchanged; a
value with up to six decimals passes as an integer of millionths, which divided again is the very
same number. SQLite compares each, and leaves out of the text what would differ, or what another
device measured; then the rows are read one by one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping

import numpy as np

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.columns import column_of_rows, joined
from stadtsinn.rules.history.column import Column, Numbers

AT_ONCE = 100_000
"""Rows in one text: some megabytes, whatever the length of the history."""

_CHOSEN = """
FROM points WHERE station = ? AND time >= ? AND time < ? AND series = ? AND quality = 0
ORDER BY time LIMIT ?
"""
_ROWS = f"SELECT time, value, device {_CHOSEN}"
_PACKED = f"""
SELECT group_concat(time),
    group_concat(CASE WHEN millionths / 1000000.0 = value AND device = first THEN millionths END)
FROM (SELECT time, value, device, ? AS first,
    CAST(round(value * 1000000.0) AS INTEGER) AS millionths {_CHOSEN})
"""  # noqa: S608 nothing of it comes from outside


def read_column(
    connection: sqlite3.Connection, ids: tuple[int, int], start: Instant, end: Instant, most: int
) -> Column:
    """The good samples of a station's series, at most `most`. Within one transaction: it reads
    several times."""
    names: Mapping[int, str] = dict(connection.execute("SELECT id, dev_eui FROM devices"))
    return joined(list(_pages(connection, ids, start, end, most, names)))


def _pages(
    connection: sqlite3.Connection,
    ids: tuple[int, int],
    start: int,
    end: Instant,
    most: int,
    names: Mapping[int, str],
) -> Iterator[Column]:
    station, series = ids
    while most > 0:
        wanted = (station, start, end, series, min(AT_ONCE, most))
        first = connection.execute(_ROWS, (*wanted[:-1], 1)).fetchone()
        if first is None:
            return
        device = first[2]
        times, values = connection.execute(_PACKED, (device, *wanted)).fetchone()
        page = _unpacked(times, values, names.get(device, ""))
        if page is None:
            page = column_of_rows(connection.execute(_ROWS, wanted), names)
        yield page
        if len(page) < AT_ONCE:
            return
        start, most = int(page.times[-1]) + 1, most - len(page)


def _unpacked(times: str, values: str | None, name: str) -> Column | None:
    """None: some of the values are not in the text."""
    moments = _numbers(times)
    found = _numbers(values or "") / 1_000_000.0
    if len(moments) != len(found):
        return None
    # SQLite does not promise the order in which it writes them.
    order = slice(None) if bool(np.all(moments[1:] > moments[:-1])) else np.argsort(moments)
    return Column(moments[order], found[order], names=(name,))


def _numbers(text: str) -> Numbers:
    return np.fromstring(text, np.int64, sep=",")
