"""A broker of a district between edges and the centre, bridged as docs/growth.md shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents_and_cloud import send, with_cloud
from real_parts import mosquitto, wait_until
from running_agent import RunningAgent

pytestmark = pytest.mark.slow

GUIDE = Path(__file__).parents[2] / "docs" / "growth.md"


def bridge_lines(port: int) -> list[str]:
    """The guide's bridge to a centre without TLS on this port."""
    (shown,) = re.findall(r"```conf\n(connection .*?)```", GUIDE.read_text(), re.DOTALL)
    lines = [line for line in shown.splitlines() if not line.startswith("bridge_")]
    return [re.sub(r"^address .*", f"address 127.0.0.1:{port}", line) for line in lines]


def test_batches_and_acknowledgements_go_through_it(tmp_path: Path) -> None:
    """Also those that were sent while the centre's broker was away."""
    with with_cloud(tmp_path) as made:
        local = mosquitto(tmp_path / "local")
        local.start()
        made.locals.append(local)
        district = mosquitto(tmp_path / "district", bridge_lines(made.broker.port))
        district.start()
        made.locals.append(district)
        agent = RunningAgent(tmp_path / "agent", made.clock, local.port, district.port)
        made.agents.append(agent)
        agent.start()
        send(local, range(20))
        made.wait_for(range(20))
        wait_until(lambda: _acknowledged(agent) >= 20, "the edge knows that they are committed")
        made.broker.stop()
        send(local, range(20, 40))
        wait_until(lambda: _waiting(agent) >= 20, "the agent has them in its spool")
        made.broker.start()
        made.wait_for(range(40))
        wait_until(lambda: _waiting(agent) == 0, "nothing waits at the edge")
        assert len(made.uplinks()) == 40


def _acknowledged(agent: RunningAgent) -> float:
    return agent.metric("stadtsinn_edge_items_acknowledged_total")


def _waiting(agent: RunningAgent) -> float:
    return agent.metric("stadtsinn_edge_spool_items")
