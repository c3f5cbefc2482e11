"""Reading a device file: TOML → typed model, with errors that name file, place and remedy."""

from __future__ import annotations

import threading
import tomllib
from typing import Any, get_args

import msgspec

from stadtsinn.base.explaining import explained
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.decoders.language import model

# msgspec 0.22 builds what it needs of a class when it first converts to it; two threads at once
# end the process with a segmentation fault. Followers load device files on threads of their own.
_CONVERTING = threading.Lock()

MIN_EXAMPLES = 3

_NO_FRAMES = Sentence(
    "no [[frames]]; describe at least one frame",
    "kein [[frames]]; mindestens einen Frame beschreiben",
)
_ITEMS_EXPECTED = Sentence("expected a list of items", "erwartet wird eine Liste von Einträgen")
_TABLE_EXPECTED = Sentence("expected a table { … }", "erwartet wird eine Tabelle { … }")
_TABLES_EXPECTED = Sentence("expected a list of tables", "erwartet wird eine Liste von Tabellen")


class DeviceFileError(Unusable):
    """A device file that cannot be used; the text names file, line, place and remedy."""

    def __init__(self, file: str, place: str, message: Sentence, line: int | None = None) -> None:
        said = message.about(file if line is None else f"{file}:{line}", place)
        super().__init__(said.english, said.german)
        self.file, self.place, self.message = file, place, message

    def at(self, line: int | None) -> DeviceFileError:
        """The same error, with its line."""
        return DeviceFileError(self.file, self.place, self.message, line)


_ITEMS: dict[str, type[model.Strict]] = {
    next(iter(msgspec.structs.fields(kind))).name: kind for kind in get_args(model.Item)
}
"""Each item kind by the key that identifies it: the first field of its struct."""

_NESTED = {"body", "otherwise", "optional"}
_HOLDERS: dict[str, type[model.Strict]] = {
    "cases": model.Case,
    "entries": model.Entry,
    "groups": model.Group,
}


def load(text: str, file: str) -> model.DeviceFile:
    """The model of a device file's text; `file` is named in errors.

    Raises DeviceFileError.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeviceFileError(file, "", explained(error)) from None
    frames = raw.pop("frames", None)
    if not isinstance(frames, list) or not frames:
        raise DeviceFileError(file, "", _NO_FRAMES)
    read = tuple(_frame(frame, f"frames[{i}]", file) for i, frame in enumerate(frames))
    device = _convert({**raw, "frames": ()}, model.DeviceFile, "", file)
    assert isinstance(device, model.DeviceFile)
    if len(device.examples) < MIN_EXAMPLES:
        raise DeviceFileError(
            file,
            "examples",
            Sentence(
                f"{len(device.examples)} [[examples]]; a device needs at least {MIN_EXAMPLES} "
                "real payloads with expected readings and vendor fields",
                f"{len(device.examples)} [[examples]]; ein Gerät braucht mindestens {MIN_EXAMPLES} "
                "echte Nutzdaten mit erwarteten Messwerten und Feldern des Herstellers",
            ),
        )
    return msgspec.structs.replace(device, frames=read)


def _frame(raw: object, place: str, file: str) -> model.Frame:
    table = _table(raw, place, file)
    body = _body(table.pop("body", None), f"{place}.body", file)
    frame = _convert({**table, "body": ()}, model.Frame, place, file)
    assert isinstance(frame, model.Frame)
    return msgspec.structs.replace(frame, body=body)


def _body(raw: object, place: str, file: str) -> tuple[model.Item, ...]:
    if not isinstance(raw, list):
        raise DeviceFileError(file, place, _ITEMS_EXPECTED)
    return tuple(_item(item, f"{place}[{i}]", file) for i, item in enumerate(raw))


def _item(raw: object, place: str, file: str) -> model.Item:
    table = _table(raw, place, file)
    kinds = [key for key in table if key in _ITEMS]
    if len(kinds) > 1 and "list" in kinds:
        kinds = ["list"]
    if len(kinds) != 1:
        known = ", ".join(sorted(_ITEMS))
        raise DeviceFileError(
            file,
            place,
            Sentence(
                f"an item needs exactly one of {known}; found {', '.join(kinds) or 'none'}",
                f"ein Eintrag braucht genau eines von {known}; gefunden: "
                f"{', '.join(kinds) or 'keines'}",
            ),
        )
    return _filled(table, _ITEMS[kinds[0]], place, file)  # type: ignore[return-value]


def _filled(table: dict[str, Any], kind: type[model.Strict], place: str, file: str) -> model.Strict:
    """`table` as `kind`. Nested bodies are read here: msgspec cannot select a struct by its key."""
    nested: dict[str, object] = {}
    for key in _NESTED & table.keys():
        nested[key] = _body(table[key], f"{place}.{key}", file)
    for key in _HOLDERS.keys() & table.keys():
        holders = table[key]
        if not isinstance(holders, list) or not holders:
            raise DeviceFileError(file, f"{place}.{key}", _TABLES_EXPECTED)
        nested[key] = tuple(
            _filled(
                _table(h, f"{place}.{key}[{i}]", file), _HOLDERS[key], f"{place}.{key}[{i}]", file
            )
            for i, h in enumerate(holders)
        )
    plain = _convert({**table, **dict.fromkeys(nested, ())}, kind, place, file)
    return msgspec.structs.replace(plain, **nested)


def _convert(
    table: dict[str, Any], kind: type[model.Strict], place: str, file: str
) -> model.Strict:
    try:
        with _CONVERTING:
            return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        message, _, inner = str(error).partition(" - at ")
        where = (place + inner.strip("`").removeprefix("$")).lstrip(".")
        known = ", ".join(f.name for f in msgspec.structs.fields(kind))
        said = Sentence(
            f"{message} (keys here: {known})", f"passt hier nicht: {message} (Schlüssel: {known})"
        )
        raise DeviceFileError(file, where, said) from None


def _table(raw: object, place: str, file: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise DeviceFileError(file, place, _TABLE_EXPECTED)
    return dict(raw)
