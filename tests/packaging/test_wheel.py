"""What a user gets: the wheel in a clean environment, with each extra alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
part = sys.argv[1]
package = importlib.import_module(part)
names = [m.name for m in pkgutil.walk_packages(package.__path__, part + ".")]
names = [n for n in names if not n.endswith("__main__") and ".migrations." not in n]
for name in names:
    importlib.import_module(name)
print(len(names))
"""

DECODE_WITHOUT_NUMBA = """
import importlib.util
from stadtsinn.decoders.catalogue import catalogue
assert importlib.util.find_spec("numba") is None
frame = ("dragino/lse01", 2, bytes.fromhex("CE2900F107A5099B6E2890"), None)
outcomes = catalogue().decode_batch([frame] * 200)
print(len(outcomes), all(outcome == catalogue().decode(*frame) for outcome in outcomes))
"""

AGENT_WITHOUT_NUMBA = """
import importlib.util
from stadtsinn.edge.agent.agent import EdgeAgent
from stadtsinn.edge.agent.decoding import GroupDecoder
from stadtsinn.edge.agent.metrics import Metrics
assert importlib.util.find_spec("numba") is importlib.util.find_spec("llvmlite") is None
decoder = GroupDecoder(Metrics())
decoder.start()
decoder._thread.join()
frame = ("dragino/lse01", 2, bytes.fromhex("CE2900F107A5099B6E2890"), None)
print(len(decoder.decode([frame] * 200)), decoder.state)
"""

LSE01 = ["decode", "dragino/lse01", "--f-port", "2", "CE2900F107A5099B6E2890", "--json"]

NEED_MORE = (["demo", "--for", "1"], ["edge", "config-example"], ["tenant", "list"])
"""What the command line alone cannot do; each finds out at another point."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions without their hashes: pip wants hashes for all or for none."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = [line.rstrip(" \\") for line in lines if re.match(r"[A-Za-z0-9].*==", line)]
    assert len(pinned) > 30
    path = tmp_path_factory.mktemp("lock") / "constraints.txt"
    path.write_text("\n".join(pinned) + "\n")
    return path


def install(folder: Path, wheel: Path, extra: str, constraints: Path) -> Path:
    """A new environment with the wheel and one extra; returns its Python."""
    venv.create(folder)
    python = folder / "bin" / "python"
    requirement = f"{wheel}[{extra}]" if extra else str(wheel)
    install = ["install", "-q", "--no-compile", "-c", str(constraints), requirement]
    run(Path(sys.executable), "-m", "pip", "--python", str(python), *install)
    return python


def run(python: Path, *arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize(
    ("extra", "part"),
    [
        pytest.param("edge", "stadtsinn.edge", marks=pytest.mark.nightly),
        pytest.param("edge-small", "stadtsinn.edge", marks=pytest.mark.nightly),
        pytest.param("cloud", "stadtsinn.cloud", marks=pytest.mark.nightly),
        pytest.param("all", "stadtsinn.cli", marks=pytest.mark.nightly),
    ],
)
def test_an_extra_brings_all_its_part_imports(
    tmp_path: Path, wheel: Path, constraints: Path, extra: str, part: str
) -> None:
    """Every module of the part can be imported with nothing else installed."""
    python = install(tmp_path / "env", wheel, extra, constraints)
    assert int(run(python, "-c", IMPORT_EVERYTHING, part)) > 3


def test_the_decoders_alone_need_no_numba(tmp_path: Path, wheel: Path, constraints: Path) -> None:
    """Without any extra large batches go through the interpreter, with the same results."""
    python = install(tmp_path / "env", wheel, "", constraints)
    assert run(python, "-c", DECODE_WITHOUT_NUMBA).split() == ["200", "True"]


@pytest.mark.nightly
def test_the_agent_for_small_boards_runs_without_numba(
    tmp_path: Path, wheel: Path, constraints: Path
) -> None:
    """`edge-small` neither brings numba nor needs it: large groups go through the interpreter."""
    python = install(tmp_path / "env", wheel, "edge-small,cli", constraints)
    assert "\n200 interpreter; numba is not" in run(python, "-c", AGENT_WITHOUT_NUMBA)
    config = tmp_path / "edge.toml"
    config.write_text('edge_id = "rathaus-1"\ncloud_broker = { host = "mqtt.example" }\n')
    checked = run(python, "-m", "stadtsinn.cli", "edge", "check", "--config", str(config))
    assert "mqtt.example" in checked


@pytest.mark.nightly
def test_the_command_line_alone_decodes(tmp_path: Path, wheel: Path, constraints: Path) -> None:
    """`stadtsinn[cli]` alone: no numba, no web server, the device files inside."""
    python = install(tmp_path / "env", wheel, "cli", constraints)
    answer = run(python, "-m", "stadtsinn.cli", *LSE01)
    assert "19.57" in answer
    assert "cloud" in run(python, "-m", "stadtsinn.cli", "--help")
    for command in NEED_MORE:
        said = subprocess.run(
            [str(python), "-m", "stadtsinn.cli", *command],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
        assert said.returncode == 1
        assert f"'{command[0]}' needs the extra" in said.stderr
        assert "Traceback" not in said.stderr


@pytest.mark.nightly
def test_the_firmware_extra_brings_the_serial_port(
    tmp_path: Path, wheel: Path, constraints: Path
) -> None:
    """And all that speaks with sensors: nothing of it needs another extra."""
    python = install(tmp_path / "env", wheel, "firmware", constraints)
    run(python, "-c", "import serial, stadtsinn.firmware.sensors.joining")
