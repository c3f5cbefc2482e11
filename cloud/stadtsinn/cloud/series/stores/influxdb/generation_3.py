"""Databases of InfluxDB 3, looked after by its own API."""

from __future__ import annotations

from collections.abc import Mapping

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb.http import DatabaseMissing, InfluxServer
from stadtsinn.cloud.series.stores.store import SeriesRejected


class InfluxDB3:
    """3: databases over its own API. It cannot delete rows, only a whole database."""

    _PATH = "/api/v3/configure/database"

    def __init__(self, server: InfluxServer) -> None:
        self._server = server

    def target(self, bucket: str) -> str:
        return bucket

    def create(self, bucket: str) -> None:
        answer = self._server.request("POST", self._PATH, json={"db": bucket})
        if answer.status_code not in (200, 201, 204, 409):  # 409: it is there already
            raise SeriesRejected(
                f"InfluxDB 3 makes no database {bucket!r}: {answer.text[:200]}",
                f"InfluxDB 3 legt keine Datenbank {bucket!r} an: {answer.text[:200]}",
            )

    def set_retention(self, bucket: str, days: int | None) -> None:
        period = None if days is None else f"{days}d"
        body = {"db": bucket, "retention_period": period}
        answer = self._server.request("PUT", self._PATH, json=body)
        if answer.status_code >= 400:
            raise SeriesRejected(
                "this InfluxDB 3 sets the retention only when a database is made: "
                f"make {bucket!r} with it before the first value is stored",
                "diese InfluxDB 3 nimmt eine Aufbewahrung nur beim Anlegen einer Datenbank an: "
                f"{bucket!r} damit anlegen, bevor der erste Wert kommt",
            )

    def retention(self, bucket: str) -> float | None:  # noqa: ARG002 (it does not tell)
        return None

    def check_not_hidden(self, bucket: str) -> None:
        """It refuses what may not be read."""

    def read_instead(self, bucket: str) -> str | None:  # noqa: ARG002
        return None  # names lead nowhere else

    def drop(self, bucket: str, tag: str, value: str) -> None:
        raise SeriesRejected(
            f"InfluxDB 3 cannot delete single rows ({tag} {value} in {bucket!r}): "
            "empty and rebuild the whole tenant",
            f"InfluxDB 3 kann keine einzelnen Zeilen löschen ({tag} {value} in {bucket!r}): die "
            "ganze Stadt leeren und neu aufbauen",
        )

    def check_can_delete(self) -> None:
        raise SeriesRejected(
            "InfluxDB 3 cannot delete single rows, so no part of a series can be replaced: "
            "use the embedded store, InfluxDB 1.8 or 2",
            "InfluxDB 3 kann keine einzelnen Zeilen löschen, daher lässt sich kein Teil einer "
            "Messreihe ersetzen: die eingebaute Ablage, InfluxDB 1.8 oder 2 nehmen",
        )

    def drop_range(self, bucket: str, station: str, start: Instant, end: Instant) -> None:  # noqa: ARG002
        self.check_can_delete()

    def drop_older(
        self,
        bucket: str,  # noqa: ARG002
        measurement: str,  # noqa: ARG002
        station: str,  # noqa: ARG002
        channels: Mapping[str, Instant],  # noqa: ARG002
    ) -> None:
        self.check_can_delete()

    def empty(self, bucket: str) -> None:
        answer = self._server.request("DELETE", self._PATH, params={"db": bucket})
        if answer.status_code == 404:
            raise DatabaseMissing(bucket)
        if answer.status_code >= 400:
            raise SeriesRejected(
                f"InfluxDB 3 keeps {bucket!r}: {answer.text[:200]}",
                f"InfluxDB 3 behält {bucket!r}: {answer.text[:200]}",
            )
        self.create(bucket)

    def remove(self, bucket: str) -> None:
        answer = self._server.request("DELETE", self._PATH, params={"db": bucket})
        if answer.status_code >= 400 and answer.status_code != 404:
            raise SeriesRejected(
                f"InfluxDB 3 keeps {bucket!r}: {answer.text[:200]}",
                f"InfluxDB 3 behält {bucket!r}: {answer.text[:200]}",
            )
