"""A thread that ended by itself is told from one that was stopped, or never started."""

from __future__ import annotations

import threading

import pytest

from real_parts import wait_until
from stadtsinn.base.health import HealthServer
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.base.threads import ended_early
from stadtsinn.simulator.demo.ports import free_port


def test_only_what_ended_by_itself_is_named() -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="follower-alerts")
    assert ended_early(None, stopped=False) is None
    assert ended_early(thread, stopped=False) is None  # not started
    thread.start()
    assert ended_early(thread, stopped=False) is None
    release.set()
    thread.join()
    assert ended_early(thread, stopped=False) == "follower-alerts"
    assert ended_early(thread, stopped=True) is None


def test_the_health_server_says_when_its_thread_is_gone() -> None:
    server = HealthServer("127.0.0.1:0")
    assert server.ended() is None
    server.start()
    assert server.ended() is None
    assert server._server is not None
    assert server._thread is not None
    server._server.shutdown()  # as an exception in its loop would end it
    server._thread.join()
    assert server.ended() == "health"
    server._server.server_close()


def test_an_mqtt_link_says_when_its_network_thread_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """paho's thread ends with an exception of its own, and nobody is told."""
    link = MqttLink(Broker("127.0.0.1", free_port(), "test"))

    def broken(**_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(link._client, "loop_forever", broken)
    assert link.ended() is None
    link.start()
    wait_until(lambda: link.ended() == "mqtt-test", "it is told")
    link.stop()
    assert link.ended() is None
