"""Musterstadt: an invented market town, as it is entered into the registry.

DevEUIs are made up. Phone numbers are from +49 176 040690 00…99, which the Bundesnetzagentur
lists for use in media ("Rufnummern für Medienproduktionen", Mitteilung 148/2021): they are
never given to anybody, so a mistaken configuration cannot send a message to a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.domains.crowd.zones.model import Gate
from stadtsinn.cloud.town.model import Edge, Site
from stadtsinn.cloud.town.stations.model import Station
from stadtsinn.cloud.town.stations.slugs import slug_of
from stadtsinn.cloud.town_file.model import (
    DeviceSection,
    Town,
    ZoneWithGates,
)
from stadtsinn.rules.kinds.threshold import Direction, Threshold
from stadtsinn.simulator.randomness import stream

TENANT = "musterstadt"
MARKET = "wochenmarkt"
EDGE = "edge-rathaus"
MARKET_RULE = "markt-voll"
TREE_RULE = "baum-trocken"
DRY_STATION = "ahorn-31-bahnhofstrasse"
DRY_TREE = "70b3d5e000000203"
"""The tree that dries out during the day, until somebody waters it."""

OFFICER = "ordnungsamt"
OFFICER_NUMBER = "+4917604069001"
"""Of the public-order office's duty officer, who acknowledges alarms about the market."""

PERMITTED = 1_000
_GATE_INTERVAL_S = 60
_TREE_INTERVAL_S = 20 * 60
_WEATHER_INTERVAL_S = 10 * 60
_PARKING_INTERVAL_S = 60 * 60


@dataclass(frozen=True)
class CounterPlan:
    """A gate's counter: where its running totals stand at the start of the day.

    `slug` and `name` are those of the gate and of its station.

    `share_in` and `share_out` weigh how many of the visitors come and go here.
    """

    dev_eui: str
    slug: str
    name: str
    device_type: str
    channel: str
    swapped: bool
    start_in: int
    start_out: int
    share_in: float
    share_out: float


VS133 = "milesight/vs133"
PCR2 = "parametric/pcr2"
LSE01 = "dragino/lse01"
ATM41 = "decentlab/dl-atm41"
TPS110 = "bosch/tps110"

COUNTERS = (
    CounterPlan(
        "70b3d5e000000101", "nordtor", "Nordtor", VS133, "line_1", False, 1_203_417, 1_198_833, 3, 2
    ),
    CounterPlan(
        "70b3d5e000000102", "rathausgasse", "Rathausgasse", VS133, "line_1", False, 77, 13, 2, 3
    ),
    # Line 1 of this one looks at the pavement in front of the gate; only line 2 counts.
    CounterPlan(
        "70b3d5e000000103", "kirchgasse", "Kirchgasse", VS133, "line_2", False, 40_961, 52_333, 2, 2
    ),
    # Both 16-bit sums of this radar begin again at 0 during the morning.
    CounterPlan(
        "70b3d5e000000104", "suedtor", "Südtor", PCR2, "", False, 65_536 - 211, 65_536 - 97, 2, 2
    ),
    # Mounted back to front: its left-to-right leads out of the market.
    CounterPlan(
        "70b3d5e000000105", "brunnengasse", "Brunnengasse", PCR2, "", True, 9_001, 8_765, 1, 1
    ),
)

_TREES = (
    ("70b3d5e000000201", "Linde 14, Marktplatz", "marktplatz"),
    ("70b3d5e000000202", "Linde 15, Marktplatz", "marktplatz"),
    (DRY_TREE, "Ahorn 31, Bahnhofstraße", "bahnhofstrasse"),
    ("70b3d5e000000204", "Ahorn 32, Bahnhofstraße", "bahnhofstrasse"),
    ("70b3d5e000000205", "Ahorn 33, Bahnhofstraße", "bahnhofstrasse"),
    ("70b3d5e000000206", "Rotbuche 2, Stadtpark", "stadtpark"),
    ("70b3d5e000000207", "Stieleiche 5, Stadtpark", "stadtpark"),
    ("70b3d5e000000208", "Hainbuche 9, Stadtpark", "stadtpark"),
)
TREES = tuple(dev_eui for dev_eui, _name, _site in _TREES)
REPLACED_SENSOR = DRY_TREE
"""The soil sensor that is replaced during the day."""
SPARE_SENSOR = "70b3d5e000000209"
"""The one that takes its place."""
_WEATHER_NAME = "Wetterstation Bauhof"
WEATHER_STATION = "70b3d5e000000301"
SPACES = tuple(f"70b3d5e0000004{number:02d}" for number in range(1, 13))

_SITES = (
    Site(slug="marktplatz", name="Marktplatz", latitude=49.4321, longitude=10.4123),
    Site(slug="bahnhofstrasse", name="Bahnhofstraße", latitude=49.4298, longitude=10.4160),
    Site(slug="stadtpark", name="Stadtpark", latitude=49.4345, longitude=10.4091),
    Site(slug="stadttor", name="Parkplatz am Stadttor", latitude=49.4335, longitude=10.4149),
    Site(slug="bauhof", name="Bauhof", latitude=49.4260, longitude=10.4205),
)


def musterstadt(*, channel: str = "sms") -> Town:
    """The town as a town file has it. `channel` names the sender its messages go through."""
    return Town(
        tenant=TENANT,
        name="Stadt Musterstadt",
        sites=_SITES,
        stations=_stations(),
        devices=_devices(),
        edges=(Edge(id=EDGE, name="Rathausturm"),),
        zones=(_market(),),
        recipients=_recipients(channel),
        rules=_rules(),
    )


