"""No file is read whole that may have any size."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stadtsinn.base.bounded_files import TooLarge, read_whole, read_whole_text

ROOT = Path(__file__).parents[2]
PARTS = (
    *("base", "rules", "decoders", "edge", "cloud", "simulator"),
    *("gateway-firmware-tools", "cli"),
)
_WHOLE = re.compile(r"\.read_(?:text|bytes)\(")
OWN = {
    "decoders/stadtsinn/decoders/kernel.py": "the interpreter's own files",
    "decoders/stadtsinn/decoders/export/ts013.py": "files of the package",
    "cli/stadtsinn/cli/decoders.py": "the template of the package",
    "cloud/stadtsinn/cloud/broker/files.py": "files of the package",
    "cloud/stadtsinn/cloud/publish/web/assets.py": "files of the package",
    "cloud/stadtsinn/cloud/publish/api/reference.py": "files of the package",
    "cloud/stadtsinn/cloud/alarms/notify/endpoints.py": "files of the package",
    "cloud/stadtsinn/cloud/alarms/pictures/drawing.py": "the letters of a package",
    "simulator/stadtsinn/simulator/demo/mosquitto.py": "the log of a broker that it started",
    "simulator/stadtsinn/simulator/demo/children.py": "the log of a process that it started",
}
"""What is no file of somebody else, each once."""


def test_a_file_may_have_so_much_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"a\r\nb\rc\n")
    assert read_whole(path, 7) == b"a\r\nb\rc\n"
    assert read_whole_text(path, 7) == "a\nb\nc\n"
    with pytest.raises(TooLarge, match=r"list\.csv has more than 0 MB") as refused:
        read_whole(path, 6)
    assert "hat mehr als 0 MB" in refused.value.sentence.german


def test_a_file_without_an_end() -> None:
    with pytest.raises(TooLarge):
        read_whole(Path("/dev/zero"), 1000)


def test_every_part_reads_files_so() -> None:
    found: dict[str, int] = {}
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            if count := len(_WHOLE.findall(path.read_text(encoding="utf-8"))):
                found[str(path.relative_to(ROOT))] = count
    assert found == dict.fromkeys(OWN, 1)
