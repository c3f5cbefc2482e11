"""Troubles with parking sensors that others have written about, and what becomes of them here.

Each course is made by us after what the source describes.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.parking.spaces import (
    Doubt,
    Report,
    Space,
    SpaceState,
    silent_after,
    space_of,
    without_stuck,
)

START = 1_000 * HOUR
_DAILY = 86_400


@dataclass(frozen=True)
class Case:
    """Reports as (seconds, taken, doubted), asked `now` seconds after the first."""

    source: str
    what: str
    reports: tuple[tuple[float, bool, bool], ...]
    now: float
    state: SpaceState
    doubt: Doubt | None = None
    interval_s: int = _DAILY
    beside: int = 0
    """So many neighbours that changed within the last hour."""


def said(second: float, taken: bool, *, doubted: bool = False) -> tuple[float, bool, bool]:
    return second, taken, doubted


_H, _D = HOUR // SECOND, DAY // SECOND

CASES = [
    Case(
        "nwaveio.atlassian.net, Nwave LoRaWAN Parking Sensor - Getting Started, 1",
        "it reports changes only: hours of silence are no doubt where it may be silent for a day",
        (said(0, True),),
        8 * _H,
        SpaceState.OCCUPIED,
    ),
    Case(
        "nwaveio.atlassian.net, Getting Started, 2",
        "calibrated with a car above: its start says taken, and nobody knows for how long",
        (said(0, True, doubted=True),),
        5 * 60,
        SpaceState.UNKNOWN,
        Doubt.AFTER_START,
    ),
    Case(
        "nwaveio.atlassian.net, Getting Started, 2",
        "the automatic calibration has found its way: free was seen",
        (said(0, True, doubted=True), said(3 * _H, False), said(4 * _H, True)),
        5 * _H,
        SpaceState.OCCUPIED,
    ),
    Case(
        "golem.de, Bosch-Parkplatzsensor im Test (2019), p. 3",
        "one sign of life a day, which says the state too: two missed are silence",
        (said(0, False),),
        2.6 * _D,
        SpaceState.UNKNOWN,
        Doubt.SILENT,
    ),
    Case(
        "golem.de, Bosch-Parkplatzsensor im Test (2019), p. 3",
        "one of them is lost: still what it was",
        (said(0, False),),
        2.4 * _D,
        SpaceState.FREE,
    ),
    Case(
        "manualspro.net/236847, Nwave LoRaWAN Parking Sensor User Guide",
        "a change is seen 3 to 4 s after a car stands: one that only turns is gone by then",
        (said(0, False), said(60, True), said(68, False)),
        120,
        SpaceState.FREE,
    ),
    Case(
        "gospacetech.atlassian.net, Fleximodo disclaimer, A 2 and 3",
        "a car passes on the road beside, or the magnetic field sways: taken for moments",
        (said(0, True), said(100, False), said(112, True), said(200, False), said(221, True)),
        230,
        SpaceState.OCCUPIED,
    ),
    Case(
        "gospacetech.atlassian.net, Fleximodo disclaimer, A 4 (snow, ice, leaves cover the radar); "
        "US patent 12437643",
        "covered: taken for days while the spaces beside it change",
        tuple(said(hours * _H, True) for hours in range(0, 80, 4)),
        77 * _H,
        SpaceState.UNKNOWN,
        Doubt.STUCK,
        beside=3,
    ),
    Case(
        "cloud.libelium.com, parking-v2, Smart Parking node: random resets in heat and cold",
        "it starts anew while a car stands there, and says taken in doubt",
        (said(0, True), said(2 * _H, True, doubted=True), said(2 * _H + 60, True)),
        2 * _H + 120,
        SpaceState.UNKNOWN,
        Doubt.AFTER_START,
    ),
    Case(
        "cloud.libelium.com, parking-v2, Smart Parking node: radar calibrates itself, whether or "
        "not a car is above",
        "after the reset it goes on saying taken: believed after ten minutes",
        (said(0, True, doubted=True), said(20 * 60, True)),
        21 * 60,
        SpaceState.OCCUPIED,
    ),
    Case(
        "github.com/aqua-scope/lorain/issues/2 (a sensor hangs and its heartbeat stops)",
        "a device that hangs says nothing any more, whatever it said last",
        (said(0, True),),
        3 * _H,
        SpaceState.UNKNOWN,
        Doubt.SILENT,
        interval_s=3_600,
    ),
    Case(
        "github.com/OpenMobileAlliance/lwm2m-registry/pull/915 (calibrate anew by hand)",
        "calibrated anew while empty: its start says free, which is no doubt",
        (said(0, True), said(80 * _H, False)),
        80 * _H + 60,
        SpaceState.FREE,
        interval_s=4 * _D,
        beside=3,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what[:50])
def test_a_public_case(case: Case) -> None:
    now = Instant(START + round(case.now * SECOND))
    reports = [
        Report(Instant(START + round(second * SECOND)), taken, doubted)
        for second, taken, doubted in case.reports
    ]
    changed = Instant(now - 30 * MINUTE)
    neighbour = Space(SpaceState.FREE, changed, changed, None, changed, Instant(START))
    mine = space_of(reports, now, silent_after(case.interval_s))
    found = without_stuck([mine, *[neighbour] * case.beside], now)[0]
    assert (found.state, found.doubt) == (case.state, case.doubt), case.source
