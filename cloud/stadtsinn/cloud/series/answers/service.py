"""Answers the API's questions about series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stadtsinn.base import berlin
from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Invalid, NotFound
from stadtsinn.cloud.series.answers.schemas import (
    Latest,
    LatestDevice,
    LatestValue,
    SeriesPage,
    SeriesView,
    ValueView,
    sample_view,
    series_view,
    words,
)
from stadtsinn.cloud.series.stores.store import Aggregate, Sample, SeriesKey, SeriesStore, Window
from stadtsinn.cloud.series.stores.windows import next_window, window_start
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.vocabulary import QUANTITIES, VocabularyError, quantity

_DEFAULTS = {
    "mean": Aggregate.MEAN,
    "sum": Aggregate.SUM,
    "last": Aggregate.LAST,
    "counter": Aggregate.COUNTER_DELTA,
}


@dataclass(frozen=True)
class Question:
    """A caller's question about one series of a device of type `device_type`."""

    key: SeriesKey
    device_type: str
    start: Instant
    end: Instant
    window: Window | None
    aggregate: Aggregate | None
    include_doubtful: bool
    limit: int


def check_quantity(name: str) -> None:
    """Raises NotFound with near names for what the vocabulary does not hold."""
    try:
        quantity(name)
    except VocabularyError as error:
        raise NotFound(f"{error}. All of them: /api/v1/quantities.") from None


def default_aggregate(name: str) -> Aggregate:
    """How the vocabulary puts values of this quantity together."""
    known = QUANTITIES.get(name)
    return Aggregate.LAST if known is None else _DEFAULTS[known.aggregate]


def overview(store: SeriesStore, tenant_id: str, dev_eui: str) -> list[SeriesView]:
    """Every series of a device with its newest value."""
    newest = store.latest(tenant_id, [dev_eui])
    return [
        series_view(key, default_aggregate(key.quantity).value, _value_view(newest.get(key)))
        for key in store.series(tenant_id, dev_eui)
    ]


def answer(store: SeriesStore, tenant_id: str, question: Question) -> SeriesPage:
    """Values or windows, at most `limit`, and where to go on."""
    if question.start > question.end:
        raise Invalid("'start' lies after 'end': swap them.")
    if question.window is None:
        if question.aggregate is not None:
            raise Invalid("'aggregate' needs a 'window', e.g. window=1d.")
        samples, more_from, how = *_values(store, tenant_id, question), None
    else:
        how = question.aggregate or default_aggregate(question.key.quantity)
        samples, more_from = _windows(store, tenant_id, question, question.window, how)
    said = words(question.key.quantity)
    return SeriesPage(
        dev_eui=question.key.station,
        quantity=question.key.quantity,
        channel=question.key.channel,
        unit=said.unit,
        label_de=said.label_de,
        label_en=said.label_en,
        window=question.window,
        aggregate=how,
        items=[sample_view(sample, berlin.isoformat(sample.time)) for sample in samples],
        next=None if more_from is None else berlin.isoformat(more_from),
    )


def _values(
    store: SeriesStore, tenant_id: str, question: Question
) -> tuple[list[Sample], Instant | None]:
    found = store.read(
        tenant_id,
        question.key,
        question.start,
        question.end,
        include_doubtful=question.include_doubtful,
        limit=question.limit + 1,
    )
    more = len(found) > question.limit
    return found[: question.limit], found[question.limit].time if more else None


def _windows(
    store: SeriesStore, tenant_id: str, question: Question, window: Window, how: Aggregate
) -> tuple[list[Sample], Instant | None]:
    """`limit` counts windows with and without values, so one call never means much work."""
    if question.include_doubtful:
        raise Invalid("windows are made of good values only: leave 'quality' away.")
    stop = window_start(question.start, window)
    for _ in range(question.limit):
        stop = next_window(stop, window)
        if stop >= question.end:
            break
    samples = store.aggregate(
        tenant_id,
        question.key,
        question.start,
        Instant(min(stop, question.end)),
        window,
        how,
        counter_modulus=_counter_modulus(question),
    )
    return samples, stop if stop < question.end else None


def _counter_modulus(question: Question) -> float | None:
    device = catalogue().find(question.device_type)
    return device.counter_modulus(question.key.quantity, question.key.channel) if device else None


def newest(
    store: SeriesStore,
    tenant_id: str,
    dev_euis: Sequence[str],
    quantity_name: str | None,
    more_after: str | None,
) -> Latest:
    """The newest values of these devices, in their order; a silent device has none."""
    values: dict[str, list[LatestValue]] = {dev_eui: [] for dev_eui in dev_euis}
    found = store.latest(tenant_id, dev_euis, quantity=quantity_name)
    for key, sample in found.items():
        values[key.station].append(
            LatestValue(key.quantity, key.channel, berlin.isoformat(sample.time), sample.value)
        )
    for shown in values.values():
        if len(shown) > 1:
            shown.sort(key=lambda value: (value.quantity, value.channel))
    said = {name: words(name) for name in sorted(_names(found))}
    return Latest(said, [LatestDevice(*item) for item in values.items()], more_after)


def _names(keys: Iterable[SeriesKey]) -> set[str]:
    return {key.quantity for key in keys}


def _value_view(sample: Sample | None) -> ValueView | None:
    if sample is None:
        return None
    return ValueView(time=berlin.isoformat(sample.time), value=sample.value)
