"""Whom a plan means: members by name, short name or mail address. Nobody is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.umlauts import without_umlauts
from stadtsinn.cloud.platform.lists.row_errors import WrongCell

_WORD = re.compile(r"[^\W_]+")
_MAIL = re.compile(r"(?:mailto:)?\s*([^@\s<>]+)@[^@\s<>]+", re.IGNORECASE)
_BETWEEN = re.compile(r"[\n;/&+|:()\[\]]|\s[-–—]\s|\bund\b|\band\b", re.IGNORECASE)
_TITLES = frozenset({"herr", "frau", "hr", "fr", "dr", "prof", "dipl", "ing", "mr", "mrs", "ms"})
_DUTY = (
    "bereitschaft rufbereitschaft bereitschaftsdienst dienst rufdienst notdienst hintergrunddienst "
    "schicht frühschicht spätschicht nachtschicht tagschicht frühdienst spätdienst nachtdienst "
    "tagdienst wochenenddienst feiertagsdienst diensthabend diensthabender diensthabende "
    "on call oncall duty shift standby pikett für for von by der die das am im"
)
_OF_DUTY = frozenset(without_umlauts(_DUTY).split())


@dataclass(frozen=True)
class People:
    """The members of a group: all names under which each is known, by slug."""

    names: Mapping[str, Sequence[str]]

    def find(self, written: str) -> str:
        """The member who is meant by a name or address that stands alone. Raises WrongCell with
        the names that are near."""
        found = self._meant(written)
        if len(found) == 1:
            return found[0]
        shown = visible(written.strip())[:60]
        if found:
            names = ", ".join(sorted(self.names[slug][0] for slug in found))
            raise WrongCell(
                f"'{shown}' may be several members: {names}. Write the whole name",
                f"'{shown}' kann mehrere Mitglieder meinen: {names}. Den vollen Namen schreiben",
            )
        near = self._near(written)
        english = f"did you mean {' or '.join(near)}? " if near else ""
        german = f"war {' oder '.join(near)} gemeint? " if near else ""
        raise WrongCell(
            f"'{shown}' is no member of this group: {english}"
            "Add the person to the members, or the name to 'known_as' of one",
            f"'{shown}' ist kein Mitglied dieser Gruppe: {german}"
            "Die Person unter 'members' eintragen, oder den Namen bei einer unter 'known_as'",
        )

    def all_in(self, text: str) -> list[str]:
        """Everybody named in a title such as ``Rufbereitschaft: Meier / Schulze``. Raises
        WrongCell, also where nobody is named."""
        if len(self._meant(text)) == 1:
            return self._meant(text)
        parts = [part for part in _parts(text) if _words(part) - _OF_DUTY]
        if not parts:
            raise WrongCell(
                f"'{visible(text.strip())[:60]}' names nobody: invite who is on duty, or write the "
                "name in the title",
                f"'{visible(text.strip())[:60]}' nennt niemanden: einladen, wer Dienst hat, oder "
                "den Namen in den Titel schreiben",
            )
        found: list[str] = []
        for part in parts:
            found += self._of_part(part)
        return list(dict.fromkeys(found))

    def _of_part(self, part: str) -> list[str]:
        """Of one part of a title: a person, or several with commas between them."""
        bare = " ".join(word for word in part.split() if _words(word) - _OF_DUTY)
        if len(self._meant(bare)) == 1 or "," not in bare:
            return [self.find(bare)]
        return [self.find(one) for one in bare.split(",") if one.strip()]

    def _meant(self, written: str) -> list[str]:
        """Members whose name this is; else those who have it as a word of their name."""
        words = _words(written)
        if not words:
            return []
        whole = [slug for slug, names in self.names.items() if words in map(_words, names)]
        if whole or len(words) > 1:
            return whole
        return [
            slug for slug, names in self.names.items() if any(words <= _words(one) for one in names)
        ]

    def _near(self, written: str) -> list[str]:
        known: dict[str, str] = {}
        for names in self.names.values():
            for one in names:
                words = _words(one)
                for way in (*words, " ".join(sorted(words))):
                    known.setdefault(way, names[0])
        asked = " ".join(sorted(_words(written)))
        near = get_close_matches(asked, known, n=4, cutoff=0.6)
        return [f"'{visible(one)}'" for one in list(dict.fromkeys(known[way] for way in near))[:2]]


def _parts(text: str) -> Iterator[str]:
    for part in _BETWEEN.split(text):
        if part.strip():
            yield part


@lru_cache(maxsize=10_000)
def _words(name: str) -> frozenset[str]:
    """The words of a name, in whatever order; of a mail address those before the @."""
    mail = _MAIL.fullmatch(name.strip())
    text = without_umlauts((mail[1] if mail else name).casefold())
    return frozenset(_WORD.findall(text)) - _TITLES
