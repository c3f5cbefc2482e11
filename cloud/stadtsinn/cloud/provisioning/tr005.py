"""LoRa Alliance TR005: what a QR code on a device says.

``LW:D0:JoinEUI:DevEUI:ProfileID``, then extensions behind colons, each named by its first letter:
O owner token, S serial number, P what the vendor likes, C checksum. The document has them in this
order; labels in the field do not, so they are read in any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stadtsinn.base.sentence import Unusable

BEGINNING = "LW:D0:"
NOBODY = "0" * 16
"""A JoinEUI where nobody has one."""
NO_PROFILE = "0" * 8
_MANDATORY = 5
"""Parts before the extensions: LW, D0, JoinEUI, DevEUI, ProfileID."""
_EUI = re.compile(r"[0-9A-Fa-f]{16}")
_PROFILE = re.compile(r"[0-9A-Fa-f]{8}")
_CHECKSUM = re.compile(r"[0-9A-Fa-f]{4}")
_WRITABLE = re.compile(r"[0-9A-Z $%*+\-./]*")


class WrongCode(Unusable):
    """A code that says it is TR005, and is not as TR005 says."""


@dataclass(frozen=True)
class DeviceCode:
    """A device as TR005 describes it. EUIs have 16 and `profile` (vendor id, profile id) 8
    lower-case hex digits. `owner_token` proves to a join server whose the device is: a secret."""

    join_eui: str
    dev_eui: str
    profile: str = NO_PROFILE
    serial: str = ""
    owner_token: str = field(default="", repr=False)
    proprietary: tuple[str, ...] = field(default=(), repr=False)


def read(text: str) -> DeviceCode:
    """The device of a code that begins with `BEGINNING`, in upper or lower case.

    Raises WrongCode; it repeats nothing but EUIs.
    """
    _, _, *fields = text.split(":")
    if len(fields) < 3:
        raise WrongCode(
            "the code is cut off: it needs JoinEUI, DevEUI and profile; scan it again",
            "der Code ist abgeschnitten: es fehlen Teile von JoinEUI, DevEUI und Profil; noch "
            "einmal scannen",
        )
    join_eui, dev_eui, profile, *extensions = fields
    _require(join_eui, _EUI, "JoinEUI", 16)
    _require(dev_eui, _EUI, "DevEUI", 16)
    _require(profile, _PROFILE, "ProfileID", 8)
    for number, extension in enumerate(extensions):
        if len(extension) > 1 and extension[0] in "Cc":
            before = text.split(":")[: _MANDATORY + number]
            _require_checksum(":".join(before), extension[1:])
    found: dict[str, list[str]] = {}
    for extension in extensions:
        if len(extension) > 1:
            found.setdefault(extension[0].upper(), []).append(extension[1:])
    return DeviceCode(
        join_eui.lower(),
        dev_eui.lower(),
        profile.lower(),
        found.get("S", [""])[0],
        found.get("O", [""])[0],
        tuple(found.get("P", ())),
    )


def written(code: DeviceCode) -> str:
    """The code as text with its checksum, in upper case, as the small alphabet of QR codes has it.

    Raises WrongCode for a serial number and the like that do not fit into it.
    """
    extensions = [("O", code.owner_token), ("S", code.serial)]
    extensions += [("P", one) for one in code.proprietary]
    parts = [BEGINNING + code.join_eui, code.dev_eui, code.profile]
    parts += [letter + value for letter, value in extensions if value]
    for part in parts[3:]:
        if not _WRITABLE.fullmatch(part.upper()):
            raise WrongCode(
                "a code takes letters A-Z, digits and $ % * + - . / only",
                "ein Code fasst nur Buchstaben A-Z, Ziffern und $ % * + - . /",
            )
    text = ":".join(parts).upper()
    return f"{text}:C{checksum(text):04X}"


def checksum(text: str) -> int:
    """CRC-16/MODBUS over all that stands before ``:C``. Source: TR005, section on checksums."""
    crc = 0xFFFF
    for byte in text.encode():
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _require(value: str, pattern: re.Pattern[str], name: str, digits: int) -> None:
    if pattern.fullmatch(value):
        return
    if len(value) == digits:
        raise WrongCode(
            f"its {name} has signs that are no hexadecimal digits: scan it again, or ask the "
            "supplier for new labels",
            f"ihre {name} enthält Zeichen, die keine Hexadezimalziffern sind: noch einmal scannen, "
            "oder vom Lieferanten neue Aufkleber verlangen",
        )
    raise WrongCode(
        f"its {name} has {len(value)} signs, not {digits}: scan it again, or ask the supplier for "
        "new labels",
        f"ihre {name} hat {len(value)} Zeichen statt {digits}: noch einmal scannen, oder vom "
        "Lieferanten neue Aufkleber verlangen",
    )


def _require_checksum(before: str, stated: str) -> None:
    """Over what was read or, where a label has it in lower case, over its upper case."""
    sums = {checksum(before), checksum(before.upper())}
    if _CHECKSUM.fullmatch(stated) and int(stated, 16) in sums:
        return
    raise WrongCode(
        "the checksum does not fit: a sign was read wrongly, or the label is damaged; clean it and "
        "scan it again, or type the DevEUI as it is printed beside the code",
        "die Prüfsumme stimmt nicht: ein Zeichen ist falsch gelesen oder der Aufkleber beschädigt; "
        "säubern und noch einmal scannen, oder die DevEUI abtippen, wie sie daneben steht",
    )
