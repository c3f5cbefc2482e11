"""Files that are read whole have a size that they may have: who names a wrong one, or a pipe that
never ends, gets a sentence and not a machine without memory."""

from __future__ import annotations

import errno
from importlib.resources.abc import Traversable
from pathlib import Path

from stadtsinn.base.sentence import Explained

MEGABYTE = 1_000_000
SETTINGS = 1 * MEGABYTE
"""What people write or a tool makes for one thing: configuration, secret, certificate, device."""
LISTS = 16 * MEGABYTE
"""What lists all that a town or a backup has: 25,000 devices take 5 MB."""
REGISTERS = 256 * MEGABYTE
"""What comes from another system of the town: 100,000 trees as GeoJSON take 60 MB."""


class TooLarge(Explained, OSError):
    """A file is larger than what is read at once."""

    def __init__(self, path: Path | Traversable, most: int) -> None:
        size = most // MEGABYTE
        super().__init__(
            f"{path} has more than {size} MB, which no such file has: is it the right one? "
            "Otherwise split it",
            f"{path} hat mehr als {size} MB, so groß ist keine solche Datei: ist es die richtige? "
            "Sonst bitte aufteilen",
        )
        self.errno = errno.EFBIG
        self.strerror = self.sentence.english


def read_whole(path: Path | Traversable, most: int = SETTINGS) -> bytes:
    """What a file holds. Raises TooLarge, OSError."""
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise TooLarge(path, most)
    return content


def read_whole_text(path: Path | Traversable, most: int = SETTINGS) -> str:
    """The text of a file, each line ended by ``\\n``. Raises TooLarge, OSError,
    UnicodeDecodeError."""
    return read_whole(path, most).decode().replace("\r\n", "\n").replace("\r", "\n")
