"""Two processes of the same roles at one morning: ingests that share a subscription, followers."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby

from fake_chirpstack import FakeChirpstack
from morning import ROLES, Morning, read_event
from real_parts import wait_until
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.simulator.demo.children import Child
from stadtsinn.simulator.demo.ports import free_port
from stadtsinn.simulator.demo.probe import healthy, metric
from stadtsinn.simulator.radio.network_servers import Publication


def shared_at(port: int) -> str:
    """Lines of a configuration: a network server whose events two ingests share."""
    return (
        f'[broker]\nport = {port}\n[ingest]\nshare = "two"\nlinger_ms = 0\n'
        '[[network_servers]]\nname = "town"\n'
    )


def _two(morning: Morning, roles: tuple[str, ...], ending: ExitStack) -> list[tuple[Child, int]]:
    """Two processes of the same roles, and their health pages' ports."""
    started = []
    for name in ("first", "second"):
        port = free_port()
        own = {
            "STADTSINN_HEALTH_BIND": f"127.0.0.1:{port}",
            "STADTSINN_INGEST_CLIENT_ID": name,
        }
        child = morning.process(roles=roles, name=f"{roles[0]}-{name}", environment=own)
        child.start()
        ending.callback(child.stop)
        started.append((child, port))
    for child, port in started:
        wait_until(lambda port=port: healthy(port), f"{child.name} is healthy")  # type: ignore[misc]
    return started


def ingest_by_two(morning: Morning, port: int) -> None:
    """Publish what was heard; both ingests get some of it."""
    morning.clock.set(morning.heard[0].time)
    with ExitStack() as ending:
        ingests = _two(morning, ("ingest",), ending)
        chirpstack = ending.enter_context(FakeChirpstack(port))
        logged = 0
        for together in _as_devices_send(morning.heard):
            morning.clock.set(together[-1].time)
            for one in together:
                chirpstack.hand_over(one.topic, one.payload)
            logged += len(together)
            _wait_logged(morning, logged)
        shares = [metric(port, "stadtsinn_ingest_uplinks_total") for _, port in ingests]
        assert sum(share or 0 for share in shares) == len(morning.heard)
        assert all(shares), "the broker gave both of them something"
    morning.clock.set(morning.now)


def _as_devices_send(heard: Sequence[Publication]) -> Iterator[list[Publication]]:
    """Groups in which no device sends twice: minutes lie between two uplinks of one."""
    number, seen = 0, set[str]()

    def group(one: Publication) -> int:
        nonlocal number
        event = read_event(one.topic, one.payload, one.time)
        assert isinstance(event, Uplink)
        if event.dev_eui in seen:
            number += 1
            seen.clear()
        seen.add(event.dev_eui)
        return number

    for _, together in groupby(heard, group):
        yield list(together)


def _wait_logged(morning: Morning, count: int) -> None:
    def are_there() -> bool:
        with morning.database.read() as connection:
            return head(connection) >= count

    wait_until(are_there, f"{count} uplinks are in the log")


def follow_by_two(morning: Morning) -> None:
    """Both at work on one database; the one that may not write series says that it waits."""
    with ExitStack() as ending:
        both = _two(morning, ROLES, ending)
        morning.wait_settled(*(child for child, _ in both))
        details = [_series_detail(port) for _, port in both]
        waiting = [detail for detail in details if "another process" in detail]
        assert len(waiting) == 1, details


def _series_detail(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        found: str = json.load(answer)["checks"]["follower series"]["detail"]
    return found
