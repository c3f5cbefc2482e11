"""Answers the API's questions about series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from stadtsinn.base import berlin
from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Invalid, NotFound
from stadtsinn.cloud.platform.api.pages import PageRequest, foreign_cursor
from stadtsinn.cloud.series.answers.repository import Datastream, Place
from stadtsinn.cloud.series.answers.schemas import (
    FedSeriesView,
    Latest,
    LatestStation,
    LatestValue,
    SeriesPage,
    SeriesView,
    ValueView,
    fed_series_view,
    sample_view,
    series_view,
    words,
)
from stadtsinn.cloud.series.stores.store import Aggregate, Sample, SeriesKey, SeriesReader, Window
from stadtsinn.cloud.series.stores.windows import next_window, step_of, window_start
from stadtsinn.cloud.town.stations.model import (
    COMPARISON,
    PlacedDeployment,
    station_channel,
)
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.vocabulary import QUANTITIES, VocabularyError, quantity

_BETWEEN = "|"
"""Between the parts of a series' name in a cursor: in no slug and no quantity."""

_MOST_WINDOWS = 600_000
"""Of one table: minutes of more than a year."""

_DEFAULTS = {
    "mean": Aggregate.MEAN,
    "sum": Aggregate.SUM,
    "last": Aggregate.LAST,
    "counter": Aggregate.COUNTER_DELTA,
}


@dataclass(frozen=True)
class Question:
    """A caller's question about one series of a station called `name`.

    `counter_modulus`: where a running total wraps, None where nobody knows.
    """

    key: SeriesKey
    name: str
    counter_modulus: float | None
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
        said = error.sentence
        raise NotFound(
            f"{said.english}. All of them: /api/v1/quantities.",
            f"{said.german}. Alle: /api/v1/quantities.",
        ) from None


def default_aggregate(name: str) -> Aggregate:
    """How the vocabulary puts values of this quantity together."""
    known = QUANTITIES.get(name)
    return Aggregate.LAST if known is None else _DEFAULTS[known.aggregate]


def overview(
    store: SeriesReader,
    tenant_id: str,
    station: str,
    streams: Mapping[SeriesKey, Datastream],
    page: PageRequest,
) -> list[SeriesView]:
    """The series of a station, up to `page.fetch`, with the newest value and what is said."""
    after = after_series(page, 2)
    keys = [key for key in store.series(tenant_id, station) if series_name(key)[1:] > after]
    newest = store.latest(tenant_id, [station])
    found = []
    for key in keys[: page.fetch]:
        stream = streams.get(key)
        found.append(
            series_view(
                key,
                default_aggregate(key.quantity).value,
                _value_view(newest.get(key)),
                stream.label if stream else "",
                stream.retention_days if stream else None,
            )
        )
    return found


def fed_by(
    store: SeriesReader,
    tenant_id: str,
    device_type: str,
    places: Sequence[PlacedDeployment],
    page: PageRequest,
) -> list[FedSeriesView]:
    """The series of stations that a device of this type feeds or fed, up to `page.fetch`.

    Each station is asked once, however often the device was there.
    """
    measured = catalogue().find(device_type)
    quantities = None if measured is None else {slot.quantity for slot in measured.fields}
    after = after_series(page, 3)
    found: list[FedSeriesView] = []
    for station, fed in _fed_channels(places).items():
        if (station,) < after[:1]:
            continue
        for key in store.series(tenant_id, station):
            if series_name(key) <= after or not (quantities is None or key.quantity in quantities):
                continue
            channels = fed.get(key.channel.split(".")[-1] == COMPARISON, ())
            if channels is None or key.channel in channels:
                found.append(fed_series_view(key))
        if len(found) >= page.fetch:
            break
    return found[: page.fetch]


_FedChannels = dict[bool, set[str] | None]
"""Of a station, for comparisons and for all others: the channels fed, None for all."""


def _fed_channels(places: Sequence[PlacedDeployment]) -> dict[str, _FedChannels]:
    """What a device feeds at each station, in the order of their slugs."""
    found: dict[str, _FedChannels] = {}
    for place in sorted(places, key=lambda place: place.station):
        at_station = found.setdefault(place.station, {})
        if place.channels is None:
            at_station[place.comparison] = None
        elif (known := at_station.setdefault(place.comparison, set())) is not None:
            fed = (station_channel(place, channel) for channel in place.channels)
            known.update(channel for channel in fed if channel is not None)
    return found


def series_name(key: SeriesKey) -> tuple[str, ...]:
    """What lists of series are ordered by."""
    return key.station, key.quantity, key.channel


def after_series(page: PageRequest, parts: int) -> tuple[str, ...]:
    """The last `parts` of the name of the series that the page comes after."""
    if page.after_text is None:
        return ("",)
    given = tuple(page.after_text.split(_BETWEEN, parts - 1))
    if len(given) != parts:
        raise foreign_cursor()
    return given


def cursor_of(*names: str) -> str:
    """The name of a series, or the end of one, as `after_series` reads it."""
    return _BETWEEN.join(names)


