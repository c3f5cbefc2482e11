"""Device types whose file changed: an older catalogue and the present one."""

from __future__ import annotations

from pathlib import Path

from stadtsinn.decoders.catalogue import Catalogue

SOIL, LOGGER, STABLE = "test/soil", "test/logger", "test/stable"

_HEAD = """
vendor = "Test"
product = "{id}"
family = "soil"
version = {version}
manual = "none: made for tests"
lorawan_class = "A"
battery = "none"
summary = "A sensor of tests."

[[firmware]]
versions = "all"
note = "one"
"""
_EXAMPLE = """
[[examples]]
title = "{number}"
port = {port}
bytes = "{bytes}"
source = "made for tests"
readings = []
vendor = {{}}
"""

_SOIL = {
    1: """
[[frames]]
title = "measurement"
ports = [2, 4]
body = [
  { type = "u16be", div = 10, quantity = "soil_moisture", unit = "%", channel = "30cm" },
  { type = "i16be", div = 10, quantity = "soil_temperature", unit = "Cel" },
  { type = "u16be", div = 1000, quantity = "battery_voltage", unit = "V" },
]
""",
    # Other values, one quantity gone and one new, another range, port 4 gone and port 3 new.
    2: """
[[frames]]
title = "measurement"
ports = [2, 3]
body = [
  { type = "u16be", div = 5, quantity = "soil_moisture", unit = "%", channel = "30cm" },
  { type = "i16be", div = 10, quantity = "soil_temperature", unit = "Cel", range = [-5, 30] },
  { type = "u16be", quantity = "soil_conductivity", unit = "uS/cm" },
]
""",
}
_LOGGER = """
[[frames]]
title = "a value of before"
ports = [5]
body = [
  {{ type = "u32be", name = "seconds", peek = 0 }},
  {{ record = "", time = "seconds", body = [
    {{ skip = 4 }},
    {{ type = "u16be", div = {div}, quantity = "soil_moisture", unit = "%" }},
  ] }},
]

[[frames]]
title = "a value of now"
ports = [6]
body = [{{ type = "u16be", div = {div}, quantity = "soil_moisture", unit = "%" }}]
"""
_STABLE = """
[[frames]]
title = "measurement"
ports = [2]
body = [{ type = "i16be", div = 10, quantity = "temperature", unit = "Cel" }]
"""


def write_catalogue(folder: Path, version: int) -> Catalogue:
    """The older catalogue (1) or the present one (2), in files below a folder."""
    texts = {
        SOIL: _text(SOIL, version, _SOIL[version], "00010002", 2),
        LOGGER: _text(LOGGER, version, _LOGGER.format(div=10 if version == 1 else 5), "0001", 6),
        STABLE: _text(STABLE, 1, _STABLE, "0001", 2),
    }
    files: dict[str, Path] = {}
    for name, text in texts.items():
        files[name] = folder / f"{name}.toml"
        files[name].parent.mkdir(parents=True, exist_ok=True)
        files[name].write_text(text)
    return Catalogue(files)


def _text(name: str, version: int, frames: str, payload: str, port: int) -> str:
    examples = [_EXAMPLE.format(number=n, port=port, bytes=payload) for n in range(3)]
    return _HEAD.format(id=name, version=version) + frames + "".join(examples)
