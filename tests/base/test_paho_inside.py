"""paho's protected members that base/mqtt/client.py uses are those it was written for.

When this fails after another paho-mqtt was pinned: read what changed in the members named, adapt
base/mqtt/client.py, run tests/base/test_transport.py, then enter the new digests.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from stadtsinn.base.mqtt import client as ours

ROOT = Path(__file__).parents[2]

METHODS = {
    "__init__": "dd6fc426c25ab2d8",
    "_create_socket_connection": "fb7815d85a2c9461",
    "_do_on_publish": "5bbcad6f9447107a",
    "_handle_connack": "39267140212c8b5f",
    "_handle_pubackcomp": "04d39ba283b1f3be",
    "_handle_publish": "1bbaa3ef0e3afc6d",
    "_loop_rc_handle": "ee5ad3b7849433a4",
    "_messages_reconnect_reset_out": "464a42c69618a49b",
    "_packet_handle": "ac4c129ed409db42",
    "_packet_queue": "e298fa9ab31e5f79",
    "_packet_read": "bbe32d8af1e37955",
    "_send_connect": "64e5d20b72bd6aa8",
    "_sock_close": "638e9c4e5a7f32ae",
    "_sock_recv": "c3b9043a46dd81b7",
    "loop_forever": "4b19e7ecf7fe0463",
    "loop_read": "4fa11ca2d451dbec",
}
"""Digest of the source of every method that is overridden, called, or reads our attributes."""

ATTRIBUTES = {
    "_clean_session",
    "_connect_properties",
    "_in_packet",
    "_inflight_messages",
    "_last_bytes_received",
    "_max_inflight_messages",
    "_msgtime_mutex",
    "_out_message_mutex",
    "_out_messages",
    "_protocol",
    "_thread",
    "_thread_terminate",
}


def digest(method: str) -> str:
    source = inspect.getsource(getattr(paho.Client, method))
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def test_it_is_pinned_exactly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = {
        requirement
        for extra in project["optional-dependencies"].values()
        for requirement in extra
        if requirement.startswith("paho-mqtt")
    }
    assert pins == {f"paho-mqtt=={version('paho-mqtt')}"}


@pytest.mark.parametrize("method", METHODS)
def test_the_inside_is_the_one_known(method: str) -> None:
    assert digest(method) == METHODS[method], f"paho.mqtt.client.Client.{method} changed"


def test_the_attributes_are_there() -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    assert {name for name in ATTRIBUTES if not hasattr(client, name)} == set()


def test_nothing_else_of_the_inside_is_used() -> None:
    """Every protected name in our source is our own, or listed above."""
    tree = ast.parse(inspect.getsource(ours))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr != "__init__"
    }
    own = {"_received", "_handle_other", "_handle_received", "_hand_over", "_version_5_properties"}
    assert used - own <= METHODS.keys() | ATTRIBUTES
    assert not any(name in vars(paho.Client) for name in own)
