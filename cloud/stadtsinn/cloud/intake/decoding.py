"""Decodes what the ingest takes: groups by the kernel once it is loaded, else the interpreter.

Every payload is decoded here, also one that an edge has decoded before: with the kernel that costs
less than reading and checking what the edge says about it (decision record 0015).
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from stadtsinn.base.instant import Instant
from stadtsinn.decoders.catalogue import Catalogue
from stadtsinn.decoders.reading import encode_outcome
from stadtsinn.decoders.uplink import Frame

if TYPE_CHECKING:
    from stadtsinn.decoders.encoded_batch import EncodedBatchDecoder

log = structlog.get_logger()

KERNEL_FROM = 16
"""Frames from which a group goes through the kernel: below, its fixed cost is the larger."""

_COMPILER = [sys.executable, "-P", "-m", "stadtsinn.decoders.kernel_cache"]


class GroupDecoder:
    """Decodes the groups of one thread; `start` begins to load the kernel on another.

    Kernel and interpreter give the same bytes, so nothing waits for the kernel.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._kernel: EncodedBatchDecoder | None = None

    def start(self) -> None:
        """Load the kernel in the background; a child compiles it where no cache has it."""
        threading.Thread(target=self._load, name="kernel-loader", daemon=True).start()

    def load(self) -> None:
        """Load the kernel now. Raises ImportError without numba."""
        # numba takes a second to import, and commands that only read the quarantine do without.
        from stadtsinn.decoders.encoded_batch import EncodedBatchDecoder

        kernel = EncodedBatchDecoder(self._catalogue.find)
        kernel.decode([(next(iter(self._catalogue), None), 1, b"\0", Instant(0))])
        self._kernel = kernel

    def decode(self, frames: Sequence[Frame]) -> list[bytes | None]:
        """The outcome of each frame in MessagePack; None for a device type nobody knows here."""
        kernel = self._kernel
        if kernel is not None and len(frames) >= KERNEL_FROM:
            try:
                return kernel.decode(frames)
            except Exception:  # the interpreter gives the same, only slower
                log.exception("kernel_failed", frames=len(frames))
                self._kernel = None
        return [self._interpret(frame) for frame in frames]

    def _interpret(self, frame: Frame) -> bytes | None:
        device, f_port, payload, received = frame
        found = self._catalogue.find(device)
        return None if found is None else encode_outcome(found.decode(f_port, payload, received))

    def _load(self) -> None:
        try:
            # numba takes a second to import: as in `load`.
            from stadtsinn.decoders.compiled_kernel import has_cache

            if not has_cache():
                subprocess.run(
                    _COMPILER, check=False, stdin=subprocess.DEVNULL, capture_output=True
                )
            self.load()
        except Exception:  # without it the ingest works, only slower
            log.exception("kernel_not_loaded", meaning="groups are decoded by the interpreter")
