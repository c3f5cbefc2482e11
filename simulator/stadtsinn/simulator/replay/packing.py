"""A recording's bytes: unpacked where they are packed, or named where they are no text at all."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path

from stadtsinn.base.bounded_files import read_whole
from stadtsinn.base.sentence import Sentence
from stadtsinn.base.text_files import NoText, decoded
from stadtsinn.simulator.replay.refusal import NotARecording

_LARGEST = 1 << 30
"""Bytes: more does not become a recording that anybody replays at once."""
_FOLDED = 3
"""A packed file may hold a packed one, so often."""

_GZIP, _BZIP2, _XZ, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04"

_AS_TEXT = (
    "save what it holds as text (JSON lines) and replay that",
    "den Inhalt als Text (JSON-Zeilen) speichern und diesen abspielen",
)
_UNPACK = ("unpack it first", "vorher entpacken")
_RECORD = (
    "record the network server's events over MQTT instead ('mosquitto_sub -F %j')",
    "stattdessen die Ereignisse des Netzwerkservers über MQTT aufzeichnen ('mosquitto_sub -F %j')",
)
_KINDS: tuple[tuple[bytes, str, str, tuple[str, str]], ...] = (
    (b"\xd4\xc3\xb2\xa1", "a network capture (pcap)", "ein Netzwerkmitschnitt (pcap)", _RECORD),
    (b"\xa1\xb2\xc3\xd4", "a network capture (pcap)", "ein Netzwerkmitschnitt (pcap)", _RECORD),
    (b"\x0a\x0d\x0d\x0a", "a network capture (pcapng)", "ein Netzwerkmitschnitt (pcapng)", _RECORD),
    (b"SQLite format 3\0", "an SQLite database", "eine SQLite-Datenbank", _RECORD),
    (b"PGDMP", "a dump of PostgreSQL", "ein Dump von PostgreSQL", _RECORD),
    (b"PAR1", "a Parquet file", "eine Parquet-Datei", _AS_TEXT),
    (b"%PDF", "a PDF", "ein PDF", _RECORD),
    (b"\x89PNG", "a picture", "ein Bild", _AS_TEXT),
    (b"\xff\xd8\xff", "a picture", "ein Bild", _AS_TEXT),
    (b"\xd0\xcf\x11\xe0", "an Excel or Word file", "eine Excel- oder Word-Datei", _AS_TEXT),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "mit zstd gepackt", _UNPACK),
    (b"7z\xbc\xaf", "packed by 7-Zip", "mit 7-Zip gepackt", _UNPACK),
)


def text_of(path: Path) -> str:
    """The text of a recording, unpacked. Raises OSError, NotARecording."""
    content = read_whole(path, _LARGEST)
    for _ in range(_FOLDED):
        content, packed = _unpacked(content), content
        if content is packed:
            break
    if not content.strip():
        raise NotARecording(
            "the file is empty: was anything sent while it was recorded?",
            "die Datei ist leer: wurde während der Aufzeichnung etwas gesendet?",
        )
    for beginning, english, german, remedy in _KINDS:
        if content.startswith(beginning):
            raise NotARecording(f"this is {english}: {remedy[0]}", f"das ist {german}: {remedy[1]}")
    try:
        return decoded(content)
    except NoText:
        raise NotARecording(
            "this is no text: record protobuf events in hex "
            '(mosquitto_sub -F \'{"topic":"%t","payload_hex":"%x"}\')',
            "das ist kein Text: Protobuf-Ereignisse hexadezimal aufzeichnen "
            '(mosquitto_sub -F \'{"topic":"%t","payload_hex":"%x"}\')',
        ) from None


def _unpacked(content: bytes) -> bytes:
    """What was packed; the same bytes where nothing was. A cut-off end costs only itself."""
    if content.startswith(_GZIP):
        return _inflated(gzip.GzipFile(fileobj=io.BytesIO(content)))
    if content.startswith(_BZIP2):
        return _inflated(bz2.BZ2File(io.BytesIO(content)))
    if content.startswith(_XZ):
        return _inflated(lzma.LZMAFile(io.BytesIO(content)))
    if content.startswith(_ZIP):
        return _only_file(content)
    return content


def _inflated(stream: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        while part := stream.read1(1 << 20):
            parts.append(part)
            size += len(part)
            if size > _LARGEST:
                raise NotARecording.of(_TOO_LARGE)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        if not parts:
            raise NotARecording.of(_DAMAGED) from None
    return b"".join(parts)


def _only_file(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            files = [one for one in packed.infolist() if not one.is_dir()]
            if any(one.filename == "[Content_Types].xml" for one in files):
                raise NotARecording(
                    "this is an Excel or Word file: a list of devices is for 'stadtsinn "
                    "registry import-devices' (saved as CSV); a recording has the network "
                    "server's events as text",
                    "das ist eine Excel- oder Word-Datei: eine Geräteliste ist für 'stadtsinn "
                    "registry import-devices' (als CSV gespeichert); eine Aufzeichnung hat die "
                    "Ereignisse des Netzwerkservers als Text",
                )
            if len(files) != 1:
                raise NotARecording(
                    f"this is a ZIP with {len(files)} files: unpack it and replay each",
                    f"das ist ein ZIP mit {len(files)} Dateien: entpacken und einzeln abspielen",
                )
            if files[0].file_size > _LARGEST:
                raise NotARecording.of(_TOO_LARGE)
            return packed.read(files[0])
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error):
        raise NotARecording.of(_DAMAGED) from None


_TOO_LARGE = Sentence(
    "unpacked it has more than 1 GiB: split it", "entpackt hat sie mehr als 1 GiB: aufteilen"
)
_DAMAGED = Sentence(
    "the packed file is damaged or protected by a password: unpack it first",
    "die gepackte Datei ist beschädigt oder mit Passwort geschützt: vorher entpacken",
)
