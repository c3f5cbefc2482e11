"""Uplinks in Parquet: the columns of the log, read and written a row group at a time.

Payloads are large binary (one byte buffer, 64-bit offsets), which the batch decoder takes as it
is; names that repeat are dictionaries. Rows stand in the order of their position.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from stadtsinn.base.private_files import private_file
from stadtsinn.cloud.log.uplinks.rows import INSERTED

ROW_GROUP = 16_384
"""Rows written and read in one piece: a few megabytes."""

_GAP = 10 * ROW_GROUP
"""Positions further apart than this do not share a row group: uplinks that came late for an old day
get row groups of their own, so that reading by position need not read the rest of the day."""

_NAME = pa.dictionary(pa.int32(), pa.string())
_TIME = pa.timestamp("us", tz="UTC")
_TYPES = {
    "position": pa.int64(),
    "tenant_id": _NAME,
    "dev_eui": _NAME,
    "dev_addr": _NAME,
    "generation": pa.int32(),
    "f_cnt": pa.int64(),
    "f_port": pa.int32(),
    "payload": pa.large_binary(),
    "event_time": _TIME,
    "time_source": _NAME,
    "received_at": _TIME,
    "committed_at": _TIME,
    "source": _NAME,
    "deduplication_id": pa.string(),
    "device_type": _NAME,
    "outcome": pa.large_binary(),
    "radio": pa.large_binary(),
}
COLUMNS = ("position", *INSERTED)
"""Every column of the log, in the order of a row."""

SCHEMA: Any = pa.schema([(name, _TYPES[name]) for name in COLUMNS])

Int64 = npt.NDArray[np.int64]


def batch_of_rows(rows: Sequence[Sequence[Any]], names: Sequence[str] = COLUMNS) -> Any:
    """A record batch from rows with these columns."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = [_array(name, column) for name, column in zip(names, columns, strict=True)]
    return pa.record_batch(arrays, schema=pa.schema([(name, _TYPES[name]) for name in names]))


def _array(name: str, values: Sequence[Any]) -> Any:
    kind = _TYPES[name]
    if kind == _TIME:
        return pa.array(values, pa.int64()).view(_TIME)
    if kind == _NAME:
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


def rows_of(batch: Any, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows with these columns, as the database would give them."""
    columns = [plain(batch.column(name)).to_pylist() for name in names]
    return list(zip(*columns, strict=True))


def plain(array: Any) -> Any:
    """Times as whole microseconds; everything else as it is."""
    return array.view(pa.int64()) if pa.types.is_timestamp(array.type) else array


def integers(batch: Any, name: str) -> Int64:
    """A column of integers or times, without a copy where Arrow allows it."""
    numbers: Int64 = plain(batch.column(name)).to_numpy(zero_copy_only=False)
    return numbers.astype(np.int64, copy=False)


class RowGroups:
    """An open file of uplinks. Raises OSError or pyarrow's errors for one that is none."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path, memory_map=False)
        self._position = self._file.schema_arrow.get_field_index("position")
        self._time = self._file.schema_arrow.get_field_index("event_time")

    def __len__(self) -> int:
        return int(self._file.num_row_groups)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def rows(self) -> int:
        """Uplinks in the file."""
        return int(self._file.metadata.num_rows)

    def positions(self, number: int) -> tuple[int, int]:
        """First and last position of a row group."""
        statistics = self._file.metadata.row_group(number).column(self._position).statistics
        return int(statistics.min), int(statistics.max)

    def read(self, number: int, columns: Sequence[str] | None = None) -> Any:
        """A row group as one record batch."""
        table = self._file.read_row_group(number, columns=list(columns) if columns else None)
        return one_batch(table)

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self)):
            yield self.read(number)


def one_batch(table: Any) -> Any:
    """A table as one record batch, also an empty one."""
    batches = table.combine_chunks().to_batches()
    if len(batches) == 1:
        return batches[0]
    return pa.RecordBatch.from_arrays(
        [pa.array([], field.type) for field in table.schema], schema=table.schema
    )


def write_file(
    path: Path, batches: Iterable[Any], before_rename: Callable[[], None] = lambda: None
) -> None:
    """Write a file atomically and durably.

    Raises OSError, e.g. for a disk that is full. The folder must be there.
    """
    # The name contains the process id: a run that still writes must not collide with this one.
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    private_file(temporary)
    with pq.ParquetWriter(
        temporary,
        SCHEMA,
        compression="zstd",
        use_dictionary=[name for name in COLUMNS if _TYPES[name] == _NAME],
        write_statistics=["position", "event_time"],
    ) as writer:
        for batch in _in_row_groups(batches):
            writer.write_batch(batch)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    before_rename()
    temporary.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make new and renamed files of a folder durable (fsync)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _in_row_groups(batches: Iterable[Any]) -> Iterator[Any]:
    """The same rows in batches of ROW_GROUP, or fewer before a gap and at the end."""
    waiting: list[Any] = []
    count = 0
    last: int | None = None
    for piece in _between_gaps(batches):
        if count and last is not None and _first(piece) - last > _GAP:
            yield joined(waiting)
            waiting, count = [], 0
        waiting.append(piece)
        count += piece.num_rows
        last = _last(piece)
        if count >= ROW_GROUP:
            whole = joined(waiting)
            yield whole.slice(0, ROW_GROUP)
            waiting, count = [whole.slice(ROW_GROUP)], count - ROW_GROUP
    if count:
        yield joined(waiting)


def _between_gaps(batches: Iterable[Any]) -> Iterator[Any]:
    """The same rows in pieces of at most ROW_GROUP with no gap inside."""
    for batch in batches:
        gaps = np.flatnonzero(np.diff(integers(batch, "position")) > _GAP) + 1
        ends = [*gaps.tolist(), batch.num_rows]
        start = 0
        for end in ends:
            for begin in range(start, end, ROW_GROUP):
                yield batch.slice(begin, min(ROW_GROUP, end - begin))
            start = end


def joined(batches: Sequence[Any]) -> Any:
    """Batches one behind the other; their dictionaries become one."""
    return one_batch(pa.Table.from_batches(batches, schema=SCHEMA).unify_dictionaries())


def merged(first: Iterator[Any], second: Iterator[Any]) -> Iterator[Any]:
    """Two streams in the order of positions as one; no position may be in both."""
    left, right = next(first, None), next(second, None)
    while left is not None and right is not None:
        cut = min(_last(left), _last(right))
        ours, left = _split(left, cut)
        theirs, right = _split(right, cut)
        yield _sorted(joined([ours, theirs]))
        left = next(first, None) if left.num_rows == 0 else left
        right = next(second, None) if right.num_rows == 0 else right
    for rest, stream in ((left, first), (right, second)):
        if rest is not None:
            yield rest
            yield from stream


def _first(batch: Any) -> int:
    return int(integers(batch, "position")[0])


def _last(batch: Any) -> int:
    return int(integers(batch, "position")[-1])


def _split(batch: Any, cut: int) -> tuple[Any, Any]:
    upto = int(np.searchsorted(integers(batch, "position"), cut, side="right"))
    return batch.slice(0, upto), batch.slice(upto)


def _sorted(batch: Any) -> Any:
    return batch.take(pa.array(np.argsort(integers(batch, "position"), kind="stable")))
