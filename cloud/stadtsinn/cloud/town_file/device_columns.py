"""Which column of a device list is what: our names, and those of vendors and network servers.

ChirpStack, The Things Stack, Milesight, Dragino and German delivery notes each call them otherwise.
Keys are read only for what brings them to the network server; the registry has no use for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from stadtsinn.base.foreign_text import visible
from stadtsinn.cloud.platform.lists.csv_table import plain_head
from stadtsinn.cloud.platform.lists.row_errors import WrongCell

NAMES: Mapping[str, tuple[str, ...]] = {
    "dev_eui": (
        *("deveui", "deviceeui", "eui", "eui64", "hardwareserial", "enddeviceeui", "geräteeui"),
        *("deveuihex", "lorawandeveui", "deveui64"),
    ),
    "type": (
        *(
            "type",
            "devicetype",
            "typ",
            "gerätetyp",
            "sensortyp",
            "sensortype",
            "model",
            "modell",
            "modelid",
        ),
        *("modelname", "devicemodel", "modelnumber", "product", "productname", "produkt"),
        *("artikel", "artikelbezeichnung", "partnumber", "deviceprofilename", "deviceprofile"),
        *("geräteprofil", "profile", "profilename"),
    ),
    "vendor": ("vendor", "brand", "brandid", "hersteller", "manufacturer"),
    "name": ("name", "bezeichnung", "devicename", "gerätename", "displayname", "label"),
    "id": ("id", "deviceid", "enddeviceid", "geräteid"),
    "site": ("site", "ort"),
    "station": ("station", "messstelle"),
    "depth_cm": (
        *("depthcm", "depth", "tiefecm", "tiefe", "messtiefecm", "messtiefe", "einbautiefecm"),
        "einbautiefe",
    ),
    "latitude": ("latitude", "lat", "breite", "breitengrad", "geobreite", "gpslatitude"),
    "longitude": (
        *("longitude", "lon", "lng", "long", "länge", "längengrad", "geolänge", "gpslongitude"),
    ),
    "tags": ("tags", "schlagworte", "labels", "metadata"),
}
"""In the order in which they count where a list has several."""

FOR_THE_NETWORK_SERVER: Mapping[str, tuple[str, ...]] = {
    "join_eui": (
        *(
            "joineui",
            "appeui",
            "applicationeui",
            "lorawanjoineui",
            "lorawanappeui",
            "joineuiappeui",
        ),
        *("appeuijoineui", "joineuihex", "appeuihex", "idsjoineui"),
    ),
    "app_key": (
        *("appkey", "applicationkey", "otaaappkey", "otaakey", "lorawanappkey", "appkeyhex"),
        *("appkeyotaa", "rootkeysappkeykey", "appschlüssel", "anwendungsschlüssel", "appkey128"),
    ),
    "nwk_key": ("nwkkey", "networkkey", "otaanwkkey", "lorawannwkkey", "rootkeysnwkkeykey"),
    "serial": ("serialnumber", "serial", "seriennummer", "serialno", "sn"),
}
"""What only a network server needs of a device, and by what its label is known again."""

_INTERVALS = (
    *("interval", "intervall", "sendeintervall", "messintervall", "meldeintervall"),
    *("uplinkinterval", "reportinginterval", "reportinterval", "transmitinterval"),
)
UNITS: Mapping[str, int] = {
    **dict.fromkeys(("s", "sec", "sek", "secs", "sekunden", "second", "seconds"), 1),
    **dict.fromkeys(("min", "mins", "minute", "minuten", "minutes"), 60),
    **dict.fromkeys(("h", "std", "stunde", "stunden", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "tag", "tage", "day", "days"), 86_400),
}
"""Seconds of what a time may be written in."""

_SECRET = re.compile(r"key|schlüssel|passwor|secret|token|^pin$|session")
_DATUM = re.compile(r"(?:wgs84|wgs|epsg4326|decimal|dezimal|degrees|deg|grad|dd)+$")
_LEFT_OUT = frozenset(
    {
        *("joineui", "appeui", "applicationeui", "devaddr", "deviceprofileid", "applicationid"),
        *("description", "beschreibung", "serialnumber", "serial", "seriennummer", "sn", "imei"),
        *("lorawanversion", "lorawanphyversion", "frequencyplanid", "firmwareversion", "bandid"),
        *("hardwareversion", "region", "class", "macversion", "tenantid", "tenantname", "version"),
        *("applicationname", "number", "nr", "nummer", "position", "pos", "status", "lastseenat"),
    }
)
_TAG = re.compile(r"(?:tags?|variables?)\s*[:._]\s*(\S.*)", re.IGNORECASE)
_KNOWN = {alias: field for field, aliases in NAMES.items() for alias in aliases}
_NEEDED = {
    alias: (field, rank)
    for field, aliases in FOR_THE_NETWORK_SERVER.items()
    for rank, alias in enumerate(aliases)
}


@dataclass(frozen=True)
class Column:
    """What a column holds. `field` is empty where it is left out; `rank`: the smaller counts first
    of several with the same field. `unit`: seconds of an interval's unit, None: cells say it."""

    head: str
    field: str = ""
    rank: int = 0
    unit: int | None = None
    tag: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Heads:
    """How the heads of a list are read: with `keys` also what only the network server needs.

    `named` says by heads what their columns hold (a field, or "" for nothing), where somebody has
    told. `by_serial` has the DevEUIs of serial numbers (in upper case) that are known already:
    a list of those needs no DevEUI.
    """

    keys: bool = False
    by_serial: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)

    def column(self, head: str) -> Column:
        """What the column of this head holds. Raises WrongCell."""
        named = {plain_head(one): field for one, field in self.named.items()}
        if (told := named.get(plain_head(head))) is not None:
            return Column(head.strip(), told)
        if self.keys and (needed := _NEEDED.get(plain_head(head))) is not None:
            return Column(head.strip(), *needed)
        return column_of(head)

    def is_heading(self, cells: Sequence[str]) -> bool:
        """Is this the line with the heads? It names the DevEUI."""
        named = {plain_head(one) for one, field in self.named.items() if field == "dev_eui"}
        plain = {plain_head(cell) for cell in cells}
        if self.by_serial and plain & set(FOR_THE_NETWORK_SERVER["serial"]):
            return True
        return is_heading(cells) or bool(plain & named)


