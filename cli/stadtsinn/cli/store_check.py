"""`stadtsinn cloud check`: the database's version, and what the servers let the cloud do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stadtsinn.base.counted import counted
from stadtsinn.cli.findings import Finding, warning
from stadtsinn.cli.language import in_words, text
from stadtsinn.cli.machine_check import of_clock_against

if TYPE_CHECKING:
    from stadtsinn.base.clock import Clock
    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.platform.database.engine import Database
    from stadtsinn.cloud.series.stores import store
    from stadtsinn.cloud.settings import CloudSettings

_SQLITE = "sqlite:///"


def of_database_file(settings: CloudSettings) -> Iterator[Finding]:
    """An SQLite database is looked at without being asked: it is on this machine."""
    if settings.database.url.startswith(_SQLITE):
        yield from _of_database(settings)


def of_servers(settings: CloudSettings, clock: Clock) -> Iterator[Finding]:
    """PostgreSQL and InfluxDB, where they are configured."""
    if not settings.database.url.startswith(_SQLITE):
        yield from _of_database(settings, clock)
    if not settings.series.url.startswith(_SQLITE):
        yield from _of_series(settings, clock)


def _of_database(settings: CloudSettings, clock: Clock | None = None) -> Iterator[Finding]:
    from sqlalchemy.exc import SQLAlchemyError

    from stadtsinn.base.logs import mask_text
    from stadtsinn.base.sentence import Explained
    from stadtsinn.cloud.platform.database.engine import open_database

    database = open_database(settings.database.url)
    try:
        yield from _of_version(database)
        if clock is not None:
            other = text("the database", "der Datenbank")
            yield from of_clock_against(clock, other, _time_of(database))
    except Explained as said:
        yield Finding(mask_text(in_words(said)))
    except (SQLAlchemyError, OSError) as error:
        if isinstance(error.__cause__, Explained):
            yield Finding(mask_text(in_words(error.__cause__)))
            return
        reason = mask_text(str(error).splitlines()[0])
        yield Finding(
            text(
                f"the database cannot be read ({reason}): check [database] url",
                f"die Datenbank ist nicht lesbar ({reason}): [database] url prüfen",
            )
        )
    finally:
        database.dispose()


def _of_version(database: Database) -> Iterator[Finding]:
    from stadtsinn.cloud.migrations import current, head, pending

    if not database.is_there():
        return
    with database.read() as connection:
        found, missing = current(connection), pending(connection)
    if found is not None and missing:
        yield Finding(
            text(
                f"the database is at revision {found}, this version needs {head()}: make a "
                "backup, then 'stadtsinn cloud upgrade'",
                f"die Datenbank hat den Stand {found}, diese Version braucht {head()}: sichern, "
                "dann 'stadtsinn cloud upgrade'",
            )
        )


def _time_of(database: Database) -> Instant:
    from sqlalchemy import func, select

    from stadtsinn.base.instant import from_datetime

    with database.read() as connection:
        return from_datetime(connection.execute(select(func.now())).scalar_one())


def _of_series(settings: CloudSettings, clock: Clock) -> Iterator[Finding]:
    from stadtsinn.cloud.series.stores.opening import open_store
    from stadtsinn.cloud.series.stores.store import SeriesRejected, SeriesUnavailable

    series = settings.series
    opened = open_store(series.url, token=series.token.read(), org=series.org, clock=clock)
    try:
        opened.ping()
        other = opened.time()
        if other is not None:
            yield from of_clock_against(clock, "InfluxDB", other)
        for tenant_id in _tenants(settings):
            yield from map(_in_words, opened.examine(tenant_id))
    except (SeriesUnavailable, SeriesRejected) as error:
        yield Finding(in_words(error))
    finally:
        opened.close()


def _tenants(settings: CloudSettings) -> list[str]:
    """None while the database does not answer, which is said above."""
    from sqlalchemy.exc import SQLAlchemyError

    from stadtsinn.cloud.migrations import is_empty
    from stadtsinn.cloud.platform.database.engine import open_database
    from stadtsinn.cloud.platform.tenants.repository import all_tenants

    database = open_database(settings.database.url)
    try:
        if is_empty(database):
            return []
        with database.read() as connection:
            return [one.id for one in all_tenants(connection)]
    except SQLAlchemyError:
        return []
    finally:
        database.dispose()


def _in_words(finding: store.Finding) -> Finding:
    from stadtsinn.cloud.series.stores.store import Trouble

    bucket, detail = finding.bucket, finding.detail
    texts = {
        Trouble.NO_WRITING: (
            f"InfluxDB lets us write nothing to '{bucket}': give the token of [series] that right",
            (
                f"InfluxDB lässt uns nichts in '{bucket}' schreiben: dem Token von [series] dieses "
                "Recht geben"
            ),
        ),
        Trouble.NO_READING: (
            (
                f"InfluxDB lets us read nothing from '{bucket}' ({detail}): give the token of "
                "[series] that right"
            ),
            (
                f"InfluxDB lässt uns nichts aus '{bucket}' lesen ({detail}): dem Token von "
                "[series] dieses Recht geben"
            ),
        ),
        Trouble.NO_BUCKET: (
            (
                f"InfluxDB has no '{bucket}' yet: it is made with the first value, if the token of "
                "[series] may do that"
            ),
            (
                f"InfluxDB hat noch kein '{bucket}': es entsteht mit dem ersten Wert, wenn das "
                "Token von [series] das darf"
            ),
        ),
        Trouble.READ_INSTEAD: (
            (
                f"InfluxDB answers queries for '{bucket}' from the bucket '{detail}': delete that "
                "mapping (influx v1 dbrp list)"
            ),
            (
                f"InfluxDB beantwortet Abfragen nach '{bucket}' aus dem Bucket '{detail}': diese "
                "Zuordnung löschen (influx v1 dbrp list)"
            ),
        ),
        Trouble.EXPIRES: (
            (
                f"InfluxDB deletes what is in '{bucket}' after {counted(detail, 'day', 'days')} "
                "by itself: set its "
                "retention to 'for ever', stadtsinn deletes what is not to be kept"
            ),
            (
                f"InfluxDB löscht von selbst, was länger als {counted(detail, 'Tag', 'Tage')} in "
                f"'{bucket}' liegt: "
                "die Aufbewahrung dort auf 'unbegrenzt' stellen, stadtsinn löscht, was nicht "
                "bleiben soll"
            ),
        ),
    }
    words = text(*texts[finding.trouble])
    harmless = finding.trouble in (Trouble.NO_BUCKET, Trouble.EXPIRES)
    return warning(words) if harmless else Finding(words)
