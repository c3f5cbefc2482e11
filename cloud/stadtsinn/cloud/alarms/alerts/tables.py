"""Rules, their states and their incidents."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    false,
)

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column

rules = Table(
    "rules",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),  # German, as the recipient reads it
    Column("station_id", Position, ForeignKey("stations.id")),
    Column("station_group", JSON(none_as_null=True)),  # e.g. {"kind": "tree", "site": "park"}
    Column("quantity", String(63), nullable=False, default=""),
    Column("channel", String(63), nullable=False, default=""),
    Column("zone_id", Position, ForeignKey("zones.id")),
    Column("kind", String(32), nullable=False),
    Column("parameters", JSON, nullable=False),  # of the kind, e.g. {"on": 900, "off": 850, ...}
    Column("for_s", Integer, nullable=False),
    Column("min_samples", Integer, nullable=False),
    Column("keep_firing_s", Integer, nullable=False),
    Column("stale_after_s", Integer),  # NULL: three expected intervals
    Column("max_age_s", Integer, nullable=False),
    Column("resolve_notice", Boolean, nullable=False),
    Column("alert_on_stale", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    # Counted up by every edit, so that the evaluator notices; samples from before
    # `valid_from` are not judged by what the rule says now.
    Column("revision", Integer, nullable=False),
    Column("valid_from", InstantColumn, nullable=False),
    Column("severity", String(8), nullable=False, server_default="critical"),
    Column("active", JSON, nullable=False, server_default="[]"),  # when it may fire; []: always
    Column("repeat_s", Integer),  # what nobody acknowledges is said again; NULL: never
    # When each step of the escalation comes; to whom, say `rule_recipients` and `rule_groups`.
    Column("escalation_after_s", JSON, nullable=False, server_default="[]"),
    UniqueConstraint("tenant_id", "slug"),
    CheckConstraint(
        "(CASE WHEN station_id IS NULL THEN 0 ELSE 1 END"
        " + CASE WHEN station_group IS NULL THEN 0 ELSE 1 END"
        " + CASE WHEN zone_id IS NULL THEN 0 ELSE 1 END) = 1",
        name="one_subject",
    ),
    sqlite_autoincrement=True,  # an id is never used again: incidents are named after it
    info=kept(
        "Regeln, nach denen gemeldet wird",
        "rules by which messages are sent",
        Until.DELETED,
        key="id tenant_id station_id zone_id",
        name="slug",
        text="name",
        setting=(
            "station_group quantity channel kind parameters for_s min_samples "
            "keep_firing_s stale_after_s max_age_s resolve_notice alert_on_stale enabled "
            "severity active repeat_s escalation_after_s"
        ),
        fact="revision valid_from",
    ),
)

rule_recipients = Table(
    "rule_recipients",
    metadata,
    Column("rule_id", Position, ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "recipient_id", Position, ForeignKey("recipients.id", ondelete="CASCADE"), primary_key=True
    ),
    # "alarm": alarms and their end; "technical": missing data; "step1": of the escalation.
    Column("purpose", String(9), primary_key=True),
    info=kept(
        "Wer die Meldungen einer Regel bekommt",
        "who gets a rule's messages",
        Until.DELETED,
        owner="rule_id",
        key="rule_id recipient_id",
        setting="purpose",
    ),
)

rule_groups = Table(
    "rule_groups",
    metadata,
    Column("rule_id", Position, ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "group_id", Position, ForeignKey("duty_groups.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("purpose", String(9), primary_key=True),  # as in `rule_recipients`
    info=kept(
        "Welche Bereitschaft die Meldungen einer Regel bekommt",
        "which duty group gets a rule's messages",
        Until.DELETED,
        owner="rule_id",
        key="rule_id group_id",
        setting="purpose",
    ),
)

rule_states = Table(
    "rule_states",
    metadata,
    Column("rule_id", Position, ForeignKey("rules.id"), primary_key=True, autoincrement=False),
    # 0: the one station or zone that the rule names; else the station, of a rule for a group.
    Column("member", BigInteger, primary_key=True, autoincrement=False),
    Column("rule_revision", Integer, nullable=False),
    Column("phase", String(10), nullable=False),
    Column("level", Integer, nullable=False),
    Column("since", InstantColumn),
    Column("samples", Integer, nullable=False),
    Column("stale", Boolean, nullable=False),
    Column("last_event", InstantColumn),
    Column("last_value", Float),
    Column("notes", JSON, nullable=False),  # what the rule's kind remembers of earlier samples
    Column("opened_at", InstantColumn),
    Column("announced", Boolean, nullable=False),
    Column("quiet_until", InstantColumn, nullable=False),
    # When time alone has something to do for this rule; NULL: only a sample has.
    Column("due_at", InstantColumn, index=True),
    Column("footing", String(16)),  # of a zone: which gates the judged number came from
    Column("openings", JSON, nullable=False, server_default="[]"),  # the latest, event times
    Column("flapping", Boolean, nullable=False, server_default=false()),
    # When a message last said that data is missing.
    Column("silence_told", InstantColumn),
    # When the time was last over in which the rule may fire, and something ended with it.
    Column("shut_at", InstantColumn, nullable=False, server_default="0"),
    info=kept(
        "Wie eine Regel gerade steht",
        "how a rule stands",
        Until.RUNNING,
        owner="rule_id",
        key="rule_id member",
        fact=(
            "rule_revision phase level since samples stale last_event notes opened_at "
            "announced openings flapping silence_told shut_at quiet_until due_at footing"
        ),
        measured="last_value",
    ),
)

incidents = Table(
    "incidents",
    metadata,
    # "<rule id>-<opened_at>", of a group "<rule id>-<opened_at>-<station id>": the same history
    # gives the same incident, also when rebuilt.
    Column("id", String(42), primary_key=True),
    tenant_column(),
    # No foreign keys: what happened stays on record when the rule is gone.
    Column("rule_id", Position, nullable=False),
    Column("rule_name", String(200), nullable=False),
    Column("member", BigInteger, nullable=False),  # as in `rule_states`
    Column("station_id", Position),
    Column("station", String(63)),  # its slug, NULL: a zone's
    Column("station_name", String(200)),
    Column("level", Integer, nullable=False),
    Column("opened_at", InstantColumn, nullable=False),  # event time
    Column("opening_value", Float),  # NULL: none ever came, and that is the alarm
    Column("late", Boolean, nullable=False),  # found out when it was too old for a message
    Column("announced_at", InstantColumn),  # event time of the sample the message is about
    Column("closed_at", InstantColumn),  # event time
    Column("close_reason", String(16)),
    Column("closing_value", Float),
    # As `announced_at`, of the newest alarm about it.
    Column("told_at", InstantColumn),
    Column("permitted", Integer),  # what the permit allowed then; NULL: it is not compared with
    info=kept(
        "Alarme: wann, wo, wie hoch",
        "alarms: when, where, how high",
        Until.RECORD,
        key="id tenant_id rule_id member station_id",
        name="station",
        text="rule_name station_name",
        fact="level opened_at late announced_at closed_at close_reason told_at",
        measured="opening_value closing_value",
        setting="permitted",
    ),
)

Index("ix_incidents_tenant_opened", incidents.c.tenant_id, incidents.c.opened_at)
Index(
    "ix_incidents_rule_member_opened",
    incidents.c.rule_id,
    incidents.c.member,
    incidents.c.opened_at,
)
Index(
    "uq_incidents_one_open_per_member",
    incidents.c.rule_id,
    incidents.c.member,
    unique=True,
    sqlite_where=incidents.c.closed_at.is_(None),
    postgresql_where=incidents.c.closed_at.is_(None),
)

former_incidents = Table(
    "former_incidents",
    metadata,
    # What was on record before the history is judged again: what the log does not say of incidents
    # that are found again, and all of it should a rule be changed meanwhile. Deleted after days.
    *(
        tenant_column()
        if column.name == "tenant_id"
        else Column(
            column.name, column.type, primary_key=column.primary_key, nullable=column.nullable
        )
        for column in incidents.columns
    ),
    Column("forgotten_at", InstantColumn, nullable=False, index=True),
    info=kept(
        "Alarme, wie sie vor einer Neuberechnung standen, zwei Tage lang",
        "alarms as they were before they were judged again, for two days",
        Until.RECORD,
        key="id tenant_id rule_id member station_id",
        name="station",
        text="rule_name station_name",
        fact="level opened_at late announced_at closed_at close_reason told_at forgotten_at",
        measured="opening_value closing_value",
        setting="permitted",
    ),
)

Index("ix_former_incidents_rule_member", former_incidents.c.rule_id, former_incidents.c.member)

alert_inputs = Table(
    "alert_inputs",
    metadata,
    # How far other inputs than the uplink log were judged, e.g. "zone_samples".
    Column("name", String(32), primary_key=True),
    Column("position", Position, nullable=False),
    info=kept(
        "Wie weit Regeln ausgewertet sind",
        "how far rules were judged",
        Until.RUNNING,
        owner="",
        key="name",
        fact="position",
    ),
)

alert_attention = Table(
    "alert_attention",
    metadata,
    # Of each incident that people were told of and that is open, see `rules.attention`. No foreign
    # key: while the history is judged again the incident is not there.
    Column("incident_id", String(42), primary_key=True),
    tenant_column(),
    Column("level", Integer, nullable=False),
    Column("acknowledged", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("repeated_at", InstantColumn),  # machine's clock, as the others here
    Column("steps", Integer, nullable=False),
    Column("stepped_at", InstantColumn),
    Column("due_at", InstantColumn, index=True),  # NULL: time alone changes nothing
    # Somebody was not told because it was muted: at the end of that they are.
    Column("muted", Boolean, nullable=False, index=True),
    info=kept(
        "Wie weit ein offener Alarm wiederholt und weitergegeben ist",
        "how far an open alarm was repeated and escalated",
        Until.RUNNING,
        key="incident_id tenant_id",
        fact="level acknowledged repeats repeated_at steps stepped_at due_at muted",
    ),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    # The first one of each level counts: the key says so, whoever is at it at the same time.
    Column("incident_id", String(42), primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    tenant_column(),
    Column("at", InstantColumn, nullable=False),  # by the clock of the measurements
    Column("by", String(200), nullable=False),  # as people call them; emptied with messages
    Column("via", String(8), nullable=False),  # "api", "command", "sms"
    Column("recipient_id", Position),  # NULL: a key or a command, without a name
    info=kept(
        "Wer einen Alarm bestätigt hat; der Name wird mit den Meldungen geleert",
        "who acknowledged an alarm; the name is emptied with the messages",
        Until.OUTBOX,
        key="incident_id tenant_id recipient_id",
        person="by",
        fact="level at via",
    ),
)

alert_mutes = Table(
    "alert_mutes",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("of", String(12), nullable=False),  # "rule", "station", "duty_group", "site", ...
    Column("value", String(200), nullable=False),  # its short name
    Column("start", InstantColumn, nullable=False),  # by the clock of the measurements
    Column("end", InstantColumn, nullable=False),
    Column("reason", String(200), nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Was stummgeschaltet ist oder war, bis wann und warum",
        "what is or was muted, until when and why",
        Until.RECORD,
        key="id tenant_id",
        text="value reason",
        setting="of start end",
    ),
)

Index("ix_alert_mutes_tenant_end", alert_mutes.c.tenant_id, alert_mutes.c.end)
