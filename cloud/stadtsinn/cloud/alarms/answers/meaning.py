"""What an answer means. Pure.

A word that is not known makes the whole answer unclear: who writes "OK, but I am on holiday" has
acknowledged nothing, and a wrong acknowledgement would silence an alarm.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Meaning(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    STOP = "stop"
    UNCLEAR = "unclear"


LONGEST = 1_000
"""Characters that are looked at: what is longer is no answer."""

_GERMAN_YES = (
    "ok okay okey oke okee ja jo jawohl jep verstanden bestätigt bestätige bestätigung übernehme "
    "übernommen erledige quittiert quittiere kümmere klar einverstanden angenommen"
)
_ENGLISH_YES = (
    "k yes yep ack acknowledge acknowledged acked confirm confirmed roger understood accepted"
)
_SIGNS_OF_YES = "👍 👌 ✅ ✔"
_GERMAN_STOP = "stop stopp stoppe stoppen stumm stummschalten ruhe pause aus ende"
_ENGLISH_STOP = "mute silence quit end"
_GERMAN_BESIDE = (
    "danke dank vielen dankeschön bitte gut alles super prima passt geht in ordnung ich mich wir "
    "das es den alarm die meldung sms mal bin habe hab habs mache mach machs wird gemacht drum "
    "darum dran unterwegs fahre fahr komme hin los gleich sofort jetzt schon"
)
_ENGLISH_BESIDE = (
    "thanks thank thx ty you please fine good all right alright i we it got have on my way going "
    "will do the message taking am im now"
)
_SIGNS_BESIDE = "🙏 🙂 😊"
_GREETINGS = "gruß grüße gruss grüsse gruesse mfg lg vg bg regards cheers gesendet sent"

ACKNOWLEDGING = frozenset(f"{_GERMAN_YES} {_ENGLISH_YES} {_SIGNS_OF_YES}".split())
STOPPING = frozenset(f"{_GERMAN_STOP} {_ENGLISH_STOP}".split())
_BESIDE = frozenset(f"{_GERMAN_BESIDE} {_ENGLISH_BESIDE} {_SIGNS_BESIDE}".split())
"""Says nothing against it, and nothing by itself."""
_SIGNING = frozenset(_GREETINGS.split())
"""What follows is a name or the telephone's own words."""
_TOGETHER = {
    "o k": "ok",
    "in ordnung": "ok",
    "geht klar": "ok",
    "wird gemacht": "ok",
    "bin dran": "ok",
    "hab s": "ok",
    "habs": "ok",
    "mache ich": "ok",
    "mach ich": "ok",
    "bin unterwegs": "ok",
    "got it": "ok",
    "on it": "ok",
    "will do": "ok",
    "i have it": "ok",
    "on my way": "ok",
}
"""Words that only together say something."""
_SPELT = str.maketrans({"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue"})
_WORD = re.compile(r"[^\W_]+|[👍👌✅✔🙏🙂😊]")
_QUOTED_LINE = re.compile(r"^\s*[>|].*$", re.MULTILINE)
_QUOTED = re.compile(r"[\"„“”»«‚‘].*?[\"“”»«‘’]|\(.*?\)", re.DOTALL)
_OUR_WORDS = re.compile(
    r"\b(ALARM|WARNUNG|WARNING|STÖRUNG|FAULT|HINWEIS|NOTICE|WIEDERHOLUNG|REMINDER|ESKALATION) \S.*",
    re.DOTALL,
)
"""Our own message, sent back below or behind the answer."""


def meaning(text: str) -> Meaning:
    """What somebody wanted who wrote this."""
    if len(text) > LONGEST or "?" in text:
        return Meaning.UNCLEAR
    words = _words(_without_quotes(text))
    acknowledges = any(word in _PLAIN_ACKNOWLEDGING for word in words)
    stops = any(word in _PLAIN_STOPPING for word in words)
    if acknowledges == stops or not _KNOWN.issuperset(words):
        return Meaning.UNCLEAR
    return Meaning.ACKNOWLEDGE if acknowledges else Meaning.STOP


def _without_quotes(text: str) -> str:
    """Without what was sent before; where nothing is left, the whole was put in quotes."""
    text = unicodedata.normalize("NFC", text)
    bare = _OUR_WORDS.sub(" ", _QUOTED.sub(" ", _QUOTED_LINE.sub(" ", text)))
    return bare if _WORD.search(bare) else text


def _words(text: str) -> list[str]:
    """In small letters without accents, up to a greeting; what belongs together is one."""
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        if _plain(word) in _PLAIN_SIGNING:
            break
        found.append(_plain(word))
    joined = f" {' '.join(found)} "
    for several, one in _TOGETHER.items():
        joined = joined.replace(f" {several} ", f" {one} ")
    return joined.split()


def _plain(word: str) -> str:
    """``bestätigt`` and ``bestaetigt`` are the same word, and so is what lost its dots."""
    spelt = unicodedata.normalize("NFC", word).translate(_SPELT)
    parts = unicodedata.normalize("NFKD", spelt)
    return "".join(part for part in parts if not unicodedata.combining(part) and part != "\ufe0f")


def _forms(words: frozenset[str]) -> frozenset[str]:
    """Each word as it is written with ae and with a."""
    bare = (unicodedata.normalize("NFKD", word.replace("ß", "ss")) for word in words)
    without = {"".join(p for p in word if not unicodedata.combining(p)) for word in bare}
    return frozenset({_plain(word) for word in words} | without)


_PLAIN_SIGNING = _forms(_SIGNING)
_PLAIN_ACKNOWLEDGING = _forms(ACKNOWLEDGING)
_PLAIN_STOPPING = _forms(STOPPING)
_KNOWN = _PLAIN_ACKNOWLEDGING | _PLAIN_STOPPING | _forms(_BESIDE)
