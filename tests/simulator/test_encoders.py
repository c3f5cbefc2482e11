"""Encoders reproduce, byte by byte, the payloads that manufacturers publish."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from real_parts import require_shared
from stadtsinn.simulator.devices.encoders import atm41, lse01, pcr2, tps110, vs133
from stadtsinn.simulator.devices.encoders.fixed_point import UnencodableValue

LSE01_EXAMPLE = lse01.SoilFrame(
    battery=3.625,
    probe_temperature=24.1,
    moisture=19.57,
    soil_temperature=24.59,
    conductivity=28200,
    status_bits=0b11,
    flags=0x90,
)

ATM41_EXAMPLE = atm41.WeatherFrame(
    solar_radiation=10,
    precipitation=0,
    lightning_strikes=0,
    lightning_distance=0,
    wind_speed=0.09,
    wind_direction=29.9,
    wind_speed_max=0.2,
    air_temperature=26.4,
    vapor_pressure=1.8,
    air_pressure=95.96,
    relative_humidity=52.4,
    sensor_temperature=26.5,
    tilt_x=0.2,
    tilt_y=-2.4,
    compass_heading=86,
    wind_north=0.08,
    wind_east=0.04,
)


def four_lines(*pairs: tuple[int, int]) -> list[vs133.Passages]:
    return [vs133.Passages(*pair) for pair in pairs]


VS133_TOTALS = (
    "03D24800000004D2C800000006D20000000007D20000000009D2000000000AD200000000"
    "0CD2B41400000DD28D1A0000"
)

PUBLISHED = [
    ("lse01", lambda: lse01.encode(LSE01_EXAMPLE), "CE2900F107A5099B6E2890"),
    (
        "atm41 report",
        lambda: atm41.encode(858, ATM41_EXAMPLE, 3.061),
        "02035A0003800A8000800080008009812B8014810880B4A57C820C810980027FE88056800880040BF5",
    ),
    ("atm41 battery only", lambda: atm41.encode(858, None, 3.061), "02035A00020BF5"),
    (
        "vs133 totals",
        lambda: vs133.encode_totals(four_lines((72, 200), (0, 0), (0, 0), (5300, 6797))),
        VS133_TOTALS,
    ),
    (
        "vs133 periods",
        lambda: vs133.encode_periods(four_lines((0, 0), (0, 0), (0, 0), (5, 7))),
        "05CC0000000008CC000000000BCC000000000ECC05000700",
    ),
    (
        "pcr2 V4",
        lambda: pcr2.encode(pcr2.RadarFrame(1, 2, 3, 4, 7200, 3300, 31.3)),
        "BE010400010002000300041C200CE40139",
    ),
    (
        "pcr2 V4 below zero",
        lambda: pcr2.encode(pcr2.RadarFrame(0, 1, 2, 5, 0, 0, -5.0)),
        "BE0104000000010002000500000000FFCE",
    ),
    ("tps110 state", lambda: tps110.encode_state(occupied=True), "01"),
    ("tps110 heartbeat", lambda: tps110.encode_heartbeat(occupied=True, temperature=-1), "01FF"),
    (
        "tps110 start-up",
        lambda: tps110.encode_startup(
            occupied=True,
            firmware=(0, 29, 2),
            cause=tps110.ResetCause.SYSTEM_REQUEST,
            debug_codes=(804, 885),
        ),
        "240300007503000000000000001D020301",
    ),
]


@pytest.mark.parametrize(
    ("encode", "published"), [row[1:] for row in PUBLISHED], ids=[row[0] for row in PUBLISHED]
)
def test_encoding_the_published_values_gives_the_published_bytes(
    encode: Callable[[], bytes], published: str
) -> None:
    assert encode().hex().upper() == published


def test_published_bytes_stand_in_the_shared_vectors() -> None:
    """The bytes above are copies: they must be the ones in the collection of vectors."""
    folder = require_shared("vectors")
    names = {
        "lse01": "dragino/lse01",
        "atm41": "decentlab/dl-atm41",
        "vs133": "milesight/vs133",
        "pcr2": "parametric/pcr2",
        "tps110": "bosch/tps110",
    }
    for title, _encode, published in PUBLISHED:
        file = folder / f"{names[title.split()[0]]}.json"
        examples: list[dict[str, Any]] = json.loads(file.read_text())["examples"]
        assert published in {example["bytes"].upper() for example in examples}, title


def test_running_sum_of_the_radar_begins_again_at_zero() -> None:
    frame = pcr2.encode(pcr2.RadarFrame(0, 0, 65536 + 5, 65535, 0, 0, 0))
    assert frame[7:11].hex() == "0005ffff"


@pytest.mark.parametrize(
    "encode",
    [
        lambda: lse01.encode(lse01.SoilFrame(3.3, 20.0, -1.0, 20.0, 100)),
        lambda: lse01.encode(lse01.SoilFrame(17.0, 20.0, 20.0, 20.0, 100)),
        lambda: vs133.encode_totals([]),
        lambda: vs133.encode_totals([vs133.Passages()] * 5),
        lambda: tps110.encode_heartbeat(occupied=False, temperature=200),
        lambda: tps110.encode_startup(
            occupied=False,
            firmware=(0, 29, 2),
            cause=tps110.ResetCause.POWER_ON,
            debug_codes=(1, 2, 3, 4),
        ),
    ],
)
def test_what_a_device_could_not_send_is_refused(encode: Callable[[], bytes]) -> None:
    with pytest.raises(UnencodableValue):
        encode()
