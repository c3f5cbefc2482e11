"""The cells of a device list: what people and Excel write, read or refused, never guessed."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.platform.api.fields import normalised_dev_eui, refuse_nobodys
from stadtsinn.cloud.platform.lists.row_errors import WrongCell
from stadtsinn.cloud.town_file.device_columns import UNITS

_KEY = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[\s:.,_-]?){15}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
BY_EXCEL = re.compile(r"\d(?:[.,]\d+)?E[+-]?\d{1,3}", re.IGNORECASE)
_LIKE_DIGITS = re.compile(r"[OoIl]")
_HEX_OR_ALIKE = re.compile(r"[0-9A-Fa-fOoIl]+")
_SHORTENED = 8
"""Digits that may be left of a DevEUI with zeros before them."""
_AROUND_HEX = re.compile(r"""^=?["'`]+|["']+$|^0x|^eui[-_:]""", re.IGNORECASE)
_BETWEEN_HEX = re.compile(r"[\s:.‐-―_-]|\u00a0|\u202f|\u200b")
_TIME = re.compile(r"(\d+)(?:[.,](\d+))?\s*([^\W\d_]*)\.?")
_DEGREES = re.compile(r"[+-]?\d{1,3}(?:[.,]\d+)?")
_DEPTH = re.compile(r"(\d{1,4}(?:[.,]\d{1,2})?)\s*(cm|m|)")
_NO_CENTIMETRES = 5
"""Nobody buries a sensor less deep; who writes less may mean metres."""
_TAG = re.compile(r"\s*([^=:;,]+?)\s*[=:]\s*([^;,]*?)\s*")


def looks_like_a_key(cell: str) -> bool:
    """Are these 128 bits in hex, as an AppKey is? With a UUID's dashes they are none."""
    return _UUID.fullmatch(cell) is None and _KEY.search(cell) is not None


def dev_eui(cell: str) -> str:
    """A DevEUI with the blanks, dashes, colons and prefixes of stickers and lists."""
    if looks_like_a_key(cell):
        raise WrongCell(
            "32 hexadecimal digits are a key, not a DevEUI: are cells shifted?",
            "32 Hexadezimalziffern sind ein Schlüssel, keine DevEUI: sind Zellen verschoben?",
        )
    if BY_EXCEL.fullmatch(cell):
        raise WrongCell(
            f"Excel made the number {_quoted(cell)} of it and destroyed it: get the list again and "
            "import the column as text (Data, From text/CSV)",
            f"Excel hat daraus die Zahl {_quoted(cell)} gemacht und sie zerstört: die Liste neu "
            "besorgen und die Spalte als Text importieren (Daten, Aus Text/CSV)",
        )
    digits = hex_digits(cell)
    if digits.isdecimal() and _SHORTENED <= len(digits) < 16:
        raise WrongCell(
            f"{len(digits)} digits, a DevEUI has 16: Excel leaves out zeros at the beginning; get "
            "the list again and import the column as text (Data, From text/CSV)",
            f"{len(digits)} Ziffern, eine DevEUI hat 16: Excel lässt Nullen am Anfang weg; die "
            "Liste neu besorgen und die Spalte als Text importieren (Daten, Aus Text/CSV)",
        )
    refuse_letters(digits, 16)
    try:
        found = normalised_dev_eui(digits)
        refuse_nobodys(found)
    except Unusable as error:
        raise WrongCell.of(error.sentence) from None
    return found


def hex_digits(cell: str) -> str:
    """What is left of a hexadecimal number without quotes, prefixes and what stands between."""
    return _BETWEEN_HEX.sub("", _AROUND_HEX.sub("", _AROUND_HEX.sub("", cell)))


def refuse_letters(digits: str, length: int) -> None:
    """Raises WrongCell for letters that look like digits, where so many digits are wanted."""
    found = _LIKE_DIGITS.search(digits)
    if found is None or len(digits) != length or not _HEX_OR_ALIKE.fullmatch(digits):
        return
    place, meant = found.start() + 1, "0" if found[0] in "Oo" else "1"
    raise WrongCell(
        f"the letter {found[0]} at place {place}: only 0-9 and A-F occur; is it a {meant}? Compare "
        "with the sticker and write the digit",
        f"der Buchstabe {found[0]} an Stelle {place}: es gibt nur 0-9 und A-F; ist es eine "
        f"{meant}? Mit dem Aufkleber vergleichen und die Ziffer schreiben",
    )


def seconds(cell: str, unit: int | None) -> int:
    """A time in seconds; `unit` is that of the column's head, None where it names none."""
    found = _TIME.fullmatch(cell.lower())
    if found is None or (found[3] and found[3] not in UNITS):
        raise WrongCell(
            f"{_quoted(cell)} is no time: write seconds, or e.g. '20 min'",
            f"{_quoted(cell)} ist keine Zeit: Sekunden schreiben, oder z. B. '20 min'",
        )
    whole, fraction, stated = found.groups()
    if fraction is not None and len(fraction) == 3:
        raise WrongCell(
            f"{_quoted(cell)} may be {whole}{fraction} or {whole} and a fraction: write it without "
            "a point for thousands",
            f"{_quoted(cell)} kann {whole}{fraction} sein oder {whole} und ein Bruchteil: ohne "
            "Tausenderpunkt schreiben",
        )
    if (factor := UNITS.get(stated, unit)) is None:
        raise WrongCell(
            "in which unit? Write '20 min', or name the column 'interval_s'",
            "in welcher Einheit? '20 min' schreiben, oder die Spalte 'interval_s' nennen",
        )
    exact = Decimal(f"{whole}.{fraction or 0}") * factor
    if exact != int(exact):
        raise WrongCell(
            f"{_quoted(cell)} is no whole number of seconds",
            f"{_quoted(cell)} ist keine ganze Zahl von Sekunden",
        )
    return int(exact)


def degrees(cell: str) -> float:
    """A latitude or longitude, with decimal point or comma."""
    plain = cell.strip("° ")
    if _DEGREES.fullmatch(plain) is None:
        raise WrongCell(
            f"{_quoted(cell)} is no number of degrees: write e.g. 51.9607",
            f"{_quoted(cell)} ist keine Gradzahl: z. B. 51,9607 schreiben",
        )
    return float(plain.replace(",", "."))


def centimetres(cell: str) -> float:
    """A depth below the ground, with its unit or in centimetres."""
    found = _DEPTH.fullmatch(cell.lower())
    if found is None:
        raise WrongCell(
            f"{_quoted(cell)} is no depth: write centimetres, or e.g. '0.3 m'",
            f"{_quoted(cell)} ist keine Tiefe: Zentimeter schreiben, oder z. B. '0,3 m'",
        )
    number = float(found[1].replace(",", "."))
    if not found[2] and number < _NO_CENTIMETRES:
        raise WrongCell(
            f"{_quoted(cell)}: in which unit? Write '30 cm' or '0.3 m'",
            f"{_quoted(cell)}: in welcher Einheit? '30 cm' oder '0,3 m' schreiben",
        )
    return number * 100 if found[2] == "m" else number


def tags(cell: str) -> dict[str, str]:
    """Tags as JSON, or as ``name=value`` with semicolons or commas between them."""
    if cell.startswith("{"):
        try:
            document = json.loads(cell)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and all(isinstance(one, str) for one in document.values()):
            return document
        raise WrongCell(
            "this is no JSON object of texts", "das ist kein JSON-Objekt aus lauter Texten"
        )
    found = {}
    for part in re.split(r"[;,]", cell):
        if not part.strip():
            continue
        pair = _TAG.fullmatch(part)
        if pair is None:
            raise WrongCell(
                f"{_quoted(part.strip())} is no tag: write name=value",
                f"{_quoted(part.strip())} ist kein Tag: Name=Wert schreiben",
            )
        found[pair[1]] = pair[2]
    return found


def _quoted(cell: str) -> str:
    return f"'{visible(cell)[:40]}'"