ALL_FIELDS = (*NAMES, "interval_s", *FOR_THE_NETWORK_SERVER)
"""What a column may hold."""


def column_of(head: str) -> Column:
    """What the column of this head holds for the registry. Raises WrongCell."""
    head = head.strip().strip("'\"")
    if (tag := _TAG.fullmatch(head)) is not None:
        return Column(head, "tag", tag=tag[1].strip())
    plain = _without_datum(plain_head(head))
    if (field := _KNOWN.get(plain)) is not None:
        return Column(head, field, NAMES[field].index(plain))
    if (interval := _interval(plain)) is not None:
        return Column(head, "interval_s", unit=UNITS.get(interval))
    if _SECRET.search(plain):
        return Column(head, secret=True)
    if plain not in _LEFT_OUT and (meant := _misspelt(plain)) is not None:
        shown = visible(head)
        raise WrongCell(
            f"unknown column '{shown}': did you mean '{meant}'?",
            f"unbekannte Spalte '{shown}': war '{meant}' gemeint?",
        )
    return Column(head)


def is_heading(cells: Sequence[str]) -> bool:
    """Is this the line with the heads? It names the DevEUI."""
    return any(_KNOWN.get(plain_head(cell)) == "dev_eui" for cell in cells)


def _without_datum(plain: str) -> str:
    """Coordinates are in WGS 84 and in degrees, whether a head says so or not."""
    shorter = _DATUM.sub("", plain)
    return shorter if plain not in _KNOWN and shorter in _KNOWN else plain


def _misspelt(plain: str) -> str | None:
    """What somebody meant who struck a wrong key: not another word that only looks alike."""
    known = {**dict.fromkeys(_KNOWN), "intervals": "interval_s"}
    alike = [one for one in known if one[0] == plain[:1] and abs(len(one) - len(plain)) < 2]
    near = get_close_matches(plain, alike, n=1, cutoff=0.75)
    return (known[near[0]] or near[0]) if near else None


def _interval(plain: str) -> str | None:
    """The unit behind an interval's name, empty where there is none; None for another name."""
    for name in _INTERVALS:
        unit = plain.removeprefix(name).removeprefix("in")
        if plain.startswith(name) and (not unit or unit in UNITS):
            return unit
    return None
