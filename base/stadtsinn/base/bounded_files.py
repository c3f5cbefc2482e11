"""Files that are read whole have a size that they may have: who names a wrong one, or a pipe that
never ends, gets a sentence and not a machine without memory."""

from __future__ import annotations

import errno
from pathlib import Path

from stadtsinn.base.sentence import Sentence

MEGABYTE = 1_000_000
SETTINGS = 1 * MEGABYTE
"""What people write or a tool makes for one thing: configuration, secret, certificate, device."""
LISTS = 16 * MEGABYTE
"""What lists all that a town or a backup has: 25,000 devices take 5 MB."""


class TooLarge(OSError):
    """A file is larger than what is read at once; `sentence` says so to people."""

    def __init__(self, path: Path, most: int) -> None:
        size = most // MEGABYTE
        self.sentence = Sentence(
            f"{path} has more than {size} MB, which no such file has: is it the right one? "
            "Otherwise split it",
            f"{path} hat mehr als {size} MB, so groß ist keine solche Datei: ist es die richtige? "
            "Sonst bitte aufteilen",
        )
        super().__init__(errno.EFBIG, self.sentence.english, str(path))

    def __str__(self) -> str:
        return self.sentence.english


def read_whole(path: Path, most: int = SETTINGS) -> bytes:
    """What a file holds. Raises TooLarge, OSError."""
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise TooLarge(path, most)
    return content


def read_whole_text(path: Path, most: int = SETTINGS) -> str:
    """The text of a file, each line ended by ``\\n``. Raises TooLarge, OSError,
    UnicodeDecodeError."""
    return read_whole(path, most).decode().replace("\r\n", "\n").replace("\r", "\n")
