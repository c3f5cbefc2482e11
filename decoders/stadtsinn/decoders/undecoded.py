"""Why a payload was not decoded, in both languages.

The log, and edges of older versions, hold the English message as it was written then. Here it is
read again: what older versions said in other words is said in today's.
"""

from __future__ import annotations

import re

from stadtsinn.base.sentence import Sentence
from stadtsinn.decoders.reading import Undecoded

_SAYINGS = tuple(
    (re.compile(pattern), english, german)
    for pattern, english, german in (
        (
            r"(?:too short|truncated): ((\d+) bytes?) needed at offset (\d+), (\d+) there",
            r"too short: \1 needed at offset \3, \4 there",
            r"zu kurz: ab Stelle \3 fehlen Bytes (\2 gebraucht, \4 da)",
        ),
        (
            r"(?:too|truncated) .*?at offset (\d+).* to tell its kind of frame",
            r"too short at offset \1 to tell its kind of frame",
            r"zu kurz, um die Art der Nachricht zu erkennen: sie endet vor Stelle \1",
        ),
        (
            r"(?:nothing to decode:|no payload) \(?((\d+) bytes?) on fPort (\d+)\)?",
            r"nothing to decode: \1 on fPort \3",
            r"nichts zu dekodieren auf fPort \3 (Bytes: \2)",
        ),
        (
            r"payload of (\d+) bytes; a LoRaWAN frame carries at most (\d+)",
            r"\g<0>",
            r"\1 Bytes; LoRaWAN trägt höchstens \2",
        ),
        (
            r"no frame is known for fPort (\d+)",
            r"\g<0>",
            r"für fPort \1 ist keine Art von Nachricht bekannt",
        ),
        (
            r"(\d+) bytes? at offset (\d+) after the end of the frame",
            r"\g<0>",
            r"zu viel ab Stelle \2 (Bytes: \1)",
        ),
        (
            r"no frame of fPort (\d+) has (\S+) at offset (\d+)",
            r"\g<0>",
            r"keine Art von Nachricht auf fPort \1 hat \2 an Stelle \3",
        ),
        (
            r"unknown device ('.*'); near: (.+)",
            r"\g<0>",
            r"unbekanntes Gerät \1; ähnlich: \2",
        ),
        (
            r"unknown device ('.*'); see `(.+)`",
            r"\g<0>",
            r"unbekanntes Gerät \1; siehe '\2'",
        ),
        (
            r"unknown device: none is assigned; map its device profile or tag to a device id",
            r"\g<0>",
            (
                r"unbekanntes Gerät: keines ist zugeordnet; sein Geräteprofil oder Tag einem "
                r"Gerätetyp zuordnen"
            ),
        ),
        (
            r"decoder raised (\w+)",
            r"\g<0>",
            r"der Dekoder ist gescheitert (\1)",
        ),
    )
)
_OF_DEVICE_FILES = {
    "CBOR, as devices of version 6 send it; this device type reads the eight bytes of version 1": (
        "CBOR, wie Geräte der Version 6 es senden; dieser Gerätetyp liest die acht Bytes der "
        "Version 1"
    ),
    "no logged time and total fit the total of now: another payload of the meter, or a cut frame; "
    "set the meter to the payload Basic, Extended or Enhanced": (
        "keine gespeicherte Zeit mit ihrem Stand passt zum jetzigen: eine andere Art von Nachricht "
        "des Zählers, oder eine abgeschnittene; den Zähler auf Basic, Extended oder Enhanced "
        "einstellen"
    ),
    "the age of an older sample is 0 or over a year: a frame of another device": (
        "das Alter eines früheren Werts ist 0 oder über ein Jahr: die Nachricht eines anderen "
        "Geräts"
    ),
    "the frame's time is more than five years away from its reception: another payload of the "
    "meter, or a clock that is not set": (
        "die Zeit in der Nachricht liegt mehr als fünf Jahre neben ihrem Empfang: eine andere Art "
        "von Nachricht des Zählers, oder eine nicht gestellte Uhr"
    ),
    "the second byte is none of the states of NAMUR NE 107: a frame of another device": (
        "das zweite Byte ist keiner der Zustände nach NAMUR NE 107: die Nachricht eines anderen "
        "Geräts"
    ),
}
"""What device files of ours say of a frame that they refuse, and the same in German."""
_DEVICE = re.compile(r"(?:[\w.-]+/[\w.-]+: )?")


def why_undecoded(outcome: Undecoded) -> Sentence:
    """The message for people; the code `reason` alone where there is none.

    What a town's own device file says of a frame that it refuses stays in the file's words.
    """
    said = outcome.message or outcome.reason
    device = _DEVICE.match(said)
    before = device[0] if device else ""
    for pattern, english, german in _SAYINGS:
        found = pattern.fullmatch(said, len(before))
        if found:
            today = re.sub(r"\b1 bytes\b", "1 byte", found.expand(english))
            return Sentence(before + today, before + found.expand(german))
    refused = said.removeprefix(before)
    return Sentence(said, before + _OF_DEVICE_FILES.get(refused, refused))
