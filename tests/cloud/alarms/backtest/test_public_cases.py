"""What went wrong elsewhere when rules were kept as files, or tried over the past.

Sources: grafana/grafana #67036, #61885 and #82988; grafana/terraform-provider-grafana #948 and
#955; mitodl/ol-infrastructure #5644; kernc/backtesting.py #277; freqtrade/freqtrade #1839;
prometheus/prometheus #19714 and #7675; WebThingsIO/gateway #1709.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection

from databases import database
from fake_alert_town import STATION, AlertTown
from killing import killed_at
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant, parse
from stadtsinn.base.problems import Conflict
from stadtsinn.cloud.alarms.alerts import service
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.backtest.incidents import incidents_of
from stadtsinn.cloud.alarms.backtest.labels import read_labels
from stadtsinn.cloud.alarms.rule_files import applying, reading
from stadtsinn.cloud.alarms.rule_files.applying import apply
from stadtsinn.cloud.alarms.rule_files.planning import Action, Planned, Wish, digest_of, plan
from stadtsinn.cloud.alarms.rule_files.reading import FileRule, RulesRefused, read_folder
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.service import change
from stadtsinn.rules.history.column import Column
from stadtsinn.rules.history.course import Course, Happened, Section
from stadtsinn.rules.history.scan import scan
from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.kinds.change import Change
from stadtsinn.rules.kinds.stuck import Stuck
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.rules.state import FellSilent
from stadtsinn.rules.terms import Terms

__all__ = ["database"]

START = parse("2026-03-01T00:00:00+01:00")
WISH = Wish("regeln")


def rule(slug: str = "trocken", **other: Any) -> Rule:
    values = {
        "slug": slug,
        "name": slug,
        "station": STATION,
        "quantity": "soil_moisture",
        "on": 20,
        "off": 15,
        **other,
    }
    return Rule.model_validate(values)


def judged(kind: RuleKind, column: Column, end: int, **other: Any) -> list[Happened]:
    terms = Terms(kind, stale_after=HOUR, patience=MINUTE, **other)
    return list(Course(column, scan(kind, column)).run([Section(START, terms)], Instant(end)))


# --- rules as files ---------------------------------------------------------------------


class Files:
    """A folder of rules, and the town."""

    def __init__(self, town: AlertTown) -> None:
        self.town = town

    def plan(self, *rules: Rule, wish: Wish = WISH) -> list[Planned]:
        wanted = [FileRule(one, Path("regeln/r.toml"), 1) for one in rules]
        with self.town.database.read() as connection:
            return plan(connection, self.town.scope, wanted, wish)

    def apply(self, *rules: Rule, wish: Wish = WISH) -> list[tuple[Action, str]]:
        planned = self.plan(*rules, wish=wish)
        done = apply(self.town.database, self.town.scope, planned, wish, Instant(START))
        return [(one.action, one.slug) for one in done]


@pytest.fixture
def files(database: Database) -> Files:
    return Files(AlertTown(database))


def test_a_rule_that_left_the_folder_is_named_and_goes_where_that_is_asked_for(
    files: Files,
) -> None:
    """grafana #67036: it stayed, without a word, whatever the files said. #61885: a deletion that
    named nothing unlocked the rules of others."""
    files.apply(rule("eins"), rule("zwei"))
    files.apply(rule("fremd"), wish=Wish("andere"))
    left = files.plan(rule("zwei"))
    assert [(one.action, one.slug) for one in left] == [(Action.KEEP, "eins")]
    assert files.apply(rule("zwei"), wish=Wish("regeln", remove=True)) == [(Action.REMOVE, "eins")]
    assert files.plan(rule("zwei")) == []


def test_defaults_that_are_left_out_are_no_difference(files: Files) -> None:
    """terraform-provider-grafana #948: each plan showed them as a change again."""
    spelt_out = rule(
        for_s=0, min_samples=1, resolve_notice=True, stale_after_s=None, severity="critical"
    )
    assert digest_of(rule()) == digest_of(spelt_out)
    files.apply(rule())
    assert files.plan(spelt_out) == []


def test_the_same_number_written_otherwise_is_no_difference(files: Files) -> None:
    """terraform-provider-grafana #955: days became seconds, and seconds a change, for ever."""
    files.apply(rule(on=20, recipients=("bauhof", "ordnungsamt")))
    assert files.plan(rule(on=20.0, recipients=("ordnungsamt", "bauhof", "bauhof"))) == []


def test_a_rule_that_is_taken_over_was_changed_by_nobody(files: Files) -> None:
    """ol-infrastructure #5644: what was adopted looked like somebody's change by hand."""
    files.town.rule(**rule().model_dump())
    assert files.apply(rule()) == [(Action.TAKE_OVER, "trocken")]
    assert files.plan(rule()) == []


def test_what_another_folder_took_over_since_the_plan_is_left(files: Files) -> None:
    files.apply(rule("eins"))
    wish = Wish("regeln", remove=True)
    planned = files.plan(wish=wish)
    assert [one.action for one in planned] == [Action.REMOVE]
    files.apply(rule("eins"), wish=Wish("andere", overwrite=True))
    with pytest.raises(Conflict):
        list(apply(files.town.database, files.town.scope, planned, wish, Instant(START)))
    assert files.plan(rule("eins"), wish=Wish("andere")) == []


