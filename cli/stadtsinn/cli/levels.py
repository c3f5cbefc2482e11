"""`stadtsinn level`: gauges and lakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from stadtsinn.cli.ages import age
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import decimal, text
from stadtsinn.cli.measuring_town import measuring_town
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_list, say
from stadtsinn.cli.town_choice import Tenant

if TYPE_CHECKING:
    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.domains.water.lakes import Night
    from stadtsinn.cloud.domains.water.service import GaugeNow, LakeNow

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Water levels and lakes.", "Pegel und Seen."),
)


@app.command(
    "list",
    help=text(
        "List the gauges: level, rate of rise, second sensor.\n\nExample: stadtsinn level list",
        "Pegel auflisten: Wasserstand, Anstieg, zweiter Sensor.\n\nBeispiel: stadtsinn level list",
    ),
)
def list_levels(
    tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    from stadtsinn.cloud.domains.water.service import gauges_now

    with measuring_town(config, tenant) as (database, series, scope, now):
        found = gauges_now(database, series, scope, now)
    print_list(
        found,
        {
            text("Gauge", "Pegel"): lambda one: one.place.slug,
            "m": _level,
            "m/h": lambda one: _number(one.gauge.rise if one.gauge else None),
            text("Second sensor", "Zweiter Sensor"): _second,
            text("Measured", "Gemessen"): lambda one: _measured(one, now),
            text("Doubt", "Zweifel"): _doubt,
        },
        _gauge_fields,
        as_json=as_json,
        empty=text("no station measures a level", "keine Messstelle misst einen Wasserstand"),
    )
    if found and not as_json:
        say(
            text(
                "Above gauge zero; raw data that nobody has checked.",
                "Über Pegelnull; ungeprüfte Rohdaten.",
            )
        )


def _level(one: GaugeNow) -> str:
    return _number(one.gauge.reading.level if one.gauge else None)


def _number(value: float | None, decimals: int = 2) -> str:
    if value is None:
        return ""
    return decimal(f"{value:.{decimals}f}")


def _second(one: GaugeNow) -> str:
    if one.gauge is None or one.gauge.second is None:
        return ""
    says = text("confirms", "bestätigt") if one.gauge.confirmed else text("differs", "weicht ab")
    return f"{_number(one.gauge.second.level)} {says}"


def _measured(one: GaugeNow, now: Instant) -> str:
    return age(one.gauge.reading.time if one.gauge else None, now)


def _doubt(one: GaugeNow) -> str:
    if one.gauge is None:
        return text("nothing for six hours", "seit sechs Stunden nichts")
    words = {
        None: "",
        "jump": text("jumped", "gesprungen"),
        "disagrees": text("sensors disagree", "Sensoren uneins"),
    }
    return words[one.gauge.doubt]


def _gauge_fields(one: GaugeNow) -> dict[str, object]:
    from stadtsinn.base.berlin import write_time

    gauge = one.gauge
    second = gauge.second if gauge else None
    return {
        "station": one.place.slug,
        "name": one.place.name,
        "measured_at": write_time(gauge.reading.time) if gauge else None,
        "level_m": gauge.reading.level if gauge else None,
        "above_sea_m": one.above_sea,
        "rise_m_per_h": gauge.rise if gauge else None,
        "second_m": second.level if second else None,
        "confirmed": gauge.confirmed if gauge else None,
        "doubt": gauge.doubt.value if gauge and gauge.doubt else None,
    }


@app.command(
    help=text(
        "List the lakes: oxygen of the night, trend, warmth.\n\nExample: stadtsinn level lakes",
        "Seen auflisten: Sauerstoff der Nacht, Tendenz, Wärme.\n\nBeispiel: stadtsinn level lakes",
    )
)
def lakes(tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    from stadtsinn.cloud.domains.water.service import lakes_now

    with measuring_town(config, tenant) as (database, series, scope, now):
        found = lakes_now(database, series, scope, now)
    print_list(
        found,
        {
            text("Lake", "See"): lambda one: one.place.slug,
            text("State", "Zustand"): _state,
            text("mg/l at night", "mg/l nachts"): lambda one: _of_night(one, "oxygen"),
            "°C": lambda one: _of_night(one, "temperature"),
            "%": lambda one: _of_night(one, "saturation"),
            text("per night", "je Nacht"): lambda one: _number(one.lake.trend),
            text("nights left", "Nächte bis kritisch"): _left,
        },
        _lake_fields,
        as_json=as_json,
        empty=text("no station measures oxygen", "keine Messstelle misst Sauerstoff"),
    )


def _of_night(one: LakeNow, name: str) -> str:
    night = one.lake.night
    return "" if night is None else _number(getattr(night, name), 1)


def _left(one: LakeNow) -> str:
    return "" if one.lake.days_left is None else str(one.lake.days_left)


def _state(one: LakeNow) -> str:
    words = {
        "good": text("good", "gut"),
        "strained": text("strained", "angespannt"),
        "critical": text("critical", "kritisch"),
        "unknown": text("unknown", "unbekannt"),
    }
    return words[one.lake.state]


def _lake_fields(one: LakeNow) -> dict[str, object]:
    lake = one.lake
    return {
        "station": one.place.slug,
        "name": one.place.name,
        "state": lake.state.value,
        "night": None if lake.night is None else _night_fields(lake.night),
        "trend_mg_l_per_night": lake.trend,
        "nights_left": lake.days_left,
        "nights": [_night_fields(night) for night in lake.nights],
    }


def _night_fields(night: Night) -> dict[str, object]:
    return {
        "day": night.day.isoformat(),
        "oxygen_mg_l": night.oxygen,
        "temperature": night.temperature,
        "saturation_percent": night.saturation,
    }
