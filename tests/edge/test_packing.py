"""Packed spool rows: smaller, unchanged after unpacking, and readable by every later version."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_chirpstack import encode, topic, uplink
from stadtsinn.base.instant import parse
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.agent import packing
from stadtsinn.edge.agent.packing import pack, unpack
from stadtsinn.edge.messages.delivery import UplinkItem
from stadtsinn.edge.network_servers.chirpstack import ChirpStack

NOW = parse("2026-06-01T08:00:00+00:00")

STORED_BY_VERSION_1 = bytes.fromhex("014bdd0e5a6b86ab404dfd3079e389af5be57604c1ad0400")
"""{"quantity": "soil_moisture", "value": 19.57, "channel": ""}, packed."""


@given(st.binary(max_size=2000))
def test_any_bytes_come_back(body: bytes) -> None:
    packed = pack(body)
    assert unpack(packed) == body
    assert len(packed) <= len(body) + 5


def test_an_uplink_with_its_readings_takes_a_third() -> None:
    event = ChirpStack().read(topic("70b3d50000000100"), encode(uplink(1234, NOW)), NOW)
    assert isinstance(event, Uplink)
    outcome = catalogue().decode("dragino/lse01", event.f_port, event.payload)
    body = msgspec.msgpack.encode(UplinkItem(17, event, outcome))
    assert len(pack(body)) < len(body) / 3


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_flipped_bit_is_noticed(body: bytes, data: st.DataObject) -> None:
    packed = bytearray(pack(body))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        unpacked = unpack(bytes(packed))
    except ValueError:
        return
    assert unpacked == body, "padding bits may flip, content may not"


def test_rows_of_the_first_version_stay_readable() -> None:
    found = msgspec.msgpack.decode(unpack(STORED_BY_VERSION_1))
    assert found == {"quantity": "soil_moisture", "value": 19.57, "channel": ""}


def test_dictionary_is_never_changed() -> None:
    """Existing spools were written with it. A new dictionary needs a number of its own."""
    digest = hashlib.sha256(packing._DICTIONARY_1).hexdigest()
    assert digest == "ce69e9211e71111a25d7f8956e7deb24979368fc30088121f1e6ecfa2dcdaf86"


def test_row_of_a_later_version_is_refused() -> None:
    with pytest.raises(ValueError, match="later version"):
        unpack(b"\x09" + bytes(20))
