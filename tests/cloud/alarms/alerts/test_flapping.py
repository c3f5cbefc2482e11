"""What goes up and down, and a link that flutters, send few messages."""

from __future__ import annotations

import pytest

from fake_alert_town import AlertTown, minute


@pytest.mark.slow
def test_what_flaps_says_so_once_and_gets_one_all_clear(town: AlertTown) -> None:
    town.zone_rule(recipients=("bauhof",))
    town.crowds(*((minutes, 950 if minutes % 2 == 0 else 800) for minutes in range(12)))
    assert [row.opened_at for row in town.incidents()] == [minute(0), minute(2), minute(4)]
    texts = [row.text for row in town.messages()]
    assert len(texts) == 3
    assert texts[-1] == (
        "ALARM Wochenmarkt: bis zu 950 Personen (Grenze 900). Stand 10:04 Uhr. "
        "Schwankt: Entwarnung erst nach einer Stunde Ruhe. Tendenz steigend. Geschätzt 930."
    )
    town.restart()
    town.crowds(*((minutes, 800) for minutes in range(12, 72)))
    assert town.incidents()[-1].closed_at == minute(71)


def test_a_rebuild_finds_the_same_flapping(town: AlertTown) -> None:
    town.zone_rule(recipients=("bauhof",))
    town.crowds(*((minutes, 950 if minutes % 2 == 0 else 800) for minutes in range(12)))
    before, said = town.incidents(), len(town.messages())
    town.rebuild()
    assert town.incidents() == before
    assert len(town.messages()) == said
    assert town.state().flapping


def test_a_link_that_flutters_is_told_once_in_an_hour(town: AlertTown) -> None:
    town.zone_rule(technicians=("bauhof",), recipients=())
    town.crowds((0, 950))
    for minutes in range(5, 60, 5):
        town.tick(minutes - 1)
        town.restart()
        town.crowds((minutes, 950))
    assert town.kinds() == ["STALE"]
    for minutes in range(60, 90):
        town.tick(minutes)
    assert town.kinds() == ["STALE", "STALE"], "still silent when the hour is over"
