"""What the roles of one process share: database, directory, archive, series."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from stadtsinn.base.certificate_watch import CertificateWatch
from stadtsinn.base.clock import Clock
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.settings import CloudSettings
from stadtsinn.cloud.town.directory import DirectoryCache

if TYPE_CHECKING:
    from stadtsinn.cloud.erasure.slices import Storage
    from stadtsinn.cloud.series.stores.store import SeriesStore


class Parts:
    """What the roles of one process share."""

    def __init__(self, settings: CloudSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.database: Database = open_database(settings.database.url)
        self.directory = DirectoryCache(self.database)
        self.signal = LogSignal()
        self.archive = Archive(settings.archive.folder)
        self.window = LogWindow(self.archive)

    @cached_property
    def series(self) -> SeriesStore:
        from stadtsinn.cloud.series.stores.opening import open_store

        settings = self.settings.series
        return open_store(
            settings.url,
            token=settings.token.read(),
            org=settings.org,
            clock=self.clock,
            database=self.database,
        )

    @property
    def storage(self) -> Storage:
        """All places where data are kept."""
        from stadtsinn.cloud.erasure.slices import Storage

        return Storage(self.database, self.archive, self.series, self.clock)

    @cached_property
    def certificates(self) -> CertificateWatch:
        """Those that the ingest shows, that say whose an edge is, and that an operator names."""
        from stadtsinn.cloud.operations.metrics import CERTIFICATE_DAYS

        settings = self.settings
        brokers = [broker for _, broker in settings.intake.brokers()]
        authority = settings.edges.authority
        named = settings.operator.certificates
        return CertificateWatch(
            [broker.tls for broker in brokers if broker.tls],
            self.clock,
            CERTIFICATE_DAYS,
            files=(authority, *named) if authority else named,
        )

    def close(self) -> None:
        if "series" in self.__dict__:
            self.series.close()
        self.database.dispose()