def _stations() -> tuple[Station, ...]:
    gates = [_station(plan.name, "gate", "marktplatz", plan.slug) for plan in COUNTERS]
    trees = [
        _station(name, "tree", site, attributes={"species": name.split()[0]})
        for _dev_eui, name, site in _TREES
    ]
    weather = _station(_WEATHER_NAME, "weather", "bauhof")
    spaces = [
        _station(_space_name(number), "parking_space", "stadttor")
        for number in range(1, len(SPACES) + 1)
    ]
    return (*gates, *trees, weather, *spaces)


def _station(
    name: str,
    kind: str,
    site: str,
    slug: str | None = None,
    attributes: dict[str, bool | int | float | str] | None = None,
) -> Station:
    slug = slug or slug_of(name, "")
    latitude, longitude = _position(slug, site)
    return Station(
        slug=slug,
        name=name,
        kind=kind,
        site=site,
        latitude=latitude,
        longitude=longitude,
        attributes=attributes or {},
    )


def _position(slug: str, site: str) -> tuple[float, float]:
    """A place near the middle of the site."""
    centre = next(one for one in _SITES if one.slug == site)
    scatter = stream(0, f"place {slug}")
    return (
        round((centre.latitude or 0) + scatter.uniform(-6e-4, 6e-4), 6),
        round((centre.longitude or 0) + scatter.uniform(-9e-4, 9e-4), 6),
    )


def _space_name(number: int) -> str:
    return f"Stellplatz {number}"


def _devices() -> tuple[DeviceSection, ...]:
    gates = [
        _device(plan.dev_eui, plan.device_type, f"Zähler {plan.name}", _GATE_INTERVAL_S, plan.slug)
        for plan in COUNTERS
    ]
    trees = [
        _device(
            dev_eui,
            LSE01,
            f"Bodensensor {name}",
            _TREE_INTERVAL_S,
            slug_of(name, ""),
            site,
            depths_cm={"": 30},
        )
        for dev_eui, name, site in _TREES
    ]
    weather = _device(
        WEATHER_STATION,
        ATM41,
        f"ATM41 {_WEATHER_NAME}",
        _WEATHER_INTERVAL_S,
        slug_of(_WEATHER_NAME, ""),
        "bauhof",
    )
    spaces = [
        _device(
            dev_eui,
            TPS110,
            f"Parksensor {number}",
            _PARKING_INTERVAL_S,
            slug_of(_space_name(number), ""),
            "stadttor",
        )
        for number, dev_eui in enumerate(SPACES, start=1)
    ]
    spare = _device(SPARE_SENSOR, LSE01, "Bodensensor Reserve", _TREE_INTERVAL_S, None, "bauhof")
    return (*gates, *trees, weather, *spaces, spare)


def station_of(dev_eui: str) -> str:
    """The slug of the station where the device sends from; the spare sends from a tree only."""
    wanted = REPLACED_SENSOR if dev_eui == SPARE_SENSOR else dev_eui
    return next(one.station for one in _devices() if one.dev_eui == wanted and one.station)


def _device(
    dev_eui: str,
    device_type: str,
    name: str,
    interval_s: int,
    station: str | None,
    site: str = "marktplatz",
    depths_cm: dict[str, float] | None = None,
) -> DeviceSection:
    latitude, longitude = _position(station or dev_eui, site)
    return DeviceSection(
        dev_eui=dev_eui,
        device_type=device_type,
        name=name,
        interval_s=interval_s,
        site=site,
        station=station,
        depths_cm=depths_cm or {},
        latitude=latitude,
        longitude=longitude,
    )


def _market() -> ZoneWithGates:
    return ZoneWithGates(
        slug=MARKET,
        name="Wochenmarkt",
        name_en="Weekly market",
        site="marktplatz",
        permitted=PERMITTED,
        interval_s=_GATE_INTERVAL_S,
        public=True,
        gates=tuple(
            Gate(
                slug=plan.slug,
                name=plan.name,
                station=plan.slug,
                channel=plan.channel,
                swapped=plan.swapped,
            )
            for plan in COUNTERS
        ),
    )


def _recipients(channel: str) -> tuple[Recipient, ...]:
    people = (
        (OFFICER, "Ordnungsamt, Bereitschaft", OFFICER_NUMBER),
        ("marktmeisterei", "Marktmeisterei", "+4917604069002"),
        ("feuerwehr", "Feuerwehr, Einsatzleitung", "+4917604069003"),
        ("gruenpflege", "Bauhof, Grünpflege", "+4917604069004"),
    )
    return tuple(
        Recipient(slug=slug, name=name, channel=channel, address=address)
        for slug, name, address in people
    )


def _rules() -> tuple[Rule, ...]:
    return (
        Rule(
            slug=MARKET_RULE,
            name="Wochenmarkt",
            zone=MARKET,
            parameters=Threshold(on=PERMITTED * 0.9, off=PERMITTED * 0.85),
            for_s=60,
            keep_firing_s=300,
            max_age_s=900,
            recipients=(OFFICER, "marktmeisterei", "feuerwehr"),
        ),
        Rule(
            slug=TREE_RULE,
            name="Ahorn 31",
            station=DRY_STATION,
            quantity="soil_moisture",
            parameters=Threshold(direction=Direction.BELOW, on=15, off=20),
            for_s=_TREE_INTERVAL_S * 3 // 4,
            min_samples=2,
            # A frame may be lost on the air, so one missing report is not a stale device.
            stale_after_s=4 * _TREE_INTERVAL_S,
            max_age_s=900,
            recipients=("gruenpflege",),
        ),
    )
