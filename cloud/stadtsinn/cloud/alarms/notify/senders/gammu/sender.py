"""Hands text messages to a modem, through the tables of gammu-smsd.

Whether a message was handed over can always be looked up by its uuid, so that nothing is handed
over twice. Where the tables lie in our own database, message and our note of it commit together.
"""

from __future__ import annotations

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders.base import Found, OpenedSender, Outcome, Result
from stadtsinn.cloud.alarms.notify.senders.gammu import repository
from stadtsinn.cloud.alarms.notify.senders.gammu.repository import Handing
from stadtsinn.cloud.alarms.notify.senders.gammu.tables import tables_in
from stadtsinn.cloud.alarms.notify.senders.gammu.validity import NETWORKS_OWN, relative_validity
from stadtsinn.cloud.alarms.notify.senders.settings import GammuSettings
from stadtsinn.cloud.platform.database.engine import Database, open_database, serialize
from stadtsinn.cloud.platform.database.failure import kind_of

PREFIX = "gammu-"
"""Of the names that its rows have with us, before their number."""

_WAITS = "5s"
"""For a lock of somebody who works at the daemon's tables: other messages wait meanwhile."""
_LIMITS = {"connect_timeout": "5", "options": "-c statement_timeout=15s -c lock_timeout=5s"}


class GammuSender:
    """Its tables lie in a database of their own."""

    reports_delivery = True
    """From the tables it is always seen whether the modem sent a message, so what is not on its way
    is missed; networks that report nothing more are dealt with where states are read."""

    def __init__(self, settings: GammuSettings, database: Database, clock: Clock) -> None:
        self.settings = settings
        self.database = database
        self.tables = tables_in(settings.schema_)
        self._clock = clock

    def send(self, message: Message) -> Result:
        committing = False
        try:
            with self.database.write() as connection:
                result = self._put(connection, message)
                committing = True
        except SQLAlchemyError as error:
            outcome = Outcome.UNKNOWN if committing else Outcome.RETRY
            return Result(outcome, reason=_reason(error))
        crash_point("notify.handed_over")
        return result

    def lookup(self, uuid: str) -> Found:
        with self.database.read() as connection:
            number = repository.number_of(connection, self.tables, uuid)
        return Found.NO if number is None else Found.YES

    def close(self) -> None:
        self.database.dispose()

    def _put(self, connection: Connection, message: Message) -> Result:
        serialize(connection, "gammu outbox")  # two that have the same message hand it over once
        number = repository.number_of(connection, self.tables, message.uuid)
        if number is None:
            # The daemon does not keep the order of what waits: nothing may overtake.
            if repository.waits_for(connection, self.tables, message.uuid, message.address):
                reason = "gammu: an earlier message to this number waits for the modem"
                return Result(Outcome.RETRY, reason=reason)
            number = repository.put(connection, self.tables, self._handing(message))
        return Result(Outcome.SENT, provider_id=f"{PREFIX}{number}")

    def _handing(self, message: Message) -> Handing:
        validity = NETWORKS_OWN
        if message.expires_at is not None:
            validity = relative_validity(message.expires_at - self._clock.now())
        return Handing(
            message.uuid,
            message.address,
            message.text,
            validity,
            self.settings.delivery_reports,
            self.settings.phone,
        )


class GammuInside(GammuSender):
    """Its tables lie in our own database, in a schema of their own."""

    def hand_over(self, connection: Connection, message: Message) -> Result:
        """Within the transaction in which the message is taken from our outbox. What fails here
        leaves that one whole."""
        try:
            with connection.begin_nested():
                connection.execute(text(f"SET LOCAL lock_timeout = '{_WAITS}'"))
                result = self._put(connection, message)
                connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
        except SQLAlchemyError as error:
            return Result(Outcome.RETRY, reason=_reason(error))
        return result

    def close(self) -> None:
        """It is our own database, which others close."""


def open_gammu(settings: GammuSettings, database: Database, clock: Clock) -> OpenedSender:
    return OpenedSender(gammu_sender(settings, database, clock))


def gammu_sender(settings: GammuSettings, database: Database, clock: Clock) -> GammuSender:
    """Raises ValueError naming the remedy."""
    url = settings.database.read()
    if url is not None:
        return GammuSender(settings, _other(url), clock)
    if database.is_sqlite:
        raise Unusable(
            "gammu-smsd's tables have to lie in PostgreSQL: [database] url names SQLite, so give "
            "'database' of [notify.sms], the address of the database in which they lie",
            "die Tabellen von gammu-smsd müssen in PostgreSQL liegen: [database] url nennt SQLite, "
            "also 'database' in [notify.sms] angeben, die Adresse der Datenbank mit den Tabellen",
        )
    return GammuInside(settings, database, clock)


def _other(address: str) -> Database:
    try:
        url = make_url(address)
        is_postgres = url.get_backend_name() == "postgresql"
    except SQLAlchemyError:
        is_postgres = False
    if not is_postgres:
        raise Unusable(
            "'database' of [notify.sms] is no address of a PostgreSQL: write it like "
            "postgresql://user:password@host/name",
            "'database' in [notify.sms] ist keine Adresse einer PostgreSQL-Datenbank: so "
            "schreiben: postgresql://benutzer:passwort@rechner/name",
        )
    limited = url.update_query_dict({**_LIMITS, **url.query})
    return open_database(limited.render_as_string(hide_password=False))


def _reason(error: SQLAlchemyError) -> str:
    return f"gammu: {kind_of(error)}"
