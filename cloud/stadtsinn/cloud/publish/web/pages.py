"""Renders the public pages. Everything is in the HTML: the script only keeps it up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.decimals import grouped
from stadtsinn.base.language import Language
from stadtsinn.cloud.domains.crowd.level import STEPS
from stadtsinn.cloud.platform.api.templates import templates_of
from stadtsinn.cloud.publish.web.assets import asset_path
from stadtsinn.cloud.publish.web.chart import chart_of
from stadtsinn.cloud.publish.web.half_hours import SLOT, Slot
from stadtsinn.cloud.publish.web.public import PublicCount
from stadtsinn.cloud.publish.web.settings import WebSettings
from stadtsinn.cloud.publish.web.texts import LEVELS, NO_DATA, PAGE, clock_time, persons_of

RELOAD_SECONDS = 60

_pages = templates_of("stadtsinn.cloud.publish.web", trimmed=True)


@dataclass(frozen=True)
class Context:
    """What every page needs: language, where the application is mounted, the town's links."""

    language: Language
    root: str
    settings: WebSettings

    @property
    def other(self) -> Language:
        return Language.EN if self.language is Language.DE else Language.DE


@dataclass(frozen=True)
class Row:
    """A line of the table below the chart."""

    time: str
    persons: str
    bounds: str


@dataclass(frozen=True)
class Meter:
    """The bar below the number, in percent of the permitted number."""

    low: float
    spread: float
    at: float
    steps: tuple[float, ...]


def counter_page(
    context: Context,
    count: PublicCount,
    slots: Sequence[Slot],
    *,
    clock: str,
    pause: bool,
    embedded: bool,
) -> str:
    """The page of one zone. `clock` is the server's time when the page is sent."""
    zone = count.zone
    german = context.language is Language.DE
    return _render(
        "counter.html",
        context,
        zone=zone,
        permitted=count.present.permitted,
        name=zone.name if german else zone.name_en or zone.name,
        says=count.texts(context.language),
        state=count.present.state.value,
        shown=count.present.shown,
        meter=_meter(count),
        no_data=NO_DATA[context.language],
        levels={level.value: text for level, text in LEVELS[context.language].items()},
        chart=chart_of(slots, count.present.permitted),
        rows=[_row(slot, count.now, context.language) for slot in slots],
        peak=_peak(slots, count.now, context.language),
        now=clock,
        valid_until=isoformat(count.present.valid_until) if count.present.valid_until else "",
        data_url=f"{context.root}/public/{zone.tenant}/zones/{zone.slug}",
        path=f"{context.root}/{zone.tenant}/zaehler/{zone.slug}",
        poll_seconds=context.settings.poll_seconds,
        reload_seconds=RELOAD_SECONDS,
        pause=pause,
        embedded=embedded,
    )


def index_page(context: Context, towns: Sequence[tuple[str, Sequence[PublicCount]]]) -> str:
    """All public counters by town."""
    return _render("index.html", context, towns=towns)


def not_found_page(context: Context) -> str:
    """No such counter, in both languages."""
    return _render("not_found.html", context)


def _render(template: str, context: Context, **values: object) -> str:
    return _pages.get_template(template).render(
        lang=context.language.value,
        other=context.other.value,
        root=context.root,
        settings=context.settings,
        t=PAGE[context.language],
        language=context.language,
        style=context.root + asset_path("counter.css"),
        icon=context.root + asset_path("icon.svg"),
        script=context.root + asset_path("counter.js"),
        number=lambda persons: grouped(persons, context.language),
        **values,
    )


def _meter(count: PublicCount) -> Meter | None:
    shown, permitted = count.present.shown, count.present.permitted
    if not permitted:
        return None

    def percent(persons: int) -> float:
        return round(min(100.0, 100 * persons / permitted), 1)

    low, high = (percent(shown.low), percent(shown.high)) if shown else (0.0, 0.0)
    return Meter(
        low=low,
        spread=round(high - low, 1),
        at=percent(shown.persons) if shown else 0.0,
        steps=tuple(100 * share for share, _ in reversed(STEPS)),
    )


def _row(slot: Slot, now: int, language: Language) -> Row:
    if slot.start + SLOT > now:
        since = "seit" if language is Language.DE else "since"
        time = f"{since} {clock_time(slot.start, language)}"
    else:
        end = clock_time(slot.start + SLOT, language)
        time = f"{clock_time(slot.start, Language.EN)}–{end}"
    return Row(
        time=time,
        persons=grouped(_rounded(slot.persons), language),
        bounds=f"{grouped(slot.low, language)}–{grouped(slot.high, language)}",
    )


def _rounded(persons: int) -> int:
    return persons if persons < 100 else (persons + 5) // 10 * 10


def _peak(slots: Sequence[Slot], now: int, language: Language) -> str:
    """The busiest half hour, and whether it has been busier since; nothing while nobody came."""
    compared = [slot for slot in slots if slot.counts]
    most = max(compared, key=lambda slot: slot.persons, default=None)
    if most is None or most.persons == 0:
        return ""
    running = slots[-1]
    since = clock_time(running.start, language)
    busier = running.start + SLOT > now and running.persons > most.persons
    persons = persons_of(_rounded(most.persons), language)
    time = clock_time(most.start, language)
    if language is Language.DE:
        said = f"im Mittel etwa {persons}"
        if busier:
            return f"Am vollsten war es heute bisher ab {time}: {said}. Seit {since} ist es voller."
        return f"Am vollsten war es heute ab {time}: {said}."
    said = f"about {persons} on average"
    if busier:
        return (
            f"The busiest half hour today so far began at {time}: {said}. "
            f"It has been busier since {since}."
        )
    return f"The busiest half hour today began at {time}: {said}."
