"""The next kind of source, made inside this test: one class, one entry in the list of sources."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_uplinks import CHIRPSTACK, at, chirpstack_event, event_topic, uplink
from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.clock import Clock, ManualClock
from stadtsinn.base.mqtt.link import Message
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cloud.intake.arrival import Arrival, Kind, Origin, Original
from stadtsinn.cloud.intake.inbox import Inbox, Received
from stadtsinn.cloud.intake.reading import read_server_event
from stadtsinn.cloud.intake.repository import quarantined
from stadtsinn.cloud.intake.role import SOURCES, Ingest, build_ingest
from stadtsinn.cloud.intake.settings import IntakeSettings
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.uplinks.repository import read_after
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.settings import parse_settings
from stadtsinn.cloud.town.directory import Directory, DirectoryCache

KNOWN, NEW = "70b3d50000000100", "70b3d50000000900"


class FolderSource:
    """Events that another program puts into a folder, a file each; taken files are deleted."""

    name = "folder:in"
    connected = True

    def __init__(self, folder: Path, inbox: Inbox, clock: Clock) -> None:
        self._files = sorted(folder.iterdir())
        self._inbox = inbox
        self._clock = clock
        self._thread = threading.Thread(target=self._put)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.join(PATIENCE_S)

    def ended(self) -> str | None:
        return None

    def _put(self) -> None:
        for number, file in enumerate(self._files):
            event = file.read_bytes()
            topic, origin, now = event_topic(file.stem), Origin(self.name, None), self._clock.now()
            original = Original(
                Kind.EVENT, origin, topic, event, len(event), now, format=CHIRPSTACK.name
            )
            message = Message(topic, event, False, number, 1, 1)
            self._inbox.put(Received(self, original, message))

    def read(self, original: Original, directory: Directory) -> Arrival:
        return read_server_event(CHIRPSTACK, original)

    def acknowledge(self, *messages: Message) -> None:
        for message in messages:
            self._files[message.packet_id].unlink()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With an event of a registered device, and one of a device that nobody registered."""
    made = tmp_path / "in"
    made.mkdir()
    for eui in (KNOWN, NEW):
        (made / f"{eui}.json").write_bytes(chirpstack_event(uplink(7, 60, dev_eui=eui)))
    return made


@pytest.fixture
def ingest(
    folder: Path,
    database: Database,
    directory: DirectoryCache,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ingest]:
    def opened(_settings: IntakeSettings, inbox: Inbox, its_clock: Clock) -> Iterator[FolderSource]:
        yield FolderSource(folder, inbox, its_clock)

    monkeypatch.setattr("stadtsinn.cloud.intake.role.SOURCES", [*SOURCES, opened])
    ingest = _build(folder.parent, database, directory, clock)
    ingest.start()
    yield ingest
    ingest.stop()


def _build(
    folder: Path, database: Database, directory: DirectoryCache, clock: ManualClock
) -> Ingest:
    settings = parse_settings("[ingest]\nedges = false", folder / "cloud.toml")
    archive = Archive(folder / "archive")
    return build_ingest(settings.intake, database, directory, clock, LogSignal(), archive)


def test_its_events_are_committed_before_they_are_acknowledged(
    ingest: Ingest, folder: Path, database: Database
) -> None:
    wait_until(lambda: not any(folder.iterdir()), "both files are taken")
    with database.read() as connection:
        (entry,) = read_after(connection, 0, 10)
        (refused,) = quarantined(connection)
    assert (entry.source, entry.dev_eui, entry.event_time) == ("folder:in", KNOWN, at(60))
    assert (refused.source, refused.reason) == ("folder:in", "unregistered_device")
    assert refused.format == "chirpstack", "so that a replay reads it right"


def test_it_has_its_check_on_the_health_page(ingest: Ingest) -> None:
    assert ingest.checks()["broker folder:in"]().ok


def test_without_it_there_is_no_source(
    tmp_path: Path, database: Database, directory: DirectoryCache, clock: ManualClock
) -> None:
    with pytest.raises(SettingsError, match="no source"):
        _build(tmp_path, database, directory, clock)
