"""Reads health and metrics of a child process from its pages for monitoring."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

# One client for all looks: to make one reads all certificates of the system, which takes longer
# than the pause between two looks. On the loopback there is no TLS.
_http = httpx.Client(timeout=5.0, verify=False)  # noqa: S501


def healthy(port: int) -> bool:
    """Whether ``/healthz`` on this port of the loopback answers 200."""
    try:
        return _http.get(f"http://127.0.0.1:{port}/healthz").is_success
    except httpx.HTTPError:
        return False


def metric(port: int, name: str) -> float | None:
    """The sum of a metric's samples on ``/metrics``; None while the process does not answer."""
    try:
        page = _http.get(f"http://127.0.0.1:{port}/metrics")
    except httpx.HTTPError:
        return None
    families = text_string_to_metric_families(page.text)
    return sum(
        sample.value for family in families for sample in family.samples if sample.name == name
    )
