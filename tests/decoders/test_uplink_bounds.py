"""Each field of an uplink has a bound: what breaks it is refused, or left out beside the value."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fake_uplinks import uplink
from stadtsinn.decoders.uplink import MAX_PAYLOAD, Reception, TimeSource, Uplink
from stadtsinn.decoders.uplink_bounds import (
    MAX_GATEWAY_ID,
    MAX_NAME,
    MAX_RECEPTIONS,
    MAX_TAGS,
    broken,
    fitted,
)

GOOD = uplink(1, 0)
EVIL = "\u202eG\x1b[31m"
LARGE = "x" * 1_000_000

REFUSED: dict[str, list[Any]] = {
    "dev_eui": [LARGE, EVIL, ""],
    "dev_addr": [LARGE, EVIL, "01g2h3k4", "0102030A"],
    "f_cnt": [-1, 2**32, 2**64 - 1],
    "f_port": [-1, 256, -(2**63)],
    "payload": [b"x" * (MAX_PAYLOAD + 1)],
    "event_time": [-1, 2**53, 2**64 - 1, -(2**63)],
    "received_at": [-1, 2**53, 2**64 - 1, -(2**63)],
    "deduplication_id": [LARGE, "a\0b"],
}
LEFT_OUT: dict[str, list[Any]] = {
    "device_type": [LARGE],
    "device_name": [LARGE, EVIL, EVIL * 100_000],
    "device_profile": [LARGE, EVIL, EVIL * 100_000],
    "tags": [
        {str(n): "" for n in range(100_000)},
        {LARGE: "", "a": LARGE},
        {EVIL: EVIL},
        {EVIL * 9: EVIL * 900},
    ],
    "data_rate": [-(2**63), 2**64 - 1, -1, 16],
    "frequency": [-(2**63), 2**64 - 1, -1, 1, 99_000_000],
    "receptions": [tuple(Reception("") for _ in range(13_000))],
}
TYPED = {"time_source": list(TimeSource)}
"""Fields whose type has few values, so that MessagePack with another one is no uplink."""

RECEPTION: dict[str, list[Any]] = {
    "gateway_id": [LARGE, EVIL, EVIL * 20],
    "rssi": [2**63 + 1, -(2**63), 51, -201],
    "snr": [math.inf, -math.inf, math.nan, 1e300, -101.0],
}


def test_every_field_has_a_bound() -> None:
    """A new field belongs in `uplink_bounds`, and its hostile values here."""
    stated = [*REFUSED, *LEFT_OUT, *TYPED]
    assert sorted(stated) == sorted(Uplink.__struct_fields__)
    assert sorted(RECEPTION) == sorted(Reception.__struct_fields__)


def values_of(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(field, value, id=f"{field}-{n}")
        for field, values in table.items()
        for n, value in enumerate(values)
    ]


@pytest.mark.parametrize(("field", "value"), values_of(REFUSED))
def test_a_frame_out_of_bounds_is_broken_and_says_where(field: str, value: Any) -> None:
    said = broken(replace(GOOD, **{field: value}))
    assert said is not None
    assert field in said.replace("deduplication id", "deduplication_id")
    assert broken(GOOD) is None


@pytest.mark.parametrize(("field", "value"), values_of(LEFT_OUT))
def test_a_fact_out_of_bounds_is_left_out(field: str, value: Any) -> None:
    given_one = replace(GOOD, **{field: value})
    found = fitted(given_one)
    assert within(found)
    assert replace(found, **{field: value}) == given_one, "nothing else changed"


@pytest.mark.parametrize(("field", "value"), values_of(RECEPTION))
def test_a_radio_fact_out_of_bounds_is_left_out_and_its_gateway_stays(
    field: str, value: Any
) -> None:
    one = replace(GOOD.receptions[0], **{field: value})
    (found,) = fitted(replace(GOOD, receptions=(one,))).receptions
    kept = set(Reception.__struct_fields__) - {field}
    assert all(getattr(found, name) == getattr(one, name) for name in kept)
    assert within(replace(GOOD, receptions=(found,)))
    if field != "gateway_id":
        assert getattr(found, field) == 0


@pytest.mark.parametrize("source", ["moon", LARGE, 7, None])
def test_a_time_source_is_one_of_few(source: Any) -> None:
    fields = {**msgspec.to_builtins(GOOD, builtin_types=(bytes,)), "time_source": source}
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(fields), type=Uplink)


def test_the_gateways_that_heard_it_best_stay() -> None:
    """What is unknown or cannot be does not count as strong."""
    heard = [Reception(f"{n:016x}", -150 + n, 5.0) for n in range(100)]
    lies = [Reception("ff", 2**63, math.inf), Reception("ee", 0, math.nan), Reception("dd")]
    found = fitted(replace(GOOD, receptions=(*lies, *heard, *lies))).receptions
    assert sorted(one.rssi for one in found) == list(range(-150 + 100 - MAX_RECEPTIONS, -50))
    equal = [Reception(f"{n:016x}", -90, n / 10) for n in range(100)]
    found = fitted(replace(GOOD, receptions=tuple(equal))).receptions
    assert min(one.snr for one in found) == (100 - MAX_RECEPTIONS) / 10


def test_what_real_servers_send_stays_the_very_same() -> None:
    full = replace(
        GOOD,
        device_type="dragino/lse01",
        device_name="Bäume am Ring · 7",
        device_profile="LSE01 (Straße)",
        tags={"stadtsinn_device": "dragino/lse01", "Straße": "Öd 3"},
        receptions=tuple(
            Reception(f"mein-gateway-{n}@tenant", -120 + n, -21.5 + n) for n in range(32)
        ),
    )
    assert fitted(full) is full
    assert fitted(GOOD) is GOOD
    assert broken(full) is None


RECEPTIONS = st.builds(
    Reception,
    gateway_id=st.text(max_size=200),
    rssi=st.integers(-(2**63), 2**64 - 1) | st.integers(-210, 60),
    snr=st.floats() | st.floats(-30, 30),
)


@given(
    st.lists(RECEPTIONS, max_size=50),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-(2**63), 2**64 - 1),
    st.text(max_size=200),
    st.dictionaries(st.text(max_size=100), st.text(max_size=200), max_size=40),
)
def test_whatever_comes_fits_afterwards_and_fits_once(
    receptions: list[Reception], rate: int, frequency: int, name: str, tags: dict[str, str]
) -> None:
    found = fitted(
        replace(
            GOOD,
            receptions=tuple(receptions),
            data_rate=rate,
            frequency=frequency,
            device_name=name,
            tags=tags,
        )
    )
    assert within(found)
    assert fitted(found) == found


def within(up: Uplink) -> bool:
    texts = [up.device_name, up.device_profile, up.device_type or "", *up.tags, *up.tags.values()]
    return (
        len(up.receptions) <= MAX_RECEPTIONS
        and len(up.tags) <= MAX_TAGS
        and all(len(text) <= MAX_NAME and not unsafe(text) for text in texts)
        and up.data_rate in range(16)
        and (up.frequency == 0 or 10**8 <= up.frequency <= 3 * 10**9)
        and all(
            -200 <= one.rssi <= 50
            and -100 <= one.snr <= 100
            and len(one.gateway_id) <= MAX_GATEWAY_ID
            and not unsafe(one.gateway_id)
            for one in up.receptions
        )
    )


def unsafe(text: str) -> bool:
    return any(sign in text for sign in ("\x1b", "\u202e", "\n", "\0", "\u2028", "\x9b"))
