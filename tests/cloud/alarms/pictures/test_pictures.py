"""The picture of an alarm's mail: for each kind of rule, and why there is none.

Public cases behind single tests: Pillow's own letters lack ä, ö, ü and ß and draw boxes instead; a
transparent picture is black on black where a mail program is dark.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fake_alert_town import STATION, minute
from pictured_town import PicturedTown
from stadtsinn.base.berlin import clock_time
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant, parse
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.enclosed import Picture
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.pictures.drawing import _letters
from stadtsinn.cloud.alarms.pictures.scale import scale, times
from stadtsinn.cloud.alarms.pictures.service import AlarmPictures
from stadtsinn.cloud.series.stores.store import SeriesUnavailable
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.rules.kinds.registry import KINDS

OTHER = "70b3d57ed0005678"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[PicturedTown]:
    made = PicturedTown(tmp_path)
    yield made
    made.close()


def rule(town: PicturedTown, **values: Any) -> None:
    usual = {"slug": "x", "name": "Mühlbach", "station": STATION, "stale_after_s": 7_200}
    if values["kind"] in ("difference", "and", "count", "share", "no_data"):
        del usual["stale_after_s"]
    if "group" in values:
        del usual["station"]
    town.town.rule(**usual, **values, recipients=["bauhof"])


def size_of(picture: Picture) -> tuple[int, int]:
    image = Image.open(BytesIO(picture.png))
    image.load()
    assert image.format == "PNG"
    assert "transparency" not in image.info  # white also where the mail program is dark
    return image.size


ONE_STATION: list[tuple[dict[str, Any], list[tuple[float, float]], str]] = [
    (
        {
            "kind": "threshold",
            "quantity": "soil_moisture",
            "direction": "below",
            "on": 15,
            "off": 20,
        },
        [(-60, 16.5), (0, 14.7)],
        (
            "zwischen 14,70 (10:00 Uhr) und 16,50 % (09:00 Uhr), zuletzt 14,70 % (10:00 Uhr). "
            "Grenze 15, Entwarnung 20."
        ),
    ),
    (
        {"kind": "band", "quantity": "air_temperature", "low": 18, "high": 24, "margin": 0.5},
        [(-60, 21), (0, 24.3)],
        (
            "und 24,30 °C (10:00 Uhr), zuletzt 24,30 °C (10:00 Uhr). Grenze 18, Grenze 24, "
            "Entwarnung 18,50, Entwarnung 23,50."
        ),
    ),
    (
        {"kind": "change", "quantity": "water_level", "on": 0.3, "off": 0.05, "within_s": 3_600},
        [(-50, 1.2), (0, 1.51)],
        "zwischen 0 (09:10 Uhr) und 0,31 m (10:00 Uhr), zuletzt 0,31 m (10:00 Uhr). Grenze 0,30",
    ),
    (
        {
            "kind": "change",
            "quantity": "water_level",
            "on": 0.3,
            "off": 0.05,
            "within_s": 3_600,
            "trend": "falling",
        },
        [(-50, 1.51), (0, 1.2)],
        "zuletzt -0,31 m (10:00 Uhr). Grenze -0,30, Entwarnung -0,05.",
    ),
    (
        {"kind": "sum", "quantity": "precipitation", "on": 25, "off": 5, "within_s": 3_600},
        [(-90, 9), (-30, 12), (0, 13.4)],
        "zwischen 9 (08:30 Uhr) und 25,40 mm (10:00 Uhr)",
    ),
    (
        {
            "kind": "increase",
            "quantity": "precipitation_total",
            "on": 25,
            "off": 5,
            "within_s": 3_600,
        },
        [(-30, 800), (0, 825.4)],
        "zwischen 0 (09:30 Uhr) und 25,40 mm (10:00 Uhr)",
    ),
    (
        {"kind": "stuck", "quantity": "soil_moisture", "unchanged_s": 7_200},
        [(-120, 23), (-60, 23), (0, 23)],
        "durchgehend 23 %, zuletzt gemessen 10:00 Uhr.",
    ),
    (
        {
            "kind": "low_battery",
            "quantity": "battery_voltage",
            "on": 3,
            "off": 3.3,
            "within_s": 3_600,
        },
        [(-60, 2.94), (0, 2.93)],
        "zuletzt 2,93 V (10:00 Uhr). Grenze 3, Entwarnung 3,30.",
    ),
    (
        {"kind": "overstay", "quantity": "occupied", "longest_s": 7_200},
        [(-240, 0), (-120, 1), (-60, 1), (0, 1)],
        "zwischen 0 (06:00 Uhr) und 1 (08:00 Uhr), zuletzt 1 (10:00 Uhr).",
    ),
    (
        {
            "kind": "levels",
            "quantity": "water_level",
            "margin": 0.1,
            "levels": [{"on": 1.2}, {"on": 1.6, "measures": "Unterführung sperren."}],
        },
        [(-60, 0.4), (0, 1.61)],
        "zuletzt 1,61 m (10:00 Uhr). Stufe 1: 1,20, Stufe 2: 1,60, Entwarnung 1,10.",
    ),
]
TWO_STATIONS: list[tuple[dict[str, Any], str]] = [
    (
        {
            "kind": "difference",
            "quantity": "air_temperature",
            "on": 5,
            "off": 3,
            "minus": {"station": "eiche"},
        },
        "zuletzt 6,50 °C (10:00 Uhr). Grenze 5, Entwarnung 3.",
    ),
    (
        {
            "kind": "and",
            "quantity": "air_temperature",
            "on": 25,
            "off": 22,
            "also": [{"station": "eiche", "on": 18, "off": 15}],
        },
        "zuletzt 26,50 °C (10:00 Uhr). Grenze 25, Entwarnung 22.",
    ),
    (
        {
            "kind": "count",
            "quantity": "air_temperature",
            "group": {"kind": "tree"},
            "on": 2,
            "off": 1,
            "each_on": 19,
            "each_off": 18,
        },
        "zwischen 1 (09:30 Uhr) und 2 (09:59 Uhr), zuletzt 2 (09:59 Uhr). Grenze 2, Entwarnung 1.",
    ),
    (
        {
            "kind": "share",
            "quantity": "air_temperature",
            "group": {"kind": "tree"},
            "on": 90,
            "off": 50,
            "each_on": 19,
            "each_off": 18,
        },
        "zwischen 50 (09:30 Uhr) und 100 % (09:59 Uhr), zuletzt 100 % (09:59 Uhr). Grenze 90",
    ),
]
OF_ZONES, OF_SILENCE = {"permit"}, {"no_data"}


def test_each_kind_of_rule_is_looked_at_here() -> None:
    here = {one[0]["kind"] for one in ONE_STATION} | {one[0]["kind"] for one in TWO_STATIONS}
    assert here | OF_ZONES | OF_SILENCE == set(KINDS)


@pytest.mark.parametrize(
    ("parameters", "course", "said"), ONE_STATION, ids=lambda one: str(one)[:30]
)
def test_what_a_rule_judged_is_shown(
    town: PicturedTown, parameters: dict[str, Any], course: list[tuple[float, float]], said: str
) -> None:
    rule(town, **parameters)
    *before, last = course
    town.stored(*before, quantity=parameters["quantity"])
    town.measured(*before, last, quantity=parameters["quantity"])
    picture = town.pictured().picture
    assert picture is not None
    assert said in picture.said
    assert size_of(picture) == (2 * picture.width, 2 * picture.height)


@pytest.mark.parametrize(("parameters", "said"), TWO_STATIONS, ids=lambda one: str(one)[:30])
def test_what_several_stations_make_together_is_shown(
    town: PicturedTown, parameters: dict[str, Any], said: str
) -> None:
    town.add("eiche", OTHER)
    rule(town, **parameters)
    town.measured((-30, 20), quantity="air_temperature")
    town.measured((-1, 20), quantity="air_temperature", station="eiche", dev_eui=OTHER)
    town.measured((0, 26.5), quantity="air_temperature")
    picture = town.pictured().picture
    assert picture is not None
    assert said in picture.said


def test_the_persons_of_a_zone_and_a_permit_that_was_changed(town: PicturedTown) -> None:
    town.town.permit(1_000)
    values = {"slug": "voll", "name": "Wochenmarkt", "zone": "wochenmarkt", "kind": "permit"}
    town.town.rule(**values, recipients=["bauhof"])
    town.town.crowds((-20, 500), (-10, 650))
    town.town.permit(700)
    town.town.crowds((-5, 690), (0, 720))
    enclosed = town.pictured()
    assert enclosed.picture is not None
    assert enclosed.picture.said == (
        "Verlauf seit 25.9. 10:00 Uhr: zwischen 500 (09:40 Uhr) und 720 Personen "
        "(10:00 Uhr), zuletzt 720 Personen (10:00 Uhr). Stufe 1: 630, Stufe 2: 700, Entwarnung 595."
    )


def test_in_english(town: PicturedTown) -> None:
    town.town.station_rule()
    town.measured((0, 1_234.5), (1, 14.7), quantity="soil_moisture")
    picture = town.pictured(language=Language.EN).picture
    assert picture is not None
    assert picture.said == (
        "Since 25 Sep 10:01: between 14.70 (10:01) and 1,234.50 % (10:00), "
        "newest 14.70 % (10:01). Limit 15, all-clear 20."
    )


def test_why_there_is_none(town: PicturedTown) -> None:
    rule(town, kind="no_data", quantity="soil_moisture", silent_s=3_600)
    town.town.tick(0)
    town.town.tick(200)
    (silent,) = town.messages(Kind.ALARM)
    assert town.pictures(silent).no_picture == (
        "Kein Verlauf: In den letzten 24 Stunden kamen keine Messwerte."
    )
    town.measured((210, 20), quantity="soil_moisture")
    town.town.tick(400)
    assert town.pictured().picture is not None


def test_a_rule_that_says_something_else_by_now_draws_no_wrong_limit(town: PicturedTown) -> None:
    made = town.town.station_rule()
    town.measured((0, 14), quantity="soil_moisture")
    town.town.edit(made, on=10)
    assert "geändert" in town.pictured().no_picture


@pytest.mark.parametrize("kind", [Kind.TEST, Kind.ANSWER])
def test_what_is_about_no_values_has_none(town: PicturedTown, kind: Kind) -> None:
    town.town.station_rule()
    town.measured((0, 14), quantity="soil_moisture")
    (message,) = town.messages()
    enclosed = town.pictures(message.__class__(**{**vars(message), "kind": kind}))
    assert (enclosed.picture, enclosed.no_picture) == (None, "")


def test_a_store_that_is_away_is_not_asked_by_each_mail(town: PicturedTown) -> None:
    asked = []

    class Away:
        def column(self, *args: Any, **_: Any) -> Any:
            asked.append(args)
            raise SeriesUnavailable("away", "weg")

    town.town.station_rule()
    town.measured((0, 14), quantity="soil_moisture")
    pictures = AlarmPictures(DirectoryCache(town.town.database), Away)  # type: ignore[arg-type]
    (message,) = town.messages()
    for language in Language:
        told = message.__class__(**{**vars(message), "language": language})
        assert pictures(told).picture is None
    assert len(asked) == 1
    assert "nicht erreichbar" in pictures(message).no_picture


def test_all_who_are_told_get_the_same_picture_and_it_is_made_once(town: PicturedTown) -> None:
    town.town.station_rule()
    town.measured((0, 14), quantity="soil_moisture")
    assert town.pictured() is town.pictured()


def test_what_measures_each_second_is_shown_for_less_time(town: PicturedTown) -> None:
    rule(town, kind="threshold", quantity="air_temperature", on=30, off=28)
    town.stored(*((-second / 60, 21) for second in range(1, 25_000, 1)), quantity="air_temperature")
    town.measured((0, 31), quantity="air_temperature")
    picture = town.pictured().picture
    assert picture is not None
    assert picture.said.startswith("Verlauf seit 09:00 Uhr:")


@pytest.mark.parametrize("size", [12.0, 15.0])
def test_the_letters_have_what_german_needs(size: float) -> None:
    missing = bytes(_letters(size).getmask("\U0010ffff"))
    for letter in "äöüÄÖÜß°²³µ·–…„“%€é":
        assert bytes(_letters(size).getmask(letter)) != missing, letter


def test_axes_have_round_numbers() -> None:
    made = scale([14.2, 21.9], from_zero=False)
    assert made.lines == [14, 16, 18, 20, 22]
    assert scale([0, 912], from_zero=True).lines == [0, 250, 500, 750]
    assert scale([5.0], from_zero=False).low < 5 < scale([5.0], from_zero=False).high
    for values in ([0.0, 0.0], [1e-9, 2e-9], [-3.0, -2.5], [1e12, -1e12], [0.3, 0.30001]):
        for from_zero in (True, False):
            found = scale(values, from_zero=from_zero)
            assert found.low <= min(values) <= max(values) <= found.high
            assert found.low < found.high
            assert len(found.lines) <= 12


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-03-29T12:00:00+02:00", ["12:00", "15:00", "18:00", "21:00", "00:00", "03:00"]),
        ("2026-10-25T12:00:00+01:00", ["15:00", "18:00", "21:00", "00:00", "03:00", "06:00"]),
    ],
)
def test_the_hours_are_those_of_the_clock_on_days_when_it_changes(
    day: str, hours: list[str]
) -> None:
    end = parse(day)
    found = [clock_time(at) for at in times(Instant(end - DAY), end)]
    assert found[:6] == hours
    assert all(int(one[:2]) % 3 == 0 and one.endswith(":00") for one in found)


def test_a_short_span_has_minutes() -> None:
    end = minute(0)
    assert len(times(Instant(end - HOUR), end)) == 5
    assert all(at % (15 * MINUTE) == 0 for at in times(Instant(end - HOUR), end))