def test_what_somebody_changes_just_before_it_is_removed_stays(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.apply(rule("eins"))
    wish = Wish("regeln", remove=True)
    planned = files.plan(wish=wish)

    @contextmanager
    def late(*given: Any) -> Iterator[Connection]:
        with change(*given) as connection:
            service.replace_rule(connection, files.town.scope, rule("eins", on=30))
        with change(*given) as connection:
            yield connection

    monkeypatch.setattr(applying, "change", late)
    with pytest.raises(Conflict):
        list(apply(files.town.database, files.town.scope, planned, wish, Instant(START)))


@pytest.mark.parametrize("point", ["rule_files.applied:1", "rule_files.applied:2"])
def test_killed_in_between_the_rest_follows_and_nothing_twice(files: Files, point: str) -> None:
    """SIGKILL after a rule: what is there is there, applying again does what is left."""
    files.apply(rule("alt"))
    wanted, wish = (rule("a"), rule("b")), Wish("regeln", remove=True)
    killed_at(point, lambda: files.apply(*wanted, wish=wish), files.town.database)
    done = int(point[-1])
    left = files.apply(*wanted, wish=wish)
    assert len(left) == 3 - done
    assert files.plan(*wanted, wish=wish) == []


def test_of_too_many_files_none_is_left_out_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their rules would be taken for removed ones."""
    monkeypatch.setattr(reading, "MOST_FILES", 1)
    for name in "ab":
        (tmp_path / f"{name}.toml").write_text("rules = []\n", encoding="utf-8")
    with pytest.raises(RulesRefused, match="more than 1 rule files"):
        read_folder(tmp_path)


def test_nothing_but_files_is_read(tmp_path: Path) -> None:
    """A pipe has no end; a link that leads nowhere was a file of rules, and is not left out."""
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "folder.toml" / "a.toml").write_text("rules = []\n", encoding="utf-8")
    assert read_folder(tmp_path) == []
    (tmp_path / "b.toml").symlink_to(tmp_path / "gone.toml")
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path)
    os.mkfifo(tmp_path / "gone.toml")
    with pytest.raises(RulesRefused, match="no file but a pipe"):
        read_folder(tmp_path)


# --- the past ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        Threshold(on=6, off=3),
        Sum(on=20, off=5, within_s=3_600),
        Change(on=5, off=1, within_s=7_200),
        Stuck(unchanged_s=1_200),
    ],
    ids=lambda kind: kind.kind_name,
)
def test_what_comes_later_changes_nothing_of_before(kind: RuleKind) -> None:
    """backtesting.py #277 and freqtrade #1839: what was computed over all data knew the future."""
    chance = np.random.default_rng(7)
    times = START + np.arange(80) * 10 * MINUTE
    whole = Column(times, chance.integers(0, 9, 80).astype(np.float64))
    every = judged(kind, whole, int(times[-1]) + 1)
    assert every
    for count in range(1, 80, 7):
        end = int(times[count - 1]) + 1
        part = judged(kind, whole.where(slice(0, count)), end)
        assert part == [one for one in every if one.now < end]


def test_a_history_that_begins_with_nothing_is_judged_to_its_end() -> None:
    """prometheus #19714: the first block held no value, and that was the end, with success."""
    times = START + 60 * DAY + np.arange(3) * 10 * MINUTE
    found = judged(Threshold(on=6, off=3), Column(times, np.array([1.0, 7, 1])), int(times[-1]) + 1)
    assert len(incidents_of(found)) == 1


def test_missing_data_is_missing_in_the_past_too() -> None:
    """prometheus #7675: rules that were filled in later went on over gaps as if nothing were."""
    times = START + np.array([0, 10, 300, 310]) * MINUTE
    found = judged(
        Threshold(on=6, off=3), Column(times, np.array([1.0, 7, 7, 1])), START + DAY, keep_firing=0
    )
    silent = [one for one in found if isinstance(one.effect, FellSilent)]
    assert [one.now for one in silent] == [START + 70 * MINUTE + 1]


def test_hours_are_local_on_both_sides_of_the_change_of_clocks() -> None:
    """grafana #82988, WebThings #1709: after it, a rule was an hour off."""
    wanted = rule(active=[{"start": "08:00", "end": "20:00"}])
    opened = []
    for day in ("2026-03-28T{}:30:00+01:00", "2026-03-29T{}:30:00+02:00"):
        times = np.array([parse(day.format(hour)) for hour in ("07", "08", "19", "20")])
        column = Column(times, np.array([25.0, 25, 10, 25]))
        terms = wanted.terms(6 * 3_600, Instant(0))
        found = Course(column, scan(wanted.parameters, column)).run(
            [Section(Instant(0), terms)], Instant(int(times[-1]) + HOUR)
        )
        opened += [one.opened_at for one in incidents_of(found)]
    assert opened == [parse("2026-03-28T08:30:00+01:00"), parse("2026-03-29T08:30:00+02:00")]


def test_an_event_in_the_hour_that_comes_twice_is_the_whole_of_it() -> None:
    content = "from,to,label\n2026-10-25 02:15,2026-10-25 02:45,Sturm\n2026-10-26,2026-10-26,Tag\n"
    storm, day = read_labels(content.encode())
    assert (storm.start, storm.end) == (
        parse("2026-10-25T02:15:00+02:00"),
        parse("2026-10-25T02:45:00+01:00"),
    )
    assert day.end - day.start == DAY
