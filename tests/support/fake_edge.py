"""An edge agent reduced to its protocol: sends in order, forgets only what is acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from real_parts import PATIENCE_S
from stadtsinn.base.instant import Instant
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.decoders.reading import Outcome, Undecoded
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.messages.delivery import (
    Batch,
    UplinkItem,
    ack_topic,
    batch_topic,
    decode_ack,
    encode,
)

UNDECODED = Undecoded("unknown_device", "no device type known")


class FakeEdge:
    """Holds its uplinks as positions 1..n of one stream and delivers them until all are acked."""

    def __init__(
        self,
        port: int,
        uplinks: Sequence[Uplink],
        *,
        edge_id: str = "rathaus",
        stream: str = "spool-1",
        batch_items: int = 10,
        outcome: Outcome = UNDECODED,
    ) -> None:
        self._items = [UplinkItem(n + 1, up, outcome) for n, up in enumerate(uplinks)]
        self._edge_id = edge_id
        self._stream = stream
        self._batch_items = batch_items
        self._sendings = 0
        self._changed = threading.Event()
        self.acknowledged = 0
        self._link = MqttLink(
            Broker("127.0.0.1", port, f"edge-{edge_id}"),
            subscriptions=[ack_topic(edge_id)],
            on_message=self._take,
        )

    def start(self) -> None:
        self._link.start()
        assert self._link.wait_connected(PATIENCE_S)

    def stop(self) -> None:
        self._link.stop()

    def _take(self, message: Message) -> None:
        ack = decode_ack(message.payload)
        if ack.stream == self._stream:
            assert ack.position <= len(self._items)
            self.acknowledged = max(self.acknowledged, ack.position)
            self._changed.set()
        self._link.acknowledge(message)

    def send(self) -> None:
        """Publish everything that is not acknowledged, oldest first, with a new sending time."""
        self._sendings += 1
        for start in range(self.acknowledged, len(self._items), self._batch_items):
            items = tuple(self._items[start : start + self._batch_items])
            batch = Batch(
                edge_id=self._edge_id,
                stream=self._stream,
                sent_at=Instant(self._sendings),
                items=items,
            )
            self._link.publish(batch_topic(self._edge_id), encode(batch))

    def deliver(self, patience: float = 2) -> None:
        """Send and send again until all is acknowledged."""
        deadline = time.monotonic() + PATIENCE_S
        while self.acknowledged < len(self._items):
            assert time.monotonic() < deadline, f"acknowledged only up to {self.acknowledged}"
            self.send()
            self._changed.clear()
            while self.acknowledged < len(self._items) and self._changed.wait(patience):
                self._changed.clear()
