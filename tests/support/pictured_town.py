"""A town whose values are both judged and stored, and whose alarms go out by e-mail."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from databases import fresh_database
from fake_alert_town import DEVICE, STATION, TENANT, AlertTown, minute, uplink
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify import facts
from stadtsinn.cloud.alarms.notify.enclosed import Enclosed
from stadtsinn.cloud.alarms.notify.message import Kind, Message
from stadtsinn.cloud.alarms.notify.outbox_repository import text_of
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.alarms.pictures.service import AlarmPictures
from stadtsinn.cloud.series.retention.kept import KeptSeries
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change
from stadtsinn.decoders.reading import Reading


class PicturedTown:
    """Minutes count from ten o'clock, as in the `AlertTown`; those before it are below zero."""

    def __init__(self, folder: Path) -> None:
        self.town = AlertTown(fresh_database(folder))
        self.series = EmbeddedStore(folder / "series.sqlite", self.town.clock)
        kept = KeptSeries(self.series, self.town.database, self.town.clock)
        self.pictures = AlarmPictures(DirectoryCache(self.town.database), lambda: kept)
        self._position = 0

    def add(self, slug: str, dev_eui: str) -> None:
        """A further station with a device."""
        with change(self.town.database) as connection:
            self.town.device(connection, dev_eui)
            self.town.deploy(connection, dev_eui, self.town.station(connection, slug, slug.title()))

    def stored(
        self, *course: tuple[float, float], quantity: str, station: str = STATION, channel: str = ""
    ) -> None:
        key = SeriesKey(station, quantity, channel)
        self.series.write(
            Point(TENANT, "soil", key, minute(at), value, dev_eui=DEVICE) for at, value in course
        )

    def measured(
        self,
        *course: tuple[float, float],
        quantity: str,
        station: str = STATION,
        dev_eui: str = DEVICE,
    ) -> None:
        """Stored, and judged at its time."""
        self.stored(*course, quantity=quantity, station=station)
        for at, value in course:
            self._position += 1
            self.town.now(at)
            reading = Reading(quantity, value)
            self.town.apply(uplink(self._position, at, reading, dev_eui=dev_eui))
            self.town.tick()

    def messages(self, *kinds: Kind, language: Language = Language.DE) -> list[Message]:
        """What waits in the outbox, as a sender gets it."""
        query = select(outbox).order_by(outbox.c.id)
        if kinds:
            query = query.where(outbox.c.kind.in_([one.value for one in kinds]))
        with self.town.database.read() as connection:
            rows = connection.execute(query).all()
        return [
            Message(
                row.uuid,
                Kind(row.kind),
                "dienst@stadt.example",
                text_of(row),
                row.report_token,
                row.tenant_id,
                row.incident_id,
                row.level,
                language,
                row.created_at,
                facts.read(row.facts),
            )
            for row in rows
        ]

    def pictured(self, kind: Kind = Kind.ALARM, language: Language = Language.DE) -> Enclosed:
        """What the newest mail of this kind encloses."""
        return self.pictures(self.messages(kind, language=language)[-1])

    def close(self) -> None:
        self.series.close()
