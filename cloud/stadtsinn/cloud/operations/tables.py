"""What operators were told and not yet cleared, and how full the disks were."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

operator_alarms = Table(
    "operator_alarms",
    metadata,
    Column("kind", String(32), primary_key=True),  # operations.conditions.Kind
    Column("subject", String(200), primary_key=True),  # edge, DevEUI, file; empty: the whole
    Column("since", InstantColumn, nullable=False),
    Column("said_at", InstantColumn, nullable=False),
    Column("times", Integer, nullable=False),
    Column("detail", String(300), nullable=False),
    info=kept(
        "Was dem Betrieb gemeldet wurde und noch besteht, z. B. ein stummes Gerät",
        "what operators were told and is not over, such as a silent device",
        Until.RUNNING,
        owner="",
        key="kind subject",
        fact="since said_at times detail",
    ),
)

pulses = Table(
    "pulses",
    metadata,
    Column("role", String(32), primary_key=True),
    Column("at", InstantColumn, nullable=False),  # machine's clock
    info=kept(
        "Wann welcher Teil der Zentrale zuletzt lief",
        "when which part of the centre was last running",
        Until.RUNNING,
        owner="",
        key="role",
        fact="at",
    ),
)

disk_samples = Table(
    "disk_samples",
    metadata,
    Column("place", String(300), primary_key=True),  # machine:folder
    Column("at", InstantColumn, primary_key=True, autoincrement=False),
    Column("free", BigInteger, nullable=False),
    info=kept(
        "Wie viel auf den Datenträgern der Rechner frei war",
        "how much was free on the disks of the machines",
        Until.RUNNING,
        owner="",
        key="place at",
        fact="free",
    ),
)
