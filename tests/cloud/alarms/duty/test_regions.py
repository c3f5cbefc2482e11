"""Names of holiday regions."""

from __future__ import annotations

from datetime import date

import pytest

from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.duty.regions import holiday, region


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("NW", "NW"),
        ("nrw", "NW"),
        ("DE-NW", "NW"),
        ("Nordrhein-Westfalen", "NW"),
        ("nordrhein westfalen", "NW"),
        ("Baden-Württemberg", "BW"),
        ("Saxony", "SN"),
        ("Augsburg", "BY-augsburg"),
        ("by-katholisch", "BY-katholisch"),
    ],
)
def test_a_region_is_known_however_it_is_written(written: str, code: str) -> None:
    assert region(written) == code


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Bayerrn", "did you mean 'BY' (Bayern)"),
        ("Thueringen", "'TH' (Thüringen)"),
        ("NRV", "'NW' (Nordrhein-Westfalen)"),
        ("BY-evangelisch", "did you mean"),
        ("Österreich", "one of BW, BY, BE"),
        ("", "one of BW, BY, BE"),
        ("\x1b[31m", "\\x1b"),
    ],
)
def test_an_unknown_region_is_named_with_those_near(written: str, said: str) -> None:
    with pytest.raises(ValueError, match="there is no holiday region") as caught:
        region(written)
    assert said in str(caught.value)


def test_without_a_region_there_is_no_holiday() -> None:
    assert holiday(None, date(2026, 12, 25)) is None
    assert holiday("NW", date(2026, 12, 25)) == "Erster Weihnachtstag"
    assert holiday("NW", date(2026, 12, 25), Language.EN) == "Christmas Day"
