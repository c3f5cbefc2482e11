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

_WITHOUT = "groups are decoded by the interpreter"
_COMPILER = [sys.executable, "-P", "-m", "stadtsinn.decoders.kernel_cache"]


class GroupDecoder:
    """Decodes the groups of one thread; `start` loads the kernel.

    Kernel and interpreter give the same bytes, so nothing waits for a kernel that is not compiled
    yet. Loading a compiled one takes half a second while nothing else runs, but several beside a
    thread that decodes: so that is done before the first message is asked for.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._kernel: EncodedBatchDecoder | None = None

    def start(self) -> None:
        """Load the kernel; where the cache is not ready, a child compiles it meanwhile."""
        try:
            # numba takes a second to import, and commands that only read the quarantine do without.
            from stadtsinn.decoders.compiled_kernel import is_ready

            if is_ready():
                self.load()
            else:
                threading.Thread(target=self._compile, name="kernel-loader", daemon=True).start()
        except Exception:  # without it the ingest works, only slower
            log.exception("kernel_not_loaded", meaning=_WITHOUT)

    def load(self) -> None:
        """Load the kernel now. Raises ImportError without numba."""
        # As in `start`.
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

    def _compile(self) -> None:
        try:
            subprocess.run(_COMPILER, check=False, stdin=subprocess.DEVNULL, capture_output=True)
            self.load()
        except Exception:  # as in `start`
            log.exception("kernel_not_loaded", meaning=_WITHOUT)
