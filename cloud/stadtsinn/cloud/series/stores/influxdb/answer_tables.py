"""What the tables of an InfluxQL answer hold: samples, and which of several counts."""

from __future__ import annotations

from collections.abc import Sequence

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb.http import Series
from stadtsinn.cloud.series.stores.influxdb.names import from_influx
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey
from stadtsinn.decoders.reading import Quality


def device_of(table: Series) -> str:
    return from_influx(table.tags["device"])


def time_and_device(sample: Sample) -> tuple[int, str]:
    """What is the later one; of two devices' values at one time the greater DevEUI's counts."""
    return sample.time, sample.dev_eui


def keep_newest(newest: dict[SeriesKey, Sample], key: SeriesKey, table: Series) -> None:
    time, value = table.values[0]
    sample = Sample(Instant(time), value, dev_eui=device_of(table))
    if key not in newest or time_and_device(newest[key]) <= time_and_device(sample):
        newest[key] = sample


def one_page(
    tables: list[Series], qualities: Sequence[Quality], page: int
) -> tuple[list[Sample], Instant | None]:
    """Samples in order, and where the next page begins (None: there is none).

    There are several tables where devices were swapped or one changed its family. Each is cut
    by itself, so only what lies before the first cut is complete.
    """
    cuts = [t.values[-1][0] for t in tables if t.partial or len(t.values) >= page]
    cut = min(cuts, default=None)
    chosen: dict[int, Sample] = {}
    for table in tables:
        device = device_of(table)
        for row in table.values:
            time = row[0]
            if cut is not None and time > cut:
                break
            if time in chosen and chosen[time].dev_eui > device:
                continue
            for quality, value in zip(qualities, row[1:], strict=True):
                if value is not None:  # the last of good, suspect, bad stays
                    chosen[time] = Sample(Instant(time), value, quality, device)
    samples = [chosen[time] for time in sorted(chosen)]
    return samples, None if cut is None else Instant(cut + 1)
