"""Slugs of names as Germans write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.cloud.town.stations.slugs import free_slug, slug_of


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Linde am Markt", "linde-am-markt"),
        ("Stellplatz 12 (Süd)", "stellplatz-12-sued"),
        ("Pegel Brücke", "pegel-bruecke"),
        ("Große Weiß-Straße", "grosse-weiss-strasse"),
        ("Łódź Ørsted", "lodz-orsted"),
        ("Bru\u0308cke", "bruecke"),  # decomposed, as macOS writes it
        ("🌳", "70b3d57ed0000001"),
        ("", "70b3d57ed0000001"),
    ],
)
def test_names_become_slugs(name: str, slug: str) -> None:
    assert slug_of(name, "70b3d57ed0000001") == slug


@given(st.text(), st.sets(st.text(alphabet="ab-", min_size=1, max_size=3)))
def test_every_name_has_a_free_slug_that_the_api_takes(name: str, taken: set[str]) -> None:
    import re

    slug = free_slug(slug_of(name, "x"), "000001", taken.__contains__)
    assert re.fullmatch(SHORT_NAME, slug)
    assert slug not in taken
