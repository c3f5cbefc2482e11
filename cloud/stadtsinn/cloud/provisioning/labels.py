"""What the label of a device says, in any of the forms that vendors print: TR005, its drafts, web
addresses, named fields, or numbers alone.

Of keys that some vendors print into their codes nothing is taken: they come from the delivery list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.cloud.provisioning import tr005
from stadtsinn.cloud.town_file.device_cells import looks_like_a_key

MOST_SIGNS = 4_300
"""The largest QR code has 4,296 signs."""


class NoDevice(Unusable):
    """A code that is none of a LoRaWAN device."""


@dataclass(frozen=True)
class Label:
    """What a code says of a device; what it does not say is empty. `euis` are 16 lower-case hex
    digits each, where a code has numbers without names: one of them may be the DevEUI."""

    dev_eui: str = ""
    join_eui: str = ""
    profile: str = ""
    serial: str = ""
    euis: tuple[str, ...] = ()


def read_label(text: str) -> Label:
    """Raises WrongCode, and NoDevice for what is no device's; the text itself is never repeated:
    it may hold a key or a password."""
    text = text.strip().removeprefix("\ufeff")
    if re.match(r"\][A-Za-z]\d", text):  # how scanners say which kind of code it was
        text = text[3:]
    if len(text) > MOST_SIGNS:
        raise _no_device("a text that is too long", "ein zu langer Text")
    label = _read(text)
    if label is None:
        kind = _kind(text)
        raise _no_device(kind.english, kind.german)
    return replace(label, serial="") if looks_like_a_key(label.serial) else label


def _read(text: str) -> Label | None:
    if text.upper().startswith(tr005.BEGINNING):
        code = tr005.read(text)
        return Label(code.dev_eui, code.join_eui, code.profile, code.serial)
    return _draft(text) or _from_address(text) or _from_fields(text) or _from_numbers(text)


def _no_device(english: str, german: str) -> NoDevice:
    return NoDevice(
        f"no code of a LoRaWAN device, but {english}: look for another code on the device or its "
        "box, or type the DevEUI",
        f"kein Code eines LoRaWAN-Geräts, sondern {german}: einen anderen auf Gerät oder "
        "Verpackung suchen, oder die DevEUI abtippen",
    )


def _kind(text: str) -> Sentence:
    if (host := _host(text)) is not None:
        shown = visible(host)[:40]
        return Sentence(f"the web address of '{shown}'", f"die Webadresse von '{shown}'")
    if text.upper().startswith("WIFI:"):
        return Sentence("the access to a wireless network", "der Zugang zu einem WLAN")
    count = len(text)
    return Sentence(f"a text of {count} signs", f"ein Text aus {count} Zeichen")


def _host(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        return parts.hostname if parts.scheme.lower() in {"http", "https"} else None
    except ValueError:
        return None


# --- drafts of TR005, still on labels ----------------------------------------------------

_HEX16 = "[0-9A-F]{16}"
_DRAFTS = re.compile(
    rf"URN:LW:DP:(?P<j2>{_HEX16}):(?P<d2>{_HEX16}):(?P<p2>[0-9A-F]{{8}})(?::(?P<x2>.*))?"
    rf"|URN:DEV:LW:(?P<j3>{_HEX16})_(?P<d3>{_HEX16})_(?P<p3>[0-9A-F]{{8}})(?P<x3>_.*)?"
    rf"|URN:LWDP:(?P<j1>{_HEX16}):(?P<d1>{_HEX16})(?::.*)?",
    re.IGNORECASE,
)


def _draft(text: str) -> Label | None:
    if (found := _DRAFTS.fullmatch(text)) is None:
        return None

    def either(*names: str) -> str:
        return next((found[name] for name in names if found[name]), "")

    extensions = [*unquote(found["x2"] or "").split("%"), *(found["x3"] or "").split("_")]
    return Label(
        either("d1", "d2", "d3").lower(),
        either("j1", "j2", "j3").lower(),
        either("p2", "p3").lower(),
        next((one[1:] for one in extensions if one[:1].upper() == "S"), ""),
    )


# --- names and values --------------------------------------------------------------------

_NAMES = {
    **dict.fromkeys(("deveui", "deviceeui", "eui", "deui"), "dev_eui"),
    **dict.fromkeys(("appeui", "joineui", "applicationeui"), "join_eui"),
    **dict.fromkeys(("sn", "serial", "serialnumber", "seriennummer", "serno"), "serial"),
}
_NAME = (
    r"(?P<name>(?:dev|device|app|application|join)[ _-]?eui|eui|s/?n|serial[ _-]?(?:number|no)?)"
)
_FIELD = re.compile(
    rf"(?<![0-9A-Za-z]){_NAME}[\"']?\s*[:=]\s*[\"']?(?:0x)?"
    r"(?P<value>[0-9A-Fa-f]{2}(?:[:\- ]?[0-9A-Fa-f]{2}){7}(?![0-9A-Za-z])"
    r"|[0-9A-Za-z][0-9A-Za-z\-]*)",
    re.IGNORECASE,
)
_EUI = re.compile(_HEX16, re.IGNORECASE)
_MILESIGHTS = re.compile("6[0-9A-F]{11}", re.IGNORECASE)


def _label_of(pairs: list[tuple[str, str]]) -> Label | None:
    """From names and values; None where they name neither an EUI nor a serial number."""
    found: dict[str, str] = {}
    for name, value in pairs:
        plain = re.sub(r"[^a-z]", "", name.lower())
        if (field := _NAMES.get(plain)) is None:
            continue
        digits = re.sub(r"[:\- ]", "", value)
        if field == "serial":
            found.setdefault(field, value.strip())
        elif _EUI.fullmatch(digits):
            found.setdefault(field, digits.lower())
    if not found.keys() & {"dev_eui", "serial"}:
        return None
    join_eui, serial = found.get("join_eui", ""), found.get("serial", "")
    return Label(found.get("dev_eui", ""), join_eui, serial=serial)


def _from_address(text: str) -> Label | None:
    """Web addresses of vendors, such as Milesight's with ``SN=``."""
    if _host(text) is None:
        return None
    parts = urlsplit(text)
    label = _label_of([*parse_qsl(parts.query), *parse_qsl(parts.fragment)])
    if label is None:
        return _whole_numbers(parts.path.split("/"))
    if label.dev_eui:
        return label
    return replace(label, euis=_behind_serial(label.serial))


