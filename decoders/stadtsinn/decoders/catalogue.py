"""The catalogue: every known device type, and decoding by its id.

A device file is read when its device is used for the first time, so a process that decodes one
device type does not load two hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from stadtsinn.base.bounded_files import read_whole_text
from stadtsinn.base.explaining import explained
from stadtsinn.base.instant import Instant
from stadtsinn.base.sentence import Sentence
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.language.load import DeviceFileError
from stadtsinn.decoders.near import near_devices
from stadtsinn.decoders.reading import Outcome, Undecoded, VendorFields
from stadtsinn.decoders.reference import parse_reference
from stadtsinn.decoders.uplink import Frame

if TYPE_CHECKING:
    from stadtsinn.decoders.batch_decoder import BatchDecoder

_KERNEL_FROM = 128
"""Frames from which a batch is worth numba's import (about half a second, once)."""

_NO_FILES = Sentence(
    "no device files; they lie in vendor/device.toml",
    "keine Gerätedateien; sie liegen in hersteller/geraet.toml",
)
_TAKEN = Sentence(
    "is in the catalogue; choose another name", "steht schon im Katalog; einen anderen Namen wählen"
)
_NONE_ASSIGNED = Sentence(
    "unknown device: none is assigned; map its device profile or tag to a device id",
    "unbekanntes Gerät: keines ist zugeordnet; sein Geräteprofil oder Tag einem Gerätetyp zuordnen",
)


class Catalogue:
    """Device types by id ``<vendor>/<device>``, from folders of device files."""

    def __init__(self, files: Mapping[str, Traversable]) -> None:
        self._files = dict(sorted(files.items()))
        self._devices: dict[str, DeviceType] = {}

    def __contains__(self, device: object) -> bool:
        return isinstance(device, str) and self.find(device) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def add_folder(self, folder: Path) -> None:
        """Add the device files of a folder; each is loaded, to find errors now.

        Raises DeviceFileError for a file that cannot be used, a name that is taken, or no file.
        """
        files = device_files(folder) if folder.is_dir() else {}
        if not files:
            raise DeviceFileError(str(folder), "", _NO_FILES)
        for device in sorted(files.keys() & self._files.keys()):
            raise DeviceFileError(f"{device}.toml", "", _TAKEN)
        added = Catalogue(files)
        for device in added:
            added.device(device)
        self._files = dict(sorted({**self._files, **files}.items()))

    def device(self, device: str) -> DeviceType:
        """The device type of that id or reference (see reference.py).

        Raises KeyError with near matches, ValueError for constants that the device type does not
        have, DeviceFileError.
        """
        found = self._devices.get(device)
        if found is not None:
            return found
        reference = parse_reference(device)
        if reference.device not in self._files:
            raise KeyError(self.unknown(device))
        text = read_whole_text(self._files[reference.device])
        found = self._devices[device] = DeviceType(device, text, reference.constants)
        return found

    def unknown(self, device: str | None) -> str:
        """The error text for a device that is not in the catalogue."""
        return self.is_unknown(device).english

    def is_unknown(self, device: str | None) -> Sentence:
        """The same in both languages."""
        if device is None:
            return _NONE_ASSIGNED
        try:
            reference = parse_reference(device)
            if reference.device in self._files:
                self.device(device)
        except DeviceFileError:
            raise
        except ValueError as error:
            said = explained(error)
            return Sentence(
                f"unknown device {device!r}: {said.english}",
                f"unbekanntes Gerät {device!r}: {said.german}",
            )
        near = ", ".join(near_devices(reference.device, self._files))
        hint = f"near: {near}" if near else "see `stadtsinn decode --list`"
        german = f"ähnlich: {near}" if near else "siehe 'stadtsinn decode --list'"
        return Sentence(
            f"unknown device {device!r}; {hint}", f"unbekanntes Gerät {device!r}; {german}"
        )

    def decode(
        self, device: str | None, f_port: int, payload: bytes, received: Instant | None = None
    ) -> Outcome:
        """Readings of one payload received at `received`; never raises for any argument."""
        found = self.find(device)
        if found is None:
            return Undecoded("unknown_device", self.unknown(device))
        return found.decode(f_port, payload, received)

    def decode_with_vendor(
        self, device: str | None, f_port: int, payload: bytes, received: Instant | None = None
    ) -> tuple[Outcome, VendorFields]:
        """As decode, with the vendor's own keys and values (empty when undecoded)."""
        found = self.find(device)
        if found is None:
            return Undecoded("unknown_device", self.unknown(device)), {}
        return found.decode_with_vendor(f_port, payload, received)

    def decode_batch(self, frames: Sequence[Frame]) -> list[Outcome]:
        """As decode for each frame.

        Larger batches go through the kernel where numba is installed, with the same results.
        """
        decoder = self._batch_decoder if len(frames) >= _KERNEL_FROM else None
        if decoder is None:
            return [self.decode(*frame) for frame in frames]
        return decoder.decode(frames)

    @cached_property
    def _batch_decoder(self) -> BatchDecoder | None:
        try:
            from stadtsinn.decoders.batch_decoder import BatchDecoder
        except ImportError:
            return None  # numba is an extra: a plain installation decodes with the interpreter
        return BatchDecoder(self.find, self.unknown)

    def find(self, device: str | None) -> DeviceType | None:
        """The device type of a reference; None for one that is unknown or cannot be read."""
        if device is None:
            return None
        found = self._devices.get(device)
        if found is not None:
            return found
        try:
            known = parse_reference(device).device in self._files
            return self.device(device) if known else None
        except DeviceFileError:
            raise
        except ValueError:
            return None


def device_files(folder: Traversable) -> dict[str, Traversable]:
    """Device files below a folder by id: ``<vendor>/<device>.toml``."""
    return {
        f"{vendor.name}/{file.name.removesuffix('.toml')}": file
        for vendor in folder.iterdir()
        if vendor.is_dir()
        for file in vendor.iterdir()
        if file.name.endswith(".toml")
    }


@cache
def catalogue() -> Catalogue:
    """The built-in device types."""
    folder = resources.files("stadtsinn.decoders") / "devices"
    if not folder.is_dir():
        raise DeviceFileError(
            "devices/",
            "",
            Sentence(
                "is not in the package; install stadtsinn again",
                "fehlt im Paket; stadtsinn noch einmal installieren",
            ),
        )
    return Catalogue(device_files(folder))
