"""The watering list in a few sentences: the totals, each tour, and what has to be known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stadtsinn.base.counted import counted
from stadtsinn.base.decimals import grouped
from stadtsinn.base.language import Language
from stadtsinn.cloud.domains.trees.list_page import day_of, facts_of, notes_of
from stadtsinn.cloud.domains.trees.page_words import WORDS
from stadtsinn.cloud.domains.trees.watering_list import ListedTour, WateringList
from stadtsinn.cloud.domains.trees.words import LEVELS, number, said


@dataclass(frozen=True)
class Summary:
    """`day` as people name it; `total` and `tours` without a full stop, `notes` with."""

    day: str
    total: str
    tours: tuple[str, ...]
    notes: tuple[str, ...]


def summary(made: WateringList, language: Language) -> Summary:
    words = {name: said(sentence, language) for name, sentence in WORDS.items()}
    total, _, *weather = facts_of(made, words, language)
    tours = tuple(_tours(made, words, language))
    if not made.trees:
        total = words["nothing"].rstrip(".")
    elif metres := [tour.metres for tour in made.tours if tour.metres is not None]:
        kilometres = number(sum(metres) / 1000, language, 1)
        total = f"{total}, {words['length'].format(kilometres=kilometres)}"
    facts = (f"{one[0].upper()}{one[1:]}." for one in weather)
    return Summary(day_of(made, language), total, tours, (*facts, *notes_of(made, words)))


def _tours(made: WateringList, words: dict[str, str], language: Language) -> Iterator[str]:
    for at, tour in enumerate(made.tours, 1):
        facts = [_trees(tour, words), f"{grouped(tour.litres, language)} l"]
        if tour.metres is None:
            yield f"{words['nowhere']}: {', '.join(facts)}"
            continue
        kilometres = number(tour.metres / 1000, language, 1)
        facts.append(words["length"].format(kilometres=kilometres))
        level = said(LEVELS[tour.trees[0].level], language)
        yield f"Tour {at}, {level}: {', '.join(facts)}"


def _trees(tour: ListedTour, words: dict[str, str]) -> str:
    return counted(len(tour.trees), words["one_tree"], words["many_trees"])
