"""How configuration files name the PEM files of a TLS connection."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stadtsinn.base.mqtt.link import Tls


class TlsFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Paths of PEM files, relative to the configuration file."""

    ca: str
    certificate: str | None = None
    key: str | None = None

    def resolve(self, folder: str) -> Tls:
        """The files as seen from the configuration file's folder."""
        return Tls(
            ca=Path(folder, self.ca),
            certificate=Path(folder, self.certificate) if self.certificate else None,
            key=Path(folder, self.key) if self.key else None,
        )
