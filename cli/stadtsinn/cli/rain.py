"""`stadtsinn rain`: how much rain fell, and which criterion of the DWD that meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.ages import span
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import decimal, text
from stadtsinn.cli.measuring_town import measuring_town
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_list, say
from stadtsinn.cli.town_choice import Tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from stadtsinn.cloud.domains.water.rain import RainSum
    from stadtsinn.cloud.domains.water.service import RainNow

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Rain and heavy rain.", "Regen und Starkregen."),
)


@app.command(
    "list",
    help=text(
        "Sums of 5, 15, 60 min, 6 and 24 h at each station.\n\nExample: stadtsinn rain list",
        "Summen über 5, 15, 60 min, 6 und 24 h an jeder Messstelle.\n\n"
        "Beispiel: stadtsinn rain list",
    ),
)
def list_rain(
    tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    from stadtsinn.cloud.domains.water.service import rain_now

    with measuring_town(config, tenant) as (database, series, scope, now):
        found = rain_now(database, series, scope, now)
    print_list(
        found,
        {
            text("Station", "Messstelle"): lambda one: one.place.slug,
            **{name: _column(place) for place, name in enumerate(_SPANS)},
            text("DWD criterion", "DWD-Kriterium"): _worst,
        },
        _fields,
        as_json=as_json,
        empty=text("no station measures rain", "keine Messstelle misst Niederschlag"),
    )
    if found and not as_json:
        say(
            text(
                "mm. * with gaps: at least so much. A measured value is no warning of the DWD.",
                "mm. * mit Lücken: mindestens so viel. Ein Messwert ist keine Warnung des DWD.",
            )
        )


_SPANS = ("5 min", "15 min", "60 min", "6 h", "24 h")


def _column(place: int) -> Callable[[RainNow], str]:
    return lambda one: _sum(one.sums[place])


def _sum(one: RainSum) -> str:
    return decimal(f"{one.mm:.1f}") + ("" if one.complete else "*")


@app.command(
    help=text(
        "Show the rain at a station.\n\nExample: stadtsinn rain show bauhof",
        "Den Regen an einer Messstelle zeigen.\n\nBeispiel: stadtsinn rain show bauhof",
    )
)
def show(
    station: Annotated[
        str, typer.Argument(metavar="STATION", help=text("Its short name.", "Ihr Kurzname."))
    ],
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.cloud.domains.water.service import rain_now

    with measuring_town(config, tenant) as (database, series, scope, now):
        (found,) = rain_now(database, series, scope, now, station)
    print_list(
        found.sums,
        {
            text("Span", "Zeitraum"): lambda one: span(one.span_s * 1_000_000),
            "mm": _sum,
            text("Not measured", "Nicht gemessen"): _unknown,
            text("DWD criterion", "DWD-Kriterium"): lambda one: _class(one.rain_class),
        },
        _sum_fields,
        as_json=as_json,
        empty="",
    )


def _unknown(one: RainSum) -> str:
    return span(one.unknown_s * 1_000_000) if one.unknown_s else ""


def _worst(one: RainNow) -> str:
    order = ["none", "marked", "severe", "extreme"]
    met = [part.rain_class.value for part in one.sums if part.rain_class is not None]
    return _class(max(met, key=order.index))


def _class(found: str | None) -> str:
    words = {
        "marked": text("marked weather", "markantes Wetter"),
        "severe": text("severe weather", "Unwetter"),
        "extreme": text("extreme weather", "extremes Unwetter"),
    }
    return words.get(found or "", "")


def _fields(one: RainNow) -> dict[str, object]:
    from stadtsinn.base.berlin import write_time

    return {
        "station": one.place.slug,
        "name": one.place.name,
        "until": write_time(one.until),
        "measured_at": write_time(one.measured_at),
        "sums": [_sum_fields(part) for part in one.sums],
    }


def _sum_fields(one: RainSum) -> dict[str, object]:
    met = None if one.rain_class is None else one.rain_class.value
    return {"span_s": one.span_s, "mm": one.mm, "unknown_s": one.unknown_s, "rain_class": met}
