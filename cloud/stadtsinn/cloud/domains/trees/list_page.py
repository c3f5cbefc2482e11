"""The watering list as a page to print: A4, what a crew takes along and fills in by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stadtsinn.base.berlin import date_and_time, local
from stadtsinn.base.counted import counted
from stadtsinn.base.decimals import grouped
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.domains.trees.judging import Level
from stadtsinn.cloud.domains.trees.page_words import WORDS
from stadtsinn.cloud.domains.trees.watering_list import ListedGroup, ListedTree, WateringList
from stadtsinn.cloud.domains.trees.words import LEVELS, health, number, reason, said
from stadtsinn.cloud.platform.api.templates import templates_of

_WEEKDAYS = (
    Sentence("Monday", "Montag"),
    Sentence("Tuesday", "Dienstag"),
    Sentence("Wednesday", "Mittwoch"),
    Sentence("Thursday", "Donnerstag"),
    Sentence("Friday", "Freitag"),
    Sentence("Saturday", "Samstag"),
    Sentence("Sunday", "Sonntag"),
)


@dataclass(frozen=True)
class Row:
    """A tree's line. `mark` is the letter of its group on this page."""

    number: int
    tree: str
    place: str
    position: str
    species: str
    mark: str
    urgent: bool
    litres: str
    last: str


@dataclass(frozen=True)
class TourTable:
    title: str
    facts: str
    urgent: bool
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class GroupLine:
    """`mark` is empty for a group that has no tree on the list."""

    mark: str
    name: str
    station: str
    level: str
    level_class: str
    reason: str
    health: str
    trees: int


def list_page(made: WateringList, town: str, language: Language = Language.DE) -> str:
    """HTML that stands alone: nothing is fetched, and it prints as it is."""
    words = {name: said(sentence, language) for name, sentence in WORDS.items()}
    marks = _marks(made)
    template = templates_of(__package__ or "", trimmed=True).get_template("watering_list.html")
    return template.render(
        words=words,
        language=language.value,
        town=town,
        day=day_of(made, language),
        judged=_judged(made, words),
        facts=list(facts_of(made, words, language)),
        groups=[_group(one, marks, language) for one in made.groups],
        tours=list(_tours(made, marks, words, language)),
        trees=len(made.trees),
        notes=list(notes_of(made, words)),
    )


def _marks(made: WateringList) -> dict[str, str]:
    """A, B, … Z, AA, … for the groups that have trees on the list."""
    listed = {one.group for one in made.trees}
    slugs = [one.group.slug for one in made.groups if one.group.slug in listed]
    return {slug: _letters(at) for at, slug in enumerate(slugs)}


def _letters(at: int) -> str:
    before, last = divmod(at, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


def day_of(made: WateringList, language: Language) -> str:
    weekday = said(_WEEKDAYS[made.day.weekday()], language)
    if language is Language.DE:
        return f"{weekday}, {made.day:%d.%m.%Y}"
    return f"{weekday}, {made.day.isoformat()}"


def _judged(made: WateringList, words: dict[str, str]) -> str:
    if made.judged_at is None:
        return words["not_judged"]
    return words["judged"].format(time=date_and_time(made.judged_at))


def facts_of(made: WateringList, words: dict[str, str], language: Language) -> Iterator[str]:
    litres = sum(tour.litres for tour in made.tours)
    driven = [tour for tour in made.tours if tour.metres is not None]
    yield words["total"].format(
        trees=counted(len(made.trees), words["one_tree"], words["many_trees"]),
        litres=grouped(litres, language),
        tours=counted(len(driven), words["one_tour"], words["many_tours"]),
    )
    yield words["tank"].format(litres=grouped(made.settings.tank_litres, language))
    if made.rain_mm is not None:
        yield words["rain"].format(mm=number(made.rain_mm, language, 1))
    if made.forecast_mm is not None:
        yield words["forecast"].format(mm=number(made.forecast_mm, language, 1))


def notes_of(made: WateringList, words: dict[str, str]) -> Iterator[str]:
    for name, count in (
        ("resting", made.resting),
        ("without_group", made.without_group),
        ("left_off", made.left_off),
    ):
        if count:
            yield words[f"{name}_one" if count == 1 else name].format(count=count)


def _group(listed: ListedGroup, marks: dict[str, str], language: Language) -> GroupLine:
    verdict = None if listed.day is None else listed.day.verdict
    level = listed.level
    return GroupLine(
        mark=marks.get(listed.group.slug, ""),
        name=listed.group.name,
        station=listed.station_name,
        level=said(LEVELS[level], language),
        level_class=level.value,
        reason="" if verdict is None else reason(verdict, language),
        health="" if verdict is None else health(verdict, language),
        trees=listed.trees,
    )


def _tours(
    made: WateringList, marks: dict[str, str], words: dict[str, str], language: Language
) -> Iterator[TourTable]:
    for at, tour in enumerate(made.tours, 1):
        urgent = tour.trees[0].level is Level.URGENT
        litres = grouped(tour.litres, language)
        if tour.metres is None:
            title, facts = words["nowhere"], words["nowhere_facts"].format(litres=litres)
        else:
            level = said(LEVELS[tour.trees[0].level], language)
            title = words["tour"].format(number=at, level=level)
            facts = words["tour_facts"].format(
                trees=counted(len(tour.trees), words["one_tree"], words["many_trees"]),
                litres=litres,
                kilometres=number(tour.metres / 1000, language, 1),
            )
        rows = tuple(
            _row(stop, one, marks, words, language) for stop, one in enumerate(tour.trees, 1)
        )
        yield TourTable(title, facts, urgent, rows)


def _row(
    stop: int,
    one: ListedTree,
    marks: dict[str, str],
    words: dict[str, str],
    language: Language,
) -> Row:
    tree = one.tree
    species = tree.species_de if language is Language.DE and tree.species_de else tree.species
    years = "" if one.standing_year is None else words["year"].format(year=one.standing_year)
    position = ""
    if tree.latitude is not None and tree.longitude is not None:
        position = f"{tree.latitude:.5f}, {tree.longitude:.5f}"
    return Row(
        number=stop,
        tree=tree.number,
        place=tree.street,
        position=position,
        species=", ".join(part for part in (species, years) if part),
        mark=marks[one.group],
        urgent=one.level is Level.URGENT,
        litres=number(one.litres, language),
        last=_last(one, language),
    )


def _last(one: ListedTree, language: Language) -> str:
    if one.last is None:
        return "–"
    when = local(one.last.watered_at)
    day = f"{when:%d.%m.}" if language is Language.DE else f"{when:%m-%d}"
    crew = f", {one.last.crew}" if one.last.crew else ""
    return f"{day} {number(one.last.litres, language)} l{crew}"
