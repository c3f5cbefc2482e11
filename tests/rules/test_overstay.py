"""A stay on a parking space against a model that looks at every half hour."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant
from stadtsinn.base.language import Language
from stadtsinn.rules import machine
from stadtsinn.rules.kind import Stage
from stadtsinn.rules.kinds.overstay import Overstay
from stadtsinn.rules.state import Closed, Effect, Opened, RuleState
from stadtsinn.rules.terms import Terms

START = 1_000 * HOUR
LONGEST, GAP = 10, 2
STEP = 30 * MINUTE
"""So long that nothing flaps: no three stays of an hour are told."""
RULE = Overstay(longest_s=LONGEST * STEP // SECOND, gap_s=GAP * STEP // SECOND)
TERMS = Terms(RULE, hold=LONGEST * STEP, stale_after=1_000 * HOUR, max_age=1_000 * HOUR)

Course = dict[int, bool]
"""Step → taken."""


def by_engine(course: Course, until: int) -> list[tuple[int, int | None]]:
    state, effects = RuleState(), list[Effect]()
    for step, taken in sorted(course.items()):
        at = Instant(START + step * STEP)
        state, some = machine.sample(TERMS, state, at, float(taken), at)
        effects += some
    state, some = machine.tick(TERMS, state, Instant(START + until * STEP))
    ends = {one.opened_at: one.at for one in (*effects, *some) if isinstance(one, Closed)}
    opened = [one.at for one in (*effects, *some) if isinstance(one, Opened)]

    def step_of(at: int | None) -> int | None:
        return None if at is None else (at - START) // STEP

    return [((at - START) // STEP, step_of(ends.get(at))) for at in opened]


def plainly(course: Course, until: int) -> list[tuple[int, int | None]]:
    """Step by step: taken, or free for less than the gap after it was."""
    stays: list[list[int | None]] = []
    since: int | None = None
    is_open = False
    for step in range(until + 1):
        seen = [one for one in sorted(course) if one <= step]
        if not seen:
            continue
        frees = 0
        for one in reversed(seen):
            if course[one]:
                break
            frees = step - one
        taken = course[seen[-1]] or (since is not None and frees < GAP)
        if taken and since is None:
            since = step
        if not taken:
            if is_open:
                stays[-1][1] = step
            since, is_open = None, False
        elif since is not None and step - since >= LONGEST and not is_open:
            stays.append([step, None])
            is_open = True
    return [(int(one[0] or 0), one[1]) for one in stays]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 60), st.booleans(), max_size=14))
def test_stays_are_those_of_the_plain_model(course: Course) -> None:
    assert by_engine(course, 70) == plainly(course, 70)


def test_a_flicker_ends_no_stay_and_a_change_of_cars_does() -> None:
    assert by_engine({0: True, 5: False, 6: True}, 20) == [(10, None)]
    assert by_engine({0: True, 5: False, 8: True}, 17) == []


def test_nobody_is_told_of_a_space_that_was_taken_before_it_was_free() -> None:
    assert by_engine({0: False, 4: False}, 60) == []


def test_what_messages_say() -> None:
    german = RULE.phrases(Stage(str))
    english = RULE.phrases(Stage(str, Language.EN))
    assert (german.noun, german.limit) == ("Hinweis", "länger als 5 h")
    assert (english.noun, english.limit) == ("Notice", "for more than 5 h")
    assert RULE.measured("Belegt", "1") == "Belegt"
    assert RULE.measured("Belegt", "0") == "Frei"
    assert RULE.measured("Occupied", "0") == "Free"


def test_another_quantity_is_refused() -> None:
    refused = RULE.refuses("distance", "last")
    assert refused is not None
    assert "occupied" in refused.german
    assert RULE.refuses("occupied", "last") is None
