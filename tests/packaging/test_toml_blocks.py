"""Every TOML block of the guides loads as it stands, or says of what it is a part and loads there.

A block with a line ``# …`` leaves something out; it is TOML, and more cannot be asked of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stadtsinn.cloud.alarms.rule_files.reading import read_files
from stadtsinn.cloud.settings import load_settings as load_cloud
from stadtsinn.cloud.town_file.model import load_town
from stadtsinn.decoders.language.load import load
from stadtsinn.edge.agent.settings import load_settings as load_edge

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
TOWN = 'tenant = "musterstadt"\nname = "Musterstadt"\n'
PARTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "# part of a town file": (TOWN, load_town),
    "# part of a zone in a town file": (
        f'{TOWN}[[zones]]\nslug = "markt"\nname = "Markt"\npermitted = 900\n',
        load_town,
    ),
    "# part of edge.toml": (
        'edge_id = "rathaus-1"\ncloud_broker = { host = "mqtt.example" }\n',
        load_edge,
    ),
}
"""How a part begins, what comes before it, and what reads the whole."""


def _blocks() -> Iterator[object]:
    for path in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]):
        text = path.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield pytest.param(found[1], id=f"{path.relative_to(ROOT)}:{line}")


def _reader(block: str) -> Callable[[Path], object]:
    """What reads a whole file of this kind."""
    keys = tomllib.loads(block).keys()
    if "rules" in keys and "tenant" not in keys:
        return lambda path: read_files([path])
    if "tenant" in keys:
        return load_town
    if "frames" in keys:
        return lambda path: load(path.read_text(encoding="utf-8"), path.name)
    return load_cloud


@pytest.mark.parametrize("block", list(_blocks()))
def test_a_block_can_be_taken_as_it_is(block: str, tmp_path: Path) -> None:
    if re.search(r"^# …$", block, re.MULTILINE):
        tomllib.loads(block)
        return
    first = block.partition("\n")[0]
    named = next((part for part in PARTS if first.partition(":")[0] == part), None)
    before, read = PARTS[named] if named else ("", _reader(block))
    path = tmp_path / "block.toml"
    path.write_text(before + block, encoding="utf-8")
    read(path)


def test_there_are_blocks() -> None:
    assert len(list(_blocks())) > 20
