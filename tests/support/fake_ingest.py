"""An ingest that keeps the delivery protocol: commit, then acknowledge what is contiguous."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from real_parts import PATIENCE_S
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.edge.messages.delivery import (
    TOPIC_ROOT,
    Ack,
    Batch,
    Item,
    RawItem,
    Sender,
    UplinkItem,
    ack_topic,
    decode_batch,
    encode,
)


class FakeIngest:
    """Collects what edges deliver. `silent` commits nothing and answers nothing."""

    def __init__(self, broker: Broker | int) -> None:
        if isinstance(broker, int):
            broker = Broker("127.0.0.1", broker, "fake-ingest")
        self.silent = False
        self.batches: list[Batch] = []
        self.items: dict[tuple[str, int], Item] = {}
        self.resent = 0
        self._committed: dict[tuple[str, str], int] = {}
        self._received: dict[tuple[str, str], set[int]] = {}
        self._lock = threading.Lock()
        self.link = MqttLink(broker, subscriptions=[f"{TOPIC_ROOT}/+/batch"], on_message=self._take)

    def __enter__(self) -> Self:
        self.link.start()
        assert self.link.wait_connected(PATIENCE_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.link.stop()

    def uplinks(self) -> list[UplinkItem]:
        """Committed uplinks, each position once."""
        with self._lock:
            found = sorted(self.items.items())
        return [item for _, item in found if isinstance(item, UplinkItem)]

    def raws(self) -> list[RawItem]:
        with self._lock:
            return [item for item in self.items.values() if isinstance(item, RawItem)]

    def counters(self) -> list[int]:
        """Frame counters of the distinct uplinks (by identity), sorted."""
        keys = {(i.uplink.dev_eui, i.uplink.dev_addr, i.uplink.f_cnt) for i in self.uplinks()}
        return sorted(key[2] for key in keys)

    def _take(self, message: Message) -> None:
        if self.silent:
            self.link.acknowledge(message)
            return
        batch = decode_batch(message.payload)
        with self._lock:
            self.batches.append(batch)
            for item in batch.items:
                known = self.items.get((batch.stream, item.position))
                if known is None:
                    self.items[batch.stream, item.position] = item
                else:
                    self.resent += 1
                    assert known == item, "a position of a stream means one item for ever"
            position = self._contiguous(batch)
        sender = "" if batch.sender is None else batch.sender.id
        ack = Ack(stream=batch.stream, position=position, sender=sender)
        self.link.publish(ack_topic(batch.edge_id), encode(ack))
        self.link.acknowledge(message)

    def _contiguous(self, batch: Batch) -> int:
        """Of each run of an agent only what it has sent itself."""
        first = batch.items[0].position - 1
        run, begins = ("", first) if batch.sender is None else _said(batch.sender)
        key = (batch.stream, run)
        received = self._received.setdefault(key, set())
        received.update(item.position for item in batch.items)
        position = max(begins, self._committed.get(key, begins))
        while position + 1 in received:
            position += 1
        self._committed[key] = position
        return position


def _said(sender: Sender) -> tuple[str, int]:
    return sender.id, sender.acknowledged
