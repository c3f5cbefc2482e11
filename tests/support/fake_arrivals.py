"""Messages as the ingest's sources hand them over, without a broker."""

from __future__ import annotations

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.arrival import STORED_BYTES, Arrival, Kind, Origin, Original
from stadtsinn.cloud.intake.reading import (
    MAX_BATCH,
    original_batch,
    read_edge_batch,
    read_server_event,
)
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.edge.messages.delivery import TOPIC_ROOT
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.format import NetworkServerFormat

CHIRPSTACK = ChirpStack()


def batch_arrival(
    topic: str, payload: bytes, received_at: Instant, directory: Directory
) -> Arrival:
    return read_edge_batch(original_of(topic, payload, received_at), directory)


def event_arrival(
    topic: str,
    payload: bytes,
    received_at: Instant,
    *,
    tenant: str | None = None,
    name: str = "town",
    server: NetworkServerFormat = CHIRPSTACK,
) -> Arrival:
    return read_server_event(
        server,
        original_of(topic, payload, received_at, tenant=tenant, name=name, server=server),
    )


def original_of(
    topic: str,
    payload: bytes,
    received_at: Instant,
    *,
    tenant: str | None = None,
    name: str = "town",
    server: NetworkServerFormat = CHIRPSTACK,
) -> Original:
    """An edge's batch or a network server's event, by its topic; cut as a source would."""
    size = len(payload)
    if topic.startswith(TOPIC_ROOT):
        kept = payload if size <= MAX_BATCH else payload[:STORED_BYTES]
        return original_batch(topic, kept, size, received_at)
    origin = Origin(f"{server.name}:{name}", tenant)
    kept = payload[:STORED_BYTES]
    return Original(Kind.EVENT, origin, topic, kept, size, received_at, server.name)
