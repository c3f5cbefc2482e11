"""`stadtsinn decoders`: a device in one command and one file, and what others get from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stadtsinn.decoders.catalogue import Catalogue, catalogue, device_files
from stadtsinn.decoders.export.pages import pages, write_pages
from stadtsinn.decoders.language.load import DeviceFileError

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def stadtsinn(*arguments: object, language: str = "C", folder: str = "") -> tuple[int, str, str]:
    environment = {**os.environ, "LC_ALL": language, "STADTSINN_DEVICES": folder}
    if not folder:
        del environment["STADTSINN_DEVICES"]
    command = [str(Path(sys.executable).with_name("stadtsinn")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A device file of a town's own, as `new` writes it."""
    code, out, err = stadtsinn("decoders", "new", "acme/soil-1", "--folder", tmp_path / "devices")
    assert code == 0, err
    return Path(out.strip())


def test_a_new_device_is_one_command_and_passes_its_proofs(own: Path) -> None:
    """The template works as it is; `check` takes the file or its folder."""
    for path in (own, own.parents[1]):
        code, out, err = stadtsinn("decoders", "check", path, "--noise", 50)
        assert (code, err) == (0, "")
        assert out.startswith("acme/soil-1: 3 examples")


def test_new_refuses_what_is_there(own: Path) -> None:
    """Neither an own file nor a built-in device type is written over."""
    folder = own.parents[1]
    for name, message in (
        ("acme/soil-1", "exists already"),
        ("dragino/lse01", "is in the catalogue already"),
        ("Soil 1", "write vendor/device"),
    ):
        code, _, err = stadtsinn("decoders", "new", name, "--folder", folder)
        assert code == 2
        assert message in err


def test_check_says_what_is_wrong_and_where(own: Path) -> None:
    """A wrong value names example and readings, a wrong field its line; exit code 1."""
    text = own.read_text()
    own.write_text(text.replace("value = 12.5", "value = 12.6"))
    code, out, _ = stadtsinn("decoders", "check", own, "--noise", 0)
    assert code == 1
    assert "moist soil at night frost: expected Reading(quantity='soil_tension', value=12.6" in out
    own.write_text(text.replace('unit = "kPa"', 'unit = "psi"'))
    code, out, _ = stadtsinn("decoders", "check", own, "--noise", 0)
    line = text[: text.index('unit = "kPa"')].count("\n") + 1
    assert code == 1
    assert f"acme/soil-1.toml:{line}: frames[0].body[1]: unit 'psi' does not fit" in out


def test_an_own_device_decodes_like_any_other(own: Path) -> None:
    """By option or environment, in every command that decodes."""
    folder = str(own.parents[1])
    request = ("decode", "acme/soil-1", "-p", 10, "01007DFFCE", "--json")
    code, out, _ = stadtsinn(*request, folder=folder)
    assert code == 0
    assert json.loads(out)["readings"][0]["value"] == 12.5
    code, out, _ = stadtsinn(*request)
    assert code == 2
    assert "unknown device 'acme/soil-1'" in out


def test_the_edge_agent_knows_the_configured_folder(own: Path, tmp_path: Path) -> None:
    """`edge check` warns of a device type that nobody knows, not of an own one."""
    config = tmp_path / "edge.toml"
    config.write_text(
        'edge_id = "van-1"\ndevices = "devices"\n[cloud_broker]\nhost = "localhost"\n'
        '[device_types]\n"Boden" = "acme/soil-1"\n"Baum" = "acme/tree-1"\n'
    )
    code, _, err = stadtsinn("edge", "check", "--config", config)
    assert code == 0
    assert "acme/tree-1" in err
    assert "acme/soil-1" not in err
    own.write_text("nonsense")
    code, _, err = stadtsinn("edge", "check", "--config", config)
    assert code == 2
    assert "acme/soil-1.toml" in err


def test_the_cloud_knows_the_configured_folder(own: Path, tmp_path: Path) -> None:
    """The registry takes a device of an own type where the configuration names the folder."""
    town = tmp_path / "town.toml"
    _, example, _ = stadtsinn("registry", "example")
    town.write_text(example.replace('type = "dragino/lse01"', 'type = "acme/soil-1"', 1))
    assert "acme/soil-1" in town.read_text()
    for name, text, expected in (
        ("with.toml", f'devices = "{own.parents[1]}"\n', 0),
        ("without.toml", "\n", 1),
    ):
        (tmp_path / name).write_text(text)
        arguments = ("apply", town, "--config", tmp_path / name, "--dry-run")
        code, _, err = stadtsinn("registry", *arguments)
        assert code == expected
        assert ("Unknown device type 'acme/soil-1'" in err) == bool(expected)


def test_a_folder_joins_the_catalogue_whole_or_not(own: Path, tmp_path: Path) -> None:
    """A name that is taken, a missing folder, a broken file: an error, and nothing has changed."""
    known = Catalogue(device_files(ROOT / "decoders/stadtsinn/decoders/devices"))
    before = list(known)
    with pytest.raises(DeviceFileError, match="no device files"):
        known.add_folder(tmp_path / "none")
    taken = own.parents[1] / "dragino" / "lse01.toml"
    taken.parent.mkdir()
    taken.write_text(own.read_text())
    with pytest.raises(DeviceFileError, match=r"dragino/lse01\.toml: is in the catalogue"):
        known.add_folder(own.parents[1])
    assert list(known) == before
    taken.unlink()
    known.add_folder(own.parents[1])
    assert "acme/soil-1" in known
    assert len(known) == len(before) + 1


def test_constants_of_a_single_sensor_are_part_of_its_type() -> None:
    """A type with constants decodes with them; a constant it has not is an unknown device."""
    plain, calibrated = "decentlab/dl-pr26", "decentlab/dl-pr26:p_min=0,p_max=2"
    device = catalogue().device(plain)
    example = next(e for e in device.file.examples if e.readings)
    frame = (example.port, bytes.fromhex(example.bytes))
    ours, theirs = (catalogue().decode(name, *frame) for name in (plain, calibrated))
    assert ours != theirs
    assert calibrated in catalogue()
    assert "decentlab/dl-pr26:p_mni=1" not in catalogue()
    assert "has no constant 'p_mni'" in catalogue().unknown("decentlab/dl-pr26:p_mni=1")
    assert "constants look like" in catalogue().unknown("decentlab/dl-pr26:p_min")


def test_the_pages_of_the_catalogue_are_up_to_date() -> None:
    """`make docs` writes them; a file that changed without it fails here."""
    devices = [catalogue().device(device) for device in catalogue()]
    folder = ROOT / "docs" / "devices"
    written = {str(p.relative_to(folder)): p.read_text() for p in folder.glob("**/*.md")}
    stale = {path for path, text in pages(devices).items() if written.pop(path, None) != text}
    assert not stale, "run `make docs`"
    assert not written, "pages of devices that are gone; run `make docs`"


def test_pages_of_devices_that_are_gone_are_removed(tmp_path: Path) -> None:
    """Writing twice is the same; an old page goes."""
    devices = [catalogue().device("dragino/lse01")]
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "old.md").write_text("old")
    assert write_pages(devices, tmp_path) == write_pages(devices, tmp_path) == 2
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.glob("**/*.md"))
    assert found == ["README.md", "dragino/lse01.md"]


def test_help_is_german_by_locale() -> None:
    """What a technician reads first."""
    _, out, _ = stadtsinn("decoders", "--help", language="de_DE.UTF-8")
    assert "Gerätedateien" in out
