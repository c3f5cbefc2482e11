"""The columns of tree registers, as towns and their programs name them (tests name the sources)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stadtsinn.base.umlauts import without_umlauts
from stadtsinn.cloud.platform.lists.csv_table import plain_head


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. `field` is what it says of a tree, empty for one without a place here;
    of several for one field the lowest `rank` counts, the others fill its gaps."""

    head: str
    field: str
    rank: int = 0


# For each field its heads, the most certain first; they are compared without case, umlauts, blanks
# and signs. dBase cuts names after ten letters, so short forms are names of their own.
_HEADS: Mapping[str, str] = {
    "number": (
        "treeid baumid baumnr baumnummer baumkatasternummer katasternummer katasternr baumkennung "
        "kennzeichen inventarnummer inventarnr gisid nummer nr lfdnr laufendenummer number id gid "
        "gmlid objectid objektid fid uuid kennzeich standortnr standortnummer"
    ),
    "species": (
        "species artbotanisch artbot artbotan botanischername botanisch botname artlatein artlat "
        "lateinisch lateinischername latname wissenschaftlichername wisname wistext "
        "baumartbotanisch baumartlatein baumartlateinisch baumartwi baumartwissenschaftlich "
        "gattungartdeutschername gattungart gattungar galang baumart gattungbotanisch "
        "gattunglatein gehölzart"
    ),
    "genus": "gattung genus gattunglat",
    "epithet": "art epitheton artepitheton",
    "species_de": (
        "speciesde artdeutsch artdtsch artdeut artdeutsc deutschername deutschern deutschernam "
        "deutscher deutsch deutext baumartdeutsch baumartde baumartdeut gattungdeutsch gattungdeu "
        "name"
    ),
    "planted": (
        "plantedyear pflanzjahr pflanzungsjahr pflanzjah pflanzdatum pflanzdatu pflanzung "
        "gepflanzt datumpflanzung planted plantingyear"
    ),
    "standing": "standingyear standjahr standalter alter alterjahre baumalter age",
    "street": (
        "street straße straßenname strname straßenna standort adresse "
        "anschrift lagebezeichnung ort objekt"
    ),
    "house": "housenumber hausnummer hausnr hnr hausnummerzusatz",
    "latitude": "latitude lat breite breitengrad geographischebreite geobreite wgs84lat",
    "longitude": ("longitude lon lng long länge längengrad geographischelänge geolänge wgs84lon"),
    "east": (
        "easting ostwert rechtswert ost rechts rw utmost utme utmostwert ostwertutm32 "
        "etrs89utm32ost utm32ost koordinatenost koordost"
    ),
    "north": (
        "northing nordwert hochwert nord hoch hw utmnord utmn utmnordwert nordwertutm32 "
        "etrs89utm32nord utm32nord koordinatennord koordnord"
    ),
    "x": "x xkoordinate koordinatex koordx xkoord xcoord coordx koordinatenxy utmx x25832 pointx",
    "y": "y ykoordinate koordinatey koordy ykoord ycoord coordy utmy y25832 pointy",
    "point": "wkt geom geometrie geometry geometrywkt shape thegeom",
    "system": "epsg srid crs koordinatensystem bezugssystem",
    "soil_class": "soilclass bodenart bodenklasse bodenartka5 boden",
    "exposure": "exposure exposition besonnung sonneneinstrahlung lichtverhältnisse",
    "group": "group gruppe baumgruppe messgruppe referenzgruppe bewässerungsgruppe",
    "bag_litres": (
        "baglitres tankl tank tankgröße tanklitres gießsack gießsackl "
        "bewässerungssack wassersack gießmenge liter litres"
    ),
}


def _plain(head: str) -> str:
    """As it is compared: files come with umlauts and without."""
    return without_umlauts(plain_head(head))


_FIELDS: Mapping[str, tuple[str, int]] = {
    _plain(head): (field, rank)
    for field, heads in _HEADS.items()
    for rank, head in enumerate(heads.split())
}

PAIRS = (("longitude", "latitude"), ("east", "north"), ("x", "y"))
"""Heads of positions, the most certain first: what goes east and what goes north."""


def column_of(head: str) -> Column:
    """A German or English head, in whatever case and with whatever signs."""
    shown = head.strip().strip("\ufeff\"'")
    field, rank = _FIELDS.get(_plain(shown), ("", 0))
    return Column(shown, field, rank)


def columns_of(heads: Iterable[str], numbered_by: Sequence[str] = ()) -> list[Column]:
    """The columns of a heading. Of several that may number a tree the most certain one does, or
    those of `numbered_by`, which are then all part of the number. Raises KeyError for one of these
    that is not there."""
    columns = [column_of(head) for head in heads]
    if numbered_by:
        return _numbered(columns, numbered_by)
    numbers = [one for one in columns if one.field == "number"]
    first = min(numbers, key=lambda one: one.rank, default=None)
    return [
        Column(one.head, "") if one.field == "number" and one is not first else one
        for one in columns
    ]


def _numbered(columns: Sequence[Column], numbered_by: Sequence[str]) -> list[Column]:
    wanted = [_plain(one) for one in numbered_by]
    present = {_plain(one.head) for one in columns}
    if missing := [one for one in numbered_by if _plain(one) not in present]:
        raise KeyError(missing[0])
    found = []
    for one in columns:
        plain = _plain(one.head)
        if plain in wanted:
            found.append(Column(one.head, "number", wanted.index(plain)))
        else:
            found.append(Column(one.head, "") if one.field == "number" else one)
    return found


def is_heading(heads: Sequence[str]) -> bool:
    """Whether a line names columns of trees: what numbers them, and one more."""
    fields = {column_of(head).field for head in heads}
    return "number" in fields and len(fields - {"", "number"}) >= 1
