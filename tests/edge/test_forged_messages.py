"""Messages that no cloud of ours sends: refused, counted and acknowledged, and nothing is deleted.

What is never acknowledged comes again with every connection, and some of it stops all the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import stadtsinn.base
import stadtsinn.cloud
import stadtsinn.edge
from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.mqtt.link import Message
from stadtsinn.edge.agent.agent import EdgeAgent, _read_config
from stadtsinn.edge.agent.metrics import Metrics
from stadtsinn.edge.messages.delivery import (
    Ack,
    ack_topic,
    config_topic,
    decode_answer,
    encode,
)

EDGE = "rathaus-1"
ACK = {"stream": "s", "position": 1}
DEEP = b"\x91" * 200_000 + b"\xc0"


def _changed(**fields: Any) -> bytes:
    return msgspec.msgpack.encode({**ACK, **fields})


ACKS = {
    "nested without end": b"\x83" + msgspec.msgpack.encode(ACK)[1:] + b"\xa1z" + DEEP,
    "no UTF-8": b"\x82\xa6stream\xa2\xff\xfe\xa8position\x01",
    "a map of four thousand million": b"\xdf\xff\xff\xff\xff",
    "half": encode(Ack(stream="s", position=1))[:-4],
    "nothing": b"",
    "a number": b"\x01",
    "a position beyond the file": _changed(position=2**64 - 1),
    "a position below it": _changed(position=-(2**63)),
    "from beyond the file": _changed(again=2**63),
    "a range beyond the file": _changed(kept=[(1, 2**64 - 1)]),
    "no range": _changed(kept=[(1, 2, 3)]),
    "a clock beyond the next batch": _changed(at=2**64 - 1),
    "a clock before all time": _changed(at=-(2**63)),
    "no number": _changed(position=float("nan")),
}
CONFIGS = {
    "nested without end": b'{"z":' + b"[" * 200_000,
    "no UTF-8": b'{"device_types": {"\xff": "a"}}',
    "half": b'{"device_types": {"a"',
    "a number": b"1",
    "types that are none": b'{"device_types": {"a": 1}}',
    "of a version to come": b'{"version": 99}',
}


class Forged:
    """An agent as far as messages from the cloud reach, and what was acknowledged."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.agent = EdgeAgent.__new__(EdgeAgent)
        parts = {"_settings": self, "_delivery": self, "_cloud": self, "_metrics": self.metrics}
        vars(self.agent).update(parts)
        self.edge_id = EDGE
        self.acknowledged: list[Message] = []

    def greet(self) -> None:
        """As a delivery."""

    def acknowledge(self, message: Message) -> None:
        """As a connection."""
        self.acknowledged.append(message)

    def counted(self, kind: str) -> float:
        name = "stadtsinn_edge_bad_cloud_messages_total"
        return self.metrics.registry.get_sample_value(name, {"kind": kind}) or 0


def _message(topic: str, payload: bytes) -> Message:
    return Message(topic, payload, False, 1, 1, 1)


@pytest.mark.parametrize(
    ("kind", "topic", "payload"),
    [
        *(pytest.param("ack", ack_topic(EDGE), ACKS[one], id=f"ack {one}") for one in ACKS),
        *(pytest.param("config", config_topic(EDGE), CONFIGS[one], id=one) for one in CONFIGS),
    ],
)
def test_a_forged_message_is_counted_and_acknowledged(
    kind: str, topic: str, payload: bytes
) -> None:
    forged = Forged()
    message = _message(topic, payload)
    forged.agent._take_from_cloud(message)
    assert forged.acknowledged == [message]
    assert forged.counted(kind) == 1


def test_what_a_cloud_says_is_read(tmp_path: Path) -> None:
    ack = Ack(stream="s", position=2**61, at=1_700_000_000_000_000, kept=((1, 5),), again=0)  # type: ignore[arg-type]
    assert decode_answer(encode(ack)) == ack
    assert _read_config(b'{"device_types": {"a": "b"}}').device_types == {"a": "b"}


_NAMED = re.compile(r"msgspec\.(DecodeError|MsgspecError)")


def _clauses(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield ast.unparse(node.type)


def test_who_reads_documents_takes_all_that_reading_raises() -> None:
    """One name for it, so that none of the three is forgotten."""
    found = [
        f"{path.name}: {one}"
        for part in (stadtsinn.base, stadtsinn.cloud, stadtsinn.edge)
        for folder in part.__path__
        for path in Path(folder).rglob("*.py")
        if _NAMED.search(source := path.read_text(encoding="utf-8"))
        for one in _clauses(ast.parse(source))
        if _NAMED.search(one)
    ]
    assert found == ["fields.py: msgspec.DecodeError"]  # it tries once more
    assert msgspec.MsgspecError in UNREADABLE
