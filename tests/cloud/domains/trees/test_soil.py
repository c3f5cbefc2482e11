"""Soil classes, % nFK and the Watermark formula, against the reference's tables."""

from __future__ import annotations

import pytest

from stadtsinn.cloud.domains.trees.soil import (
    SOIL_CLASSES,
    Soil,
    check_soil_class,
    site_soil,
)
from stadtsinn.cloud.domains.trees.watermark import Curve, Fault, SensorFault, tension_kpa

_USABLE_AT = {  # % nFK at 33 and 80 kPa: shared/reference/domain.md, section 1.3
    "Ss": (48, 31),
    "St2": (58, 41),
    "Sl2": (55, 37),
    "Sl3": (50, 32),
    "Sl4": (60, 42),
    "Slu": (61, 43),
    "Us": (61, 43),
    "Uu": (66, 47),
    "Ut3": (65, 46),
    "Ls2": (53, 35),
    "Ls3": (59, 41),
    "Lu": (63, 45),
    "Lt2": (56, 39),
    "Tu3": (67, 50),
    "Tl": (68, 51),
    "Tt": (69, 52),
}
_FIELD_CAPACITY_KPA, _WILTING_KPA = 6.3, 1585.0


@pytest.mark.parametrize("name", SOIL_CLASSES)
def test_a_class_holds_what_its_parameters_say(name: str) -> None:
    known = SOIL_CLASSES[name]
    exact = Soil(known.moisture_at(_FIELD_CAPACITY_KPA), known.moisture_at(_WILTING_KPA))
    assert known.field_capacity == pytest.approx(exact.field_capacity, abs=0.6)
    assert known.wilting_point == pytest.approx(exact.wilting_point, abs=0.6)
    found = [exact.usable(known.moisture_at(kpa)) for kpa in (33, 80)]
    assert found == pytest.approx(_USABLE_AT[name], abs=1.1)


def test_usable_water_is_not_clamped() -> None:
    loamy_sand = site_soil(SOIL_CLASSES["Sl3"])
    assert [round(loamy_sand.usable(one)) for one in (4, 8, 16.5, 25, 30)] == [
        *(-24, 0, 50, 100, 129)
    ]


def test_what_was_measured_at_a_site_counts_before_its_class() -> None:
    sand = SOIL_CLASSES["Ss"]
    assert site_soil(sand, 21, 5) == Soil(21, 5)
    assert site_soil(sand, stones=0.5) == Soil(7, 1)
    assert site_soil(sand, 21, stones=0.5) == Soil(21, 1)


@pytest.mark.parametrize(
    ("capacity", "wilting", "stones"),
    [(10, 10, 0), (8, 12, 0), (120, 3, 0), (20, -1, 0), (20, 5, 1)],
)
def test_an_impossible_soil_is_refused(capacity: float, wilting: float, stones: float) -> None:
    with pytest.raises(ValueError, match=r"wilting point|stones"):
        site_soil(SOIL_CLASSES["Ss"], capacity, wilting, stones)


def test_a_class_is_found_whatever_its_case_and_a_wrong_one_names_near_ones() -> None:
    assert check_soil_class(" SL3 ") == "Sl3"
    with pytest.raises(ValueError, match=r"did you mean .*Sl3"):
        check_soil_class("Sl33")
    with pytest.raises(ValueError, match="give one of Ss, St2"):
        check_soil_class("Kies")


_WATERMARK = {  # ohm: kPa at 10, 24 and 30 °C: shared/reference/domain.md, section 1.2
    800: (4.3, 5.8, 6.4),
    1000: (7.8, 10.4, 11.5),
    3000: (16.1, 20.1, 22.5),
    8000: (37.2, 47.1, 53.1),
    15000: (69.5, 96.0, 108.0),
    28000: (141.6, 201.9, 229.8),
}


@pytest.mark.parametrize("ohm", _WATERMARK)
def test_the_watermark_curve(ohm: int) -> None:
    found = [tension_kpa(ohm, celsius) for celsius in (10, 24, 30)]
    assert found == pytest.approx(_WATERMARK[ohm], abs=0.06)


def test_the_watermark_curve_at_its_joints() -> None:
    """Copies of the formula in circulation change their sign at 1 kOhm, or write d² wrong."""
    assert tension_kpa(300, 24) == tension_kpa(550, 24) == 0
    assert 0 < tension_kpa(999, 24) < tension_kpa(1001, 24) < 11
    assert tension_kpa(8001, 24) == pytest.approx(48.5, abs=0.06)
    assert all(
        tension_kpa(ohm, celsius) >= 0 for ohm in range(300, 34_999, 97) for celsius in (-5, 40)
    )


@pytest.mark.parametrize(
    ("ohm", "fault"),
    [
        (0, Fault.OPEN),
        (-1, Fault.OPEN),
        (35_000, Fault.OPEN),
        (1e9, Fault.OPEN),
        (299, Fault.SHORT),
    ],
)
def test_a_broken_circuit_is_no_tension(ohm: float, fault: Fault) -> None:
    with pytest.raises(SensorFault) as caught:
        tension_kpa(ohm, 20)
    assert caught.value.fault is fault


def test_the_makers_meters_show_the_drier_branches_higher() -> None:
    meters = Curve(factor=1.1)
    assert tension_kpa(3000, 24, meters) == pytest.approx(1.1 * tension_kpa(3000, 24))
    assert tension_kpa(800, 24, meters) == tension_kpa(800, 24)
    assert tension_kpa(30_000, 24, Curve(open_kohm=29.9 + 5.1)) > 200
