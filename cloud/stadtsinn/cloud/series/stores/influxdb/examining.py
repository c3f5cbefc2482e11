"""What an InfluxDB lets us do with a tenant's bucket, asked without writing anything."""

from __future__ import annotations

from collections.abc import Callable

from stadtsinn.cloud.series.stores.influxdb.generations import Generation
from stadtsinn.cloud.series.stores.influxdb.http import DatabaseMissing, InfluxServer
from stadtsinn.cloud.series.stores.store import Finding, SeriesRejected, SeriesUnavailable, Trouble


class InfluxExaminer:
    """`bucket` names that of a tenant."""

    def __init__(
        self,
        server: InfluxServer,
        generation: Callable[[], Generation],
        bucket: Callable[[str], str],
    ) -> None:
        self._server = server
        self._generation = generation
        self._bucket = bucket

    def examine(self, tenant_id: str) -> list[Finding]:
        """Raises SeriesUnavailable where the server does not answer at all."""
        bucket, generation = self._bucket(tenant_id), self._generation()
        found = []
        try:
            if not self._server.may_write(generation.target(bucket)):
                found.append(Finding(Trouble.NO_WRITING, bucket))
        except DatabaseMissing:
            return [Finding(Trouble.NO_BUCKET, bucket)]
        try:
            self._server.query("SHOW MEASUREMENTS LIMIT 1", bucket)
            generation.check_not_hidden(bucket)
        except DatabaseMissing:
            return [Finding(Trouble.NO_BUCKET, bucket)]
        except (SeriesUnavailable, SeriesRejected) as error:
            found.append(Finding(Trouble.NO_READING, bucket, str(error)))
        try:
            other, days = generation.read_instead(bucket), generation.retention(bucket)
        except (SeriesUnavailable, SeriesRejected, DatabaseMissing):
            return found  # to look at buckets takes a right that the cloud does not need
        if other is not None:
            found.append(Finding(Trouble.READ_INSTEAD, bucket, other))
        if days is not None:
            found.append(Finding(Trouble.EXPIRES, bucket, f"{days:g}"))
        return found
