"""Why a payload was not decoded, in both languages, also in words of older versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stadtsinn import decoders
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import Undecoded
from stadtsinn.decoders.undecoded import why_undecoded

DEVICE = "dragino/lse01"


@pytest.mark.parametrize(
    ("device", "port", "payload", "german"),
    [
        (None, 2, b"\1", "unbekanntes Gerät: keines ist zugeordnet"),
        ("dragino/lse1", 2, b"\1", "unbekanntes Gerät 'dragino/lse1'; ähnlich: dragino/lse01"),
        ("xyz/qqqqqqq", 2, b"\1", "unbekanntes Gerät 'xyz/qqqqqqq'; siehe 'stadtsinn decode"),
        (DEVICE, 0, b"\1", f"{DEVICE}: nichts zu dekodieren auf fPort 0 (Bytes: 1)"),
        (DEVICE, 2, bytes(243), f"{DEVICE}: 243 Bytes; LoRaWAN trägt höchstens 242"),
        (DEVICE, 42, b"\1", f"{DEVICE}: für fPort 42 ist keine Art von Nachricht bekannt"),
        (DEVICE, 2, b"\1\2", f"{DEVICE}: zu kurz: ab Stelle 0 fehlen Bytes (11 gebraucht, 2 da)"),
        (DEVICE, 2, bytes(40), f"{DEVICE}: zu viel ab Stelle 11 (Bytes: 29)"),
    ],
)
def test_what_decoders_say_today(
    device: str | None, port: int, payload: bytes, german: str
) -> None:
    """The English stays as it is stored."""
    outcome = catalogue().decode(device, port, payload)
    assert isinstance(outcome, Undecoded)
    why = why_undecoded(outcome)
    assert why.english == outcome.message
    assert why.german.startswith(german)


@pytest.mark.parametrize(
    ("older", "today"),
    [
        (
            "truncated: 11 bytes needed at offset 0, 2 there",
            "too short: 11 bytes needed at offset 0, 2 there",
        ),
        (
            "truncated at offset 3: too short to tell its kind of frame",
            "too short at offset 3 to tell its kind of frame",
        ),
        (
            "1 bytes at offset 11 after the end of the frame",
            "1 byte at offset 11 after the end of the frame",
        ),
        ("no payload (0 bytes on fPort 2)", "nothing to decode: 0 bytes on fPort 2"),
    ],
)
@pytest.mark.parametrize("device", ["", f"{DEVICE}: "])
def test_words_of_older_versions_are_said_in_todays(older: str, today: str, device: str) -> None:
    """Up to 0.1.0 of November 2026 the code of the reason stood in the message, too."""
    why = why_undecoded(Undecoded("truncated", device + older))
    assert why.english == device + today
    assert why.german.startswith(device)
    assert why.german != why.english
    assert why_undecoded(Undecoded("truncated", why.english)) == why


def test_what_our_own_files_refuse_is_said_in_german_too() -> None:
    files = Path(str(decoders.__file__)).parent.joinpath("devices").rglob("*.toml")
    sources = [path.read_text(encoding="utf-8") for path in files]
    refusals = {text for source in sources for text in re.findall(r'refuse = "([^"]+)"', source)}
    assert len(refusals) >= 5
    for text in refusals:
        why = why_undecoded(Undecoded("unknown_frame", f"{DEVICE}: {text}"))
        assert why.english == f"{DEVICE}: {text}"
        assert why.german.startswith(f"{DEVICE}: ")
        assert why.german != why.english, text


def test_a_frame_that_a_file_refuses_is_told_in_german() -> None:
    outcome = catalogue().decode("ellenex/pts2-l", 15, bytes.fromhex("A10102"))
    assert isinstance(outcome, Undecoded)
    assert "CBOR, wie Geräte der Version 6 es senden" in why_undecoded(outcome).german


def test_what_a_file_says_of_a_frame_that_it_refuses_stays() -> None:
    said = f"{DEVICE}: a frame of another device: truncated: by hand"
    assert why_undecoded(Undecoded("unknown_frame", said)).german == said


def test_without_a_message_the_code_is_what_there_is() -> None:
    assert why_undecoded(Undecoded("no_payload", "")).english == "no_payload"
