"""The public holidays of the Länder, and of the parts of them that have their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import lru_cache

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Unusable


@dataclass(frozen=True)
class _Region:
    name: str
    subdivision: str
    catholic: bool = False


_LAENDER = {
    "BW": "Baden-Württemberg",
    "BY": "Bayern",
    "BE": "Berlin",
    "BB": "Brandenburg",
    "HB": "Bremen",
    "HH": "Hamburg",
    "HE": "Hessen",
    "MV": "Mecklenburg-Vorpommern",
    "NI": "Niedersachsen",
    "NW": "Nordrhein-Westfalen",
    "RP": "Rheinland-Pfalz",
    "SL": "Saarland",
    "SN": "Sachsen",
    "ST": "Sachsen-Anhalt",
    "SH": "Schleswig-Holstein",
    "TH": "Thüringen",
}
REGIONS: Mapping[str, _Region] = {
    **{code: _Region(name, code) for code, name in _LAENDER.items()},
    "BY-katholisch": _Region("Bayern, wo die Mehrheit katholisch ist", "BY", catholic=True),
    "BY-augsburg": _Region("Augsburg (Stadtgebiet)", "Augsburg", catholic=True),
    "SN-katholisch": _Region("Sachsen, wo Fronleichnam gilt", "SN", catholic=True),
    "TH-katholisch": _Region("Thüringen, wo Fronleichnam gilt", "TH", catholic=True),
}
"""By the code under which a group names it."""

_OTHER_NAMES = {
    "nrw": "NW",
    "bawü": "BW",
    "meckpomm": "MV",
    "augsburg": "BY-augsburg",
    "bavaria": "BY",
    "hesse": "HE",
    "saxony": "SN",
    "lowersaxony": "NI",
    "thuringia": "TH",
    "saxonyanhalt": "ST",
    "northrhinewestphalia": "NW",
    "rhinelandpalatinate": "RP",
}


def _plain(written: str) -> str:
    return "".join(one for one in written.casefold() if one.isalpha()).removeprefix("landde")


_BY_NAME = {
    **{_plain(code): code for code in REGIONS},
    **{_plain(f"DE-{code}"): code for code in REGIONS},
    **{_plain(one.name): code for code, one in REGIONS.items()},
    **_OTHER_NAMES,
}


def region(written: str) -> str:
    """The code of a region, however it is written (``NW``, ``DE-NW``, ``NRW``,
    ``Nordrhein-Westfalen``). Raises ValueError with those that are near."""
    plain = _plain(written)
    if (code := _BY_NAME.get(plain)) is not None:
        return code
    near = dict.fromkeys(_BY_NAME[one] for one in get_close_matches(plain, _BY_NAME, n=4))
    shown = visible(written)[:40]
    if near:
        meant = " or ".join(f"'{code}' ({REGIONS[code].name})" for code in list(near)[:3])
        raise Unusable(
            f"there is no holiday region '{shown}': did you mean {meant}?",
            f"eine Feiertagsregion '{shown}' gibt es nicht: war "
            f"{meant.replace(' or ', ' oder ')} gemeint?",
        )
    raise Unusable(
        f"there is no holiday region '{shown}': use the code of a Land, one of "
        f"{', '.join(REGIONS)}",
        f"eine Feiertagsregion '{shown}' gibt es nicht: das Kürzel eines Landes angeben, eines "
        f"von {', '.join(REGIONS)}",
    )


def is_holiday(code: str | None, day: date) -> bool:
    return holiday(code, day) is not None


def holiday(code: str | None, day: date, language: Language = Language.DE) -> str | None:
    """The name of the public holiday on a day; None where there is none, or no region."""
    return None if code is None else _holidays(code, day.year, language).get(day)


@lru_cache(maxsize=200)
def _holidays(code: str, year: int, language: Language) -> Mapping[date, str]:
    import holidays  # it takes long to load, and most processes need none of it

    one = REGIONS[code]
    found = holidays.country_holidays(
        "DE",
        subdiv=one.subdivision,
        years=year,
        expand=False,
        language="de" if language is Language.DE else "en_US",
        categories=("public", "catholic") if one.catholic else ("public",),
    )
    return dict(found.items())