def answer(store: SeriesReader, tenant_id: str, question: Question) -> SeriesPage:
    """Values or windows, at most `limit`, and where to go on."""
    samples, more_from = read_page(store, tenant_id, question)
    said = words(question.key.quantity)
    return SeriesPage(
        station=question.key.station,
        name=question.name,
        quantity=question.key.quantity,
        channel=question.key.channel,
        unit=said.unit,
        label_de=said.label_de,
        label_en=said.label_en,
        window=question.window,
        aggregate=None if question.window is None else _how(question),
        items=[sample_view(sample, berlin.isoformat(sample.time)) for sample in samples],
        next=None if more_from is None else berlin.isoformat(more_from),
    )


def read_page(
    store: SeriesReader, tenant_id: str, question: Question
) -> tuple[list[Sample], Instant | None]:
    """At most `limit` values or windows, and where to go on. Raises Invalid."""
    check(question)
    return _page(store, tenant_id, question)


def read_all(store: SeriesReader, tenant_id: str, question: Question) -> Iterator[Sample]:
    """Every value or window of the question, `limit` at a time. Raises Invalid before the first.

    Read page by page, so that a year costs no more memory than a day.
    """
    check(question)
    if question.window is not None:
        windows = (question.end - question.start) // step_of(question.window)
        if windows > _MOST_WINDOWS:
            raise Invalid(
                "these are too many windows: ask for a shorter time or larger windows.",
                "das sind zu viele Fenster: nach einer kürzeren Zeit oder größeren Fenstern "
                "fragen.",
            )
    pages = _pages(store, tenant_id, question)
    first = next(pages)
    return chain(first, chain.from_iterable(pages))


def _pages(store: SeriesReader, tenant_id: str, question: Question) -> Iterator[list[Sample]]:
    start: Instant | None = question.start
    while start is not None:
        samples, start = _page(store, tenant_id, replace(question, start=start))
        yield samples


def _page(
    store: SeriesReader, tenant_id: str, question: Question
) -> tuple[list[Sample], Instant | None]:
    if question.window is None:
        return _values(store, tenant_id, question)
    return _windows(store, tenant_id, question, question.window, _how(question))


def check(question: Question) -> None:
    """Raises Invalid for what cannot be answered."""
    if question.start > question.end:
        raise Invalid(
            "'start' lies after 'end': swap them.",
            "'start' liegt nach 'end': tauschen.",
        )
    if question.window is None and question.aggregate is not None:
        raise Invalid(
            "'aggregate' needs a 'window', e.g. window=1d.",
            "'aggregate' braucht ein 'window', z. B. window=1d.",
        )
    if question.window is not None and question.include_doubtful:
        raise Invalid(
            "windows are made of good values only: leave 'quality' away.",
            "Fenster entstehen nur aus guten Werten: 'quality' weglassen.",
        )


def _how(question: Question) -> Aggregate:
    return question.aggregate or default_aggregate(question.key.quantity)


def _values(
    store: SeriesReader, tenant_id: str, question: Question
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
    store: SeriesReader, tenant_id: str, question: Question, window: Window, how: Aggregate
) -> tuple[list[Sample], Instant | None]:
    """`limit` counts windows with and without values, so one call never means much work."""
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
        counter_modulus=question.counter_modulus,
    )
    return samples, stop if stop < question.end else None


def counter_modulus(
    key: SeriesKey, places: Sequence[PlacedDeployment], type_of: Mapping[str, str], end: Instant
) -> float | None:
    """Where a station's running total wraps: as the last device before `end` that counts so."""
    for place in sorted(places, key=lambda place: place.starts, reverse=True):
        device = catalogue().find(type_of.get(place.dev_eui))
        if device is None or place.starts >= end:
            continue
        for channel in place.channels or (key.channel.removesuffix(f".{COMPARISON}"),):
            if station_channel(place, channel) == key.channel:
                found = device.counter_modulus(key.quantity, channel)
                if found is not None:
                    return found
    return None


def newest(
    store: SeriesReader,
    tenant_id: str,
    places: Sequence[Place],
    quantity_name: str | None,
    more_after: str | None,
) -> Latest:
    """The newest values of these stations, in their order; a silent one has none."""
    values: dict[str, list[LatestValue]] = {place.slug: [] for place in places}
    found = store.latest(tenant_id, list(values), quantity=quantity_name)
    for key, sample in found.items():
        values[key.station].append(
            LatestValue(
                key.quantity,
                key.channel,
                berlin.isoformat(sample.time),
                sample.value,
                "good",
                sample.dev_eui,
            )
        )
    for shown in values.values():
        if len(shown) > 1:
            shown.sort(key=lambda value: (value.quantity, value.channel))
    described = {name: words(name) for name in sorted(_names(found))}
    items = [
        LatestStation(
            place.slug, place.name, place.kind, place.latitude, place.longitude, values[place.slug]
        )
        for place in places
    ]
    return Latest(described, items, more_after)


def _names(keys: Iterable[SeriesKey]) -> set[str]:
    return {key.quantity for key in keys}


def _value_view(sample: Sample | None) -> ValueView | None:
    if sample is None:
        return None
    return ValueView(time=berlin.isoformat(sample.time), value=sample.value)
