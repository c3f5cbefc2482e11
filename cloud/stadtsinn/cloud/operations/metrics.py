"""What an operator's monitoring asks for, besides what each room counts itself."""

from __future__ import annotations

from prometheus_client import Gauge

CERTIFICATE_DAYS = Gauge(
    "stadtsinn_certificate_days_left",
    "Days until a certificate ends: our own ones, authorities', brokers'",
    ["certificate"],
)
DISK_FREE = Gauge(
    "stadtsinn_disk_free_bytes", "Free bytes of the disk of a folder that is written", ["folder"]
)
DISK_DAYS = Gauge(
    "stadtsinn_disk_days_left",
    "Days until that disk is full at the rate of the last weeks; +Inf: it does not fill",
    ["folder"],
)
LOG_PER_DAY = Gauge("stadtsinn_log_uplinks_per_day", "Uplinks logged in the last 24 hours")
EDGES = Gauge("stadtsinn_edges", "Registered edge agents by presence", ["presence"])
DEVICES = Gauge("stadtsinn_devices", "Registered devices by presence", ["presence"])
ALARMS = Gauge("stadtsinn_operator_alarms", "What operators have to look after, by kind", ["kind"])
