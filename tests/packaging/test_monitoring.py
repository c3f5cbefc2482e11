"""Alert rules and dashboard ask only for metrics that there are, by labels that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

import stadtsinn.cloud.alarms.alerts.recorder
import stadtsinn.cloud.alarms.notify.worker
import stadtsinn.cloud.domains.crowd.follower
import stadtsinn.cloud.intake.metrics
import stadtsinn.cloud.log.followers.loop
import stadtsinn.cloud.operations.metrics
import stadtsinn.cloud.publish.api.middleware
import stadtsinn.cloud.series.follower  # noqa: F401 (each makes its metrics)
from stadtsinn.edge.agent.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "docs/monitoring"
SCRAPED = {"job", "instance", "le"}
"""Labels that Prometheus adds, and that of a histogram's buckets."""
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}

_SELECTOR = re.compile(r"(stadtsinn_[a-z_]+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")
_SHOWN = re.compile(r"\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}|\$labels\.([a-z_]+)")


def known(registry: CollectorRegistry) -> Iterator[tuple[str, set[str]]]:
    for metric in registry._collector_to_names:
        if isinstance(metric, MetricWrapperBase) and metric._name.startswith("stadtsinn_"):
            for suffix in SUFFIXES[str(metric._type)]:
                yield metric._name + suffix, set(metric._labelnames)


KNOWN = dict([*known(REGISTRY), *known(Metrics().registry)])


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    document = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def expressions() -> list[tuple[str, str]]:
    """Each expression, with the texts that show its labels."""
    of_rules = [(rule["expr"], json.dumps(rule["annotations"])) for rule in rules()]
    of_panels = [(one["expr"], one["legendFormat"]) for p in panels() for one in p["targets"]]
    return of_rules + of_panels


def test_there_are_metrics_of_every_part() -> None:
    assert len(KNOWN) > 50
    assert "stadtsinn_ingest_uplinks_total" in KNOWN
    assert "stadtsinn_edge_spool_items" in KNOWN


@pytest.mark.parametrize(("expression", "shown"), expressions())
def test_what_is_asked_for_is_there(expression: str, shown: str) -> None:
    found = _SELECTOR.findall(expression)
    assert found, expression
    labels = set(SCRAPED)
    for name, selector in found:
        assert name in KNOWN, name
        labels |= KNOWN[name]
        for part in filter(None, selector.split(",")):
            assert re.split("[=!]", part)[0].strip() in KNOWN[name], part
    grouped = {one.strip() for by in _BY.findall(expression) for one in by.split(",")}
    assert grouped <= labels
    named = {one or other for one, other in _SHOWN.findall(shown)} - {"value"}
    assert named <= (grouped | SCRAPED if grouped else labels)


def test_values_of_labels_are_those_that_there_are() -> None:
    from stadtsinn.cloud.operations import conditions, devices, edges

    values = {
        "stadtsinn_edges": {one.value for one in edges.Presence},
        "stadtsinn_devices": {one.value for one in devices.Presence},
        "stadtsinn_operator_alarms": {one.value for one in conditions.Kind},
    }
    for expression, _ in expressions():
        for name, selector in _SELECTOR.findall(expression):
            for value in re.findall('[^!]="([^"]*)"', selector):
                assert value in values[name]


def test_each_rule_says_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 15
    for rule in rules():
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["remedy"]
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
