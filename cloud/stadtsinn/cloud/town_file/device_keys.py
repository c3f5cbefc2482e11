"""Cells that only the network server needs: JoinEUI and keys. No error repeats one of a key."""

from __future__ import annotations

import re

from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.cloud.platform.api.fields import normalised_dev_eui
from stadtsinn.cloud.platform.lists.row_errors import WrongCell
from stadtsinn.cloud.town_file.device_cells import (
    BY_EXCEL,
    hex_digits,
    looks_like_a_key,
    refuse_letters,
)

_HEX = re.compile(r"[0-9a-f]*")
_EUI_DIGITS, _KEY_DIGITS = 16, 32


def aes_key(cell: str) -> str:
    """A key of 128 bits as 32 lower-case hex digits. Raises WrongCell."""
    if BY_EXCEL.fullmatch(cell):
        raise WrongCell(
            "Excel made a number of the key and destroyed it: get the list again and import the "
            "column as text (Data, From text/CSV)",
            "Excel hat aus dem Schlüssel eine Zahl gemacht und ihn zerstört: die Liste neu "
            "besorgen und die Spalte als Text importieren (Daten, Aus Text/CSV)",
        )
    digits = hex_digits(cell)
    refuse_letters(digits, _KEY_DIGITS)
    digits = digits.lower()
    if _HEX.fullmatch(digits) is None:
        raise WrongCell(
            "no key: it has 32 hexadecimal digits, and other signs stand there",
            "kein Schlüssel: er hat 32 Hexadezimalziffern, und da stehen andere Zeichen",
        )
    if len(digits) == _EUI_DIGITS:
        raise WrongCell(
            "16 hexadecimal digits are an EUI, a key has 32: are the columns of EUI and key "
            "swapped?",
            "16 Hexadezimalziffern sind eine EUI, ein Schlüssel hat 32: sind die Spalten von EUI "
            "und Schlüssel vertauscht?",
        )
    if len(digits) != _KEY_DIGITS:
        cause = _cause(digits)
        raise WrongCell(
            f"{len(digits)} digits, a key has 32: {cause.english}",
            f"{len(digits)} Ziffern, ein Schlüssel hat 32: {cause.german}",
        )
    if len(set(digits)) == 1:
        raise WrongCell(
            "the same digit 32 times is no key: ask the supplier for it",
            "32-mal dieselbe Ziffer ist kein Schlüssel: beim Lieferanten erfragen",
        )
    return digits


def _cause(digits: str) -> Sentence:
    if digits.isdecimal():
        return Sentence(
            "Excel leaves out zeros at the beginning; get the list again and import the column as "
            "text (Data, From text/CSV)",
            "Excel lässt Nullen am Anfang weg; die Liste neu besorgen und die Spalte als Text "
            "importieren (Daten, Aus Text/CSV)",
        )
    if len(digits) > _KEY_DIGITS:
        return Sentence("copy it again", "noch einmal kopieren")
    return Sentence("copy it again, some are missing", "noch einmal kopieren, es fehlen welche")


def join_eui(cell: str) -> str:
    """A JoinEUI (AppEUI) as 16 lower-case hex digits; zeros are one. Raises WrongCell."""
    if looks_like_a_key(cell):
        raise WrongCell(
            "32 hexadecimal digits are a key, not a JoinEUI: are cells shifted?",
            "32 Hexadezimalziffern sind ein Schlüssel, keine JoinEUI: sind Zellen verschoben?",
        )
    if BY_EXCEL.fullmatch(cell):
        raise WrongCell(
            "Excel made a number of it and destroyed it: get the list again and import the column "
            "as text (Data, From text/CSV)",
            "Excel hat daraus eine Zahl gemacht und sie zerstört: die Liste neu besorgen und die "
            "Spalte als Text importieren (Daten, Aus Text/CSV)",
        )
    digits = hex_digits(cell)
    refuse_letters(digits, _EUI_DIGITS)
    if digits == "0":
        return "0" * _EUI_DIGITS
    try:
        return normalised_dev_eui(digits)
    except Unusable:
        raise WrongCell(
            "a JoinEUI has 16 hexadecimal digits, e.g. 70b3d57ed0000001; leave the cell empty "
            "where there is none",
            "eine JoinEUI hat 16 Hexadezimalziffern, z. B. 70b3d57ed0000001; gibt es keine, die "
            "Zelle leer lassen",
        ) from None
