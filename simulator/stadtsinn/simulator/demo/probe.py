"""Asks a process of ours how it is, by the same pages an operator's monitoring reads."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_S = 5.0


def healthy(port: int) -> bool:
    """Does ``/healthz`` on this port of the loopback answer that all is well?"""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=_TIMEOUT_S).is_success
    except httpx.HTTPError:
        return False


def metric(port: int, name: str) -> float | None:
    """The sum of a metric's samples on ``/metrics``; None while the process does not answer."""
    try:
        page = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=_TIMEOUT_S)
    except httpx.HTTPError:
        return None
    families = text_string_to_metric_families(page.text)
    return sum(
        sample.value for family in families for sample in family.samples if sample.name == name
    )
