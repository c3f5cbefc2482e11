"""Recipients, the outbox, and the messages of the sandbox phone."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column

recipients = Table(
    "recipients",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),
    Column("channel", String(16), nullable=False),  # which sender, e.g. "sms"
    Column("address", String(254), nullable=False),  # personal data: E.164 number
    Column("language", String(2), nullable=False, server_default="de"),
    # Further ways, in the order in which they are tried: [{"channel": …, "address": …}].
    Column("channels", JSON, nullable=False, server_default="[]"),
    UniqueConstraint("tenant_id", "slug"),
    sqlite_autoincrement=True,  # an id is never used again: it is part of `dedup_key`
    info=kept(
        "Wer Meldungen bekommt",
        "who gets messages",
        Until.DELETED,
        key="id tenant_id",
        person="slug name address channels",
        setting="channel language",
    ),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Position, primary_key=True),
    Column("uuid", String(36), nullable=False, unique=True),
    tenant_column(),
    Column("incident_id", String(42), nullable=False),
    # What the incident is about: its rule, of a group "<rule id>-<station id>".
    Column("subject", String(42), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("level", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("recipient_id", Position, nullable=False),
    # (incident, kind, level, sequence, channel, recipient): nobody gets two.
    Column("dedup_key", String(160), nullable=False, unique=True),
    # Frozen copies, so that a retry says the same to the same; emptied after 90 days.
    Column("address", String(254), nullable=False),
    # How it was worded when it was first sent; empty until then.
    Column("text", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("reason", String(200), nullable=False, default=""),  # of the last failure
    Column("attempts", Integer, nullable=False, default=0),
    Column("resent", Boolean, nullable=False, default=False),
    # The incident ended before this alarm went out; its text says so, no all-clear follows.
    Column("reworded", Boolean, nullable=False, default=False),
    Column("settled", Boolean, nullable=False, default=False),  # nothing more will be tried
    Column("next_attempt", InstantColumn, nullable=False),  # machine's clock
    Column("lease_until", InstantColumn),  # machine's clock
    Column("provider_id", String(100)),
    Column("report_token", String(43), nullable=False, unique=True),
    Column("event_time", InstantColumn, nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    Column("expires_at", InstantColumn, nullable=False),
    Column("sent_at", InstantColumn),
    Column("purged", Boolean, nullable=False, default=False),
    Column("language", String(2), nullable=False, server_default="de"),
    # The duty group as whose member the recipient is told; no foreign key, as for the recipient.
    Column("group_id", Position),
    # It waits until then, the end of quiet hours; by the clock of the measurements.
    Column("not_before", InstantColumn),
    # What happened (`facts.Facts`).
    Column("facts", JSON, nullable=False, server_default="{}"),
    # An alarm whose arrival is waited for: else the next in line is told.
    Column("watched", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
    info=kept(
        "Gesendete Meldungen; Nummer und Text werden geleert, der Vorgang bleibt",
        "messages sent; number and text are emptied, the fact stays",
        Until.OUTBOX,
        key=("id uuid tenant_id incident_id subject recipient_id dedup_key provider_id group_id"),
        fact=(
            "kind level sequence status reason attempts resent reworded settled "
            "next_attempt lease_until event_time created_at expires_at sent_at purged not_before "
            "watched"
        ),
        setting="channel language",
        person="address",
        text="text facts",
        digest="report_token",
    ),
)

Index("ix_outbox_status_next", outbox.c.settled, outbox.c.status, outbox.c.next_attempt)
Index("ix_outbox_watched", outbox.c.watched, outbox.c.expires_at)
Index("ix_outbox_incident_recipient", outbox.c.incident_id, outbox.c.recipient_id)
Index("ix_outbox_subject_recipient", outbox.c.subject, outbox.c.recipient_id)
Index("ix_outbox_provider", outbox.c.provider_id)
Index("ix_outbox_tenant_id_position", outbox.c.tenant_id, outbox.c.id)
Index("ix_outbox_purge", outbox.c.purged, outbox.c.created_at)

sandbox_messages = Table(
    "sandbox_messages",
    metadata,
    Column("id", Position, primary_key=True),
    # Unique: the sandbox takes the same message twice and shows it once.
    Column("uuid", String(36), nullable=False, unique=True),
    Column("address", String(254), nullable=False),
    Column("text", Text, nullable=False),
    Column("received_at", InstantColumn, nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Meldungen des Probetelefons",
        "messages of the trial telephone",
        Until.OUTBOX,
        owner="uuid=outbox.uuid",
        key="id uuid",
        person="address",
        text="text",
        fact="received_at",
    ),
)

sandbox_phone = Table(
    "sandbox_phone",
    metadata,
    # One row in a demo: only then the phone page exists, for this tenant.
    Column("id", Integer, primary_key=True),
    Column("since", InstantColumn, nullable=False),
    Column("tenant_id", String(63)),
    info=kept(
        "Wessen Meldungen das Probetelefon zeigt",
        "whose messages the trial telephone shows",
        Until.RUNNING,
        key="id tenant_id",
        fact="since",
    ),
)

report_formats = Table(
    "report_formats",
    metadata,
    # How the configured provider words its delivery reports, for the process that serves the
    # API: it does not need to know the senders' configuration and secrets.
    Column("provider", String(32), primary_key=True),
    Column("format", Text, nullable=False),  # JSON of senders.provider.Reports
    # Digest of a token for reports of all messages, where the provider knows but one address.
    Column("token_digest", String(64)),
    Column("answers", Text),  # JSON of senders.provider.Answers; NULL: it brings no answers
    info=kept(
        "Wie der SMS-Dienst Zustellungen meldet",
        "how the SMS provider reports deliveries",
        Until.RUNNING,
        owner="",
        key="provider",
        setting="format answers",
        digest="token_digest",
    ),
)
