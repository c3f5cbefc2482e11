"""What counting keeps: the counts of gates, the corrections of zones, the samples of zones."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
)

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column


def _zone_column(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "zone_id",
        Position,
        ForeignKey("zones.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


gate_counts = Table(
    "gate_counts",
    metadata,
    Column("gate_id", Position, ForeignKey("gates.id", ondelete="CASCADE"), primary_key=True),
    # The direction of the station: 0 = its "in", 1 = its "out". A gate marked as swapped later
    # corrects its past as well.
    Column("direction", SmallInteger, primary_key=True),
    Column("event_time", InstantColumn, primary_key=True, autoincrement=False),
    Column("dev_eui", String(16), nullable=False),
    Column("dev_addr", String(8), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("f_cnt", Position, nullable=False),
    Column("total", Position),
    Column("interval_count", Integer),
    Column("delta", Position, nullable=False),
    Column("counted", Position, nullable=False),  # since the first report, only grows
    Column("doubt", Position, nullable=False),
    Column("flag", String(8), nullable=False),
    # That of what was estimated for lost interval counts.
    Column("variance", Position, nullable=False, server_default="0"),
    info=kept(
        "Zählstände an Zugängen: nur Anzahlen",
        "counts at gates: numbers only",
        Until.RECORD,
        owner="gate_id",
        key="gate_id direction dev_eui dev_addr generation f_cnt",
        measured="event_time total interval_count delta counted doubt flag variance",
    ),
)

zone_corrections = Table(
    "zone_corrections",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    _zone_column(),
    Column("event_time", InstantColumn, nullable=False),
    Column("kind", String(8), nullable=False),  # reset, manual, clamp
    Column("value", Integer),  # persons inside from then on; reset and manual
    Column("amount", Float),  # persons by which the baseline was raised; clamp
    Column("name", String(200), nullable=False, default=""),
    Column("reason", String(500), nullable=False, default=""),
    Column("created_at", InstantColumn, nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Zahlen, die jemand von Hand berichtigt hat",
        "numbers that somebody corrected by hand",
        Until.RECORD,
        key="id tenant_id zone_id",
        fact="event_time kind amount created_at",
        measured="value",
        person="name",
        text="reason",
    ),
)

Index(
    "ix_zone_corrections_zone_time",
    zone_corrections.c.zone_id,
    zone_corrections.c.kind,
    zone_corrections.c.event_time,
)

zone_samples = Table(
    "zone_samples",
    metadata,
    # Never used twice, also after a rebuild: the alerts' cursor is such a position.
    Column("position", Position, primary_key=True, autoincrement=True),
    tenant_column(),
    _zone_column(),
    Column("event_time", InstantColumn, nullable=False),
    Column("occupancy", Integer, nullable=False),
    Column("low", Integer, nullable=False),
    Column("high", Integer, nullable=False),
    Column("degraded", Boolean, nullable=False),
    Column("reported_at", InstantColumn, nullable=False),  # newest report of any gate
    Column("permitted", Integer),  # what the permit allowed then; NULL: there was none
    Column("judged", Integer),  # what rules judge; NULL: `high`
    sqlite_autoincrement=True,
    info=kept(
        "Personen in einer Zone: nur Anzahlen",
        "persons in a zone: numbers only",
        Until.SAMPLES,
        key="position tenant_id zone_id",
        measured="event_time occupancy low high degraded reported_at judged",
        setting="permitted",
    ),
)

Index("ix_zone_samples_zone_position", zone_samples.c.zone_id, zone_samples.c.position)
Index("ix_zone_samples_event_time", zone_samples.c.event_time)

zone_states = Table(
    "zone_states",
    metadata,
    _zone_column(primary_key=True),
    # Counted up by every change to counts or corrections, so that a tally in memory is known to
    # differ from the database (a transaction that was not committed, a correction by staff).
    Column("version", Position, nullable=False),
    Column("sampled_at", InstantColumn, nullable=False),  # event time of the newest sample
    # Up to here every reset that was due is on record: another hour holds for later ones only.
    Column("resets_until", InstantColumn, nullable=False, server_default="0"),
    info=kept(
        "Stand der Zählung je Zone",
        "how far each zone is counted",
        Until.RUNNING,
        owner="zone_id",
        key="zone_id",
        fact="version sampled_at resets_until",
    ),
)

zone_permits = Table(
    "zone_permits",
    metadata,
    # What the permit allowed from an event time on; a rebuild gives it to the samples again. Kept
    # as long as these.
    _zone_column(primary_key=True),
    Column("since", InstantColumn, primary_key=True, autoincrement=False),
    Column("permitted", Integer),  # NULL: there was none
    info=kept(
        "Zugelassene Personen der letzten Tage, je Zone",
        "what permits allowed in the last days, by zone",
        Until.RUNNING,
        owner="zone_id",
        key="zone_id",
        fact="since",
        setting="permitted",
    ),
)

zone_days = Table(
    "zone_days",
    metadata,
    # From one moment at which the zone was empty to the next, where all gates reported.
    _zone_column(primary_key=True),
    Column("since", InstantColumn, primary_key=True, autoincrement=False),
    Column("until", InstantColumn, nullable=False),
    Column("came", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    info=kept(
        "Wie viele Personen an einem Tag kamen und gingen: nur Anzahlen",
        "how many persons came and left on a day: numbers only",
        Until.RUNNING,
        owner="zone_id",
        key="zone_id",
        fact="since until",
        measured="came left",
    ),
)
