"""How a supplier writes lists: told once, remembered for the next delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from stadtsinn.base.bounded_files import read_whole
from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.private_files import private_folder
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.base.whole_files import write_secret
from stadtsinn.cloud.town_file.device_columns import ALL_FIELDS

_FILE = "suppliers.json"
_LEFT_OUT = "-"


class Supplier(msgspec.Struct, frozen=True):
    """`columns`: what columns hold, by their heads. `types`: as ``--type`` says them."""

    columns: Mapping[str, str] = msgspec.field(default_factory=dict)
    types: tuple[str, ...] = ()

    def told(self, columns: Sequence[str], types: Sequence[str]) -> Supplier:
        """With what is told now: ``Head=field`` and ``Model=vendor/device``. Raises Unusable."""
        return Supplier(
            {**self.columns, **dict(map(_column, columns))},
            (*(one for one in self.types if one not in types), *types),
        )


def _column(stated: str) -> tuple[str, str]:
    head, equals, field_name = stated.rpartition("=")
    if not equals or not head.strip() or field_name not in {*ALL_FIELDS, _LEFT_OUT}:
        known = ", ".join(ALL_FIELDS)
        raise Unusable(
            f"--column '{stated}': write HEAD=FIELD with one of {known}, or - to leave it out",
            f"--column '{stated}': KOPF=FELD schreiben, mit einem von {known}, oder - zum "
            "Weglassen",
        )
    return head.strip(), "" if field_name == _LEFT_OUT else field_name


class Suppliers:
    """Those that are remembered in a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def read(self) -> dict[str, Supplier]:
        """By name. Raises Explained where the file is damaged."""
        if not self._path.exists():
            return {}
        try:
            return msgspec.json.decode(read_whole(self._path), type=dict[str, Supplier])
        except UNREADABLE:
            raise Explained(
                f"{self._path} is damaged: delete it, and tell columns and types again",
                f"{self._path} ist beschädigt: löschen und Spalten und Typen noch einmal angeben",
            ) from None

    def remember(self, name: str, supplier: Supplier) -> None:
        """Raises OSError."""
        known = {**self.read(), name: supplier}
        private_folder(self._path.parent)
        write_secret(self._path, msgspec.json.format(msgspec.json.encode(known)))
