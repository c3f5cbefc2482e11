"""What an answer means. Telephones, habits and quotes of many kinds; doubt acknowledges nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.cloud.alarms.answers.meaning import (
    ACKNOWLEDGING,
    STOPPING,
    Meaning,
    meaning,
)

OURS = "ALARM Wochenmarkt: bis zu 912 Personen (Grenze 900). Stand 14:05 Uhr."


@pytest.mark.parametrize(
    "text",
    [
        *("OK", "ok", "Ok.", "ok!", "o.k.", "O.K", "o. k.", " ok \r\n", "\ufeffOK", "OK\x00"),
        *("Ok danke", "OK, vielen Dank!", "okay danke schon unterwegs", "Ja", "ja ok", "Jawohl."),
        *("Bestätigt", "bestaetigt", "bestatigt", "BESTÄTIGT", "Ich übernehme", "uebernehme ich"),
        *("Geht klar", "In Ordnung", "Habs", "hab's", "mache ich", "Bin dran", "bin unterwegs"),
        *("Got it", "on it", "I have it, thanks", "acknowledged", "ACK", "Will do", "On my way"),
        *("👍", "ok 👍", "👍🏽", "✔️"),
        *("OK\nMfG A. Meier, Ordnungsamt", "Ok. Gruß Anna", "OK\n\nSent from my phone"),
        *(
            f"OK\n> {OURS}",
            f"> {OURS}\nOK",
            f'ok "{OURS}"',
            f"Ok {OURS}",
            f"{OURS}\n".join(["ok\n", ""]),
        ),
        *('"OK"', "„OK“", "'ok'", "(ok)"),
    ],
)
def test_it_acknowledges(text: str) -> None:
    assert meaning(text) is Meaning.ACKNOWLEDGE
    assert meaning(unicodedata.normalize("NFD", text)) is Meaning.ACKNOWLEDGE


@pytest.mark.parametrize(
    "text", ["STOP", "stop", "Stopp!", "Stop bitte", "pause danke", "STOP\n> OK", "Mute please"]
)
def test_it_stops(text: str) -> None:
    assert meaning(text) is Meaning.STOP


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "?", "OK?", "ok??", "nicht ok", "Not OK", "OK, aber ich bin im Urlaub"),
        *("kann nicht", "no", "nein", "Kein Alarm", "danke", "Wer ist da", "okra", "stopover"),
        *("ok stop", "STOP nein OK", "Ich bin bis 3. Januar nicht erreichbar.", "0k", "okok"),
        *("unstop", "ok " * 2_000, "OK falsche Nummer", "ok cancel my order", OURS),
    ],
)
def test_it_is_unclear(text: str) -> None:
    assert meaning(text) is Meaning.UNCLEAR


@given(st.text(max_size=200))
def test_any_text_means_something_and_unknown_words_acknowledge_nothing(text: str) -> None:
    assert meaning(text) in Meaning
    assert meaning(f"ok xylofon {text.replace('xylofon', '')}") is not Meaning.STOP
    assert meaning(f"nicht {text}") is not Meaning.ACKNOWLEDGE


@given(st.sampled_from(sorted(ACKNOWLEDGING)), st.sampled_from(sorted(STOPPING)))
def test_both_at_once_are_neither(one: str, other: str) -> None:
    assert meaning(one) is Meaning.ACKNOWLEDGE
    assert meaning(other) is Meaning.STOP
    assert meaning(f"{one} {other}") is Meaning.UNCLEAR