def _behind_serial(serial: str) -> tuple[str, ...]:
    """What a serial number says of the DevEUI: some vendors give the DevEUI itself for it, and
    Milesight's is 24E124 with the second to eleventh of the serial number's twelve digits."""
    if _EUI.fullmatch(serial):
        return (serial.lower(),)
    if _MILESIGHTS.fullmatch(serial):
        return (f"24e124{serial[1:11].lower()}",)
    return ()


def _from_fields(text: str) -> Label | None:
    """Fields with names, in lines, behind commas or as JSON, as Dragino and Milesight print them.
    A serial number alone says no more than that something has one."""
    if _host(text) is not None:
        return None
    label = _label_of([(found["name"], found["value"]) for found in _FIELD.finditer(text)])
    return label if label is not None and label.dev_eui else None


# --- numbers alone -----------------------------------------------------------------------

_GROUPED = re.compile(r"[0-9A-F]{2}([:\- ])(?:[0-9A-F]{2}\1){6}[0-9A-F]{2}", re.IGNORECASE)
_TWO_EUIS = re.compile(r"[0-9A-F]{32}", re.IGNORECASE)


def _from_numbers(text: str) -> Label | None:
    """Numbers that stand for themselves: an EUI in groups, several with something between, or two
    in one, before other fields."""
    if _host(text) is not None:
        return None
    if _GROUPED.fullmatch(text):
        return Label(euis=(re.sub(r"[:\- ]", "", text).lower(),))
    return _whole_numbers(re.split(r"[;,:|\s_]+", text))


def _whole_numbers(words: list[str]) -> Label | None:
    euis = [word.lower() for word in words if _EUI.fullmatch(word)]
    if not euis and len(words) > 1 and _TWO_EUIS.fullmatch(words[0]):
        euis = [words[0][:16].lower(), words[0][16:].lower()]
    return Label(euis=tuple(dict.fromkeys(euis))) if euis else None
