"""The agent's Prometheus metrics: enough to find out where a measurement is delayed or lost."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """All metrics of one agent, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = self._counter(
            "stadtsinn_edge_events_total",
            "Events from the local broker: uplink, unreadable, or another kind.",
            "kind",
        )
        self.unreadable = self._counter(
            "stadtsinn_edge_unreadable_events_total",
            "Events that are no uplink, forwarded raw, by reason.",
            "reason",
        )
        self.decoded = self._counter(
            "stadtsinn_edge_uplinks_total", "Uplinks by result: decoded, or why not.", "result"
        )
        self.decoded_by = self._counter(
            "stadtsinn_edge_decoded_total", "Uplinks by what decoded them.", "decoder"
        )
        self.kernel_loaded = self._gauge(
            "stadtsinn_edge_kernel_loaded", "1 while large groups are decoded by the kernel."
        )
        self.time_sources = self._counter(
            "stadtsinn_edge_event_time_source_total", "Whose clock gave the event time.", "source"
        )
        self.commits = Counter(
            "stadtsinn_edge_commits_total", "Commits to the spool.", registry=self.registry
        )
        self.refused = Counter(
            "stadtsinn_edge_spool_refusals_total",
            "Attempts to commit that the spool or the disk refused; nothing is lost by one.",
            registry=self.registry,
        )
        self.sent = Counter(
            "stadtsinn_edge_items_sent_total",
            "Items published to the cloud, resends included.",
            registry=self.registry,
        )
        self.resends = Counter(
            "stadtsinn_edge_resends_total",
            "Times that no acknowledgement came and delivery began again.",
            registry=self.registry,
        )
        self.refused_batches = Counter(
            "stadtsinn_edge_batches_refused_total",
            "Batches that the cloud's broker did not take, for their size or by ending the "
            "connection.",
            registry=self.registry,
        )
        self.streams_begun = Counter(
            "stadtsinn_edge_streams_begun_anew_total",
            "Times that the cloud knew the spool further on than it was (a card from the past).",
            registry=self.registry,
        )
        self.delivered_again = Counter(
            "stadtsinn_edge_items_asked_for_again_total",
            "Acknowledged items that the cloud, restored from a backup, asked for once more.",
            registry=self.registry,
        )
        self.held = self._gauge(
            "stadtsinn_edge_items_held",
            "Acknowledged items that are held for a cloud that is restored from a backup.",
        )
        self.notices = self._counter(
            "stadtsinn_edge_delivery_notices_total",
            "What endangers the way to the cloud, by kind.",
            "kind",
        )
        self.broker_notices = Counter(
            "stadtsinn_edge_broker_notices_total",
            "What a broker or its publishers do not guarantee, by broker (local, cloud) and kind: "
            "a forgotten session, messages at QoS 0, …",
            ["broker", "kind"],
            registry=self.registry,
        )
        self.aside = self._gauge(
            "stadtsinn_edge_items_aside", "Items too large for the cloud's broker, kept apart."
        )
        self.kept = self._gauge(
            "stadtsinn_edge_items_kept",
            "Items that the cloud does not take: their devices are not registered with the town.",
        )
        self.kept_dropped = self._gauge(
            "stadtsinn_edge_kept_items_dropped",
            "Of these, dropped for the bound since the start.",
        )
        self.acknowledged = Counter(
            "stadtsinn_edge_items_acknowledged_total",
            "Items committed in the cloud.",
            registry=self.registry,
        )
        self.bad_messages = self._counter(
            "stadtsinn_edge_bad_cloud_messages_total",
            "Messages from the cloud that were refused, by kind.",
            "kind",
        )
        self.depth = self._gauge("stadtsinn_edge_spool_items", "Items waiting for delivery.")
        self.spool_bytes = self._gauge("stadtsinn_edge_spool_bytes", "Bytes of the spool in use.")
        self.oldest = self._gauge(
            "stadtsinn_edge_spool_oldest_seconds", "Age of the oldest waiting item."
        )
        self.last_uplink = self._gauge(
            "stadtsinn_edge_last_uplink_timestamp_seconds", "Arrival of the latest uplink."
        )
        self.connected = Gauge(
            "stadtsinn_edge_broker_connected",
            "1 while connected to the broker.",
            ["broker"],
            registry=self.registry,
        )
        self.server_offset = self._gauge(
            "stadtsinn_edge_clock_offset_seconds",
            "Our clock minus the network server's at the latest uplink.",
        )
        self.cloud_offset = self._gauge(
            "stadtsinn_edge_cloud_clock_offset_seconds",
            "Our clock minus the cloud's, measured by an acknowledgement.",
        )
        self.disk_free = self._gauge(
            "stadtsinn_edge_disk_free_bytes", "Free bytes of the disk that the spool is on."
        )
        self.certificate_days = Gauge(
            "stadtsinn_edge_certificate_days_left",
            "Days until a certificate ends: our own, the authority's, that of the cloud's broker.",
            ["certificate"],
            registry=self.registry,
        )
        self.faulty_clocks = self._gauge(
            "stadtsinn_edge_gateway_clocks_faulty", "Gateways whose clock is proven wrong."
        )

    def _counter(self, name: str, text: str, label: str) -> Counter:
        return Counter(name, text, [label], registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)
