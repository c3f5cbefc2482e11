"""`stadtsinn decode` at a terminal and in a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from stadtsinn.cli.reading_words import REASONS
from stadtsinn.decoders.catalogue import catalogue

pytestmark = pytest.mark.slow

LSE01 = "CE2900F107A5099B6E2890"
MAIN = "from stadtsinn.cli.main import run; run()"


def stadtsinn(
    *arguments: str, stdin: str = "", lang: str = "C"
) -> subprocess.CompletedProcess[str]:
    """Run `stadtsinn decode …` in a process of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LC_")}
    return subprocess.run(
        [sys.executable, "-c", MAIN, "decode", *arguments],
        input=stdin,
        env={**environment, "LANG": lang, "PYTHONUTF8": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )


def answers(*requests: Any) -> list[dict[str, Any]]:
    """Answers of `--batch` to requests (objects, or lines as text)."""
    lines = [r if isinstance(r, str) else json.dumps(r) for r in requests]
    done = stadtsinn("--batch", stdin="\n".join(lines))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_table_in_english() -> None:
    """Labels, units and the vendor's fields, for people."""
    done = stadtsinn("dragino/lse01", "--f-port", "2", LSE01)
    assert done.returncode == 0
    for part in ("Soil moisture", "19.57", "%", "dragino/lse01@3", "water_SOIL", '"19.57"'):
        assert part in done.stdout


def test_a_table_in_german() -> None:
    """The locale decides; numbers have a decimal comma."""
    done = stadtsinn("dragino/lse01", "--f-port", "2", LSE01, lang="de_DE.UTF-8")
    assert "Bodenfeuchte" in done.stdout
    assert "19,57" in done.stdout


def test_lists_in_vendor_fields_are_printed_as_they_are() -> None:
    """Brackets are no markup."""
    frame = "240300007503000000000000001D020301"
    assert "[804,885]" in stadtsinn("bosch/tps110", "--f-port", "3", frame).stdout


def test_json() -> None:
    """For programs: readings with units, vendor fields."""
    done = stadtsinn("dragino/lse01", "--f-port", "2", LSE01, "--json")
    answer = json.loads(done.stdout)
    assert set(answer) == {"readings", "vendor"}
    assert answer["readings"][1] == {
        "quantity": "temperature",
        "value": 24.1,
        "unit": "Cel",
        "channel": "probe",
        "quality": "good",
    }
    assert answer["vendor"]["TempC_DS18B20"] == "24.1"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("dragino/lse1", "--f-port", "2", LSE01), 2, "near: dragino/lse01"),
        (("dragino/lse01", "--f-port", "2", "XY"), 2, "payload is not hex"),
        (("dragino/lse01", LSE01), 2, "--f-port and HEX are needed. Example:"),
        (("dragino/lse01", "--f-port", "2", "CE29"), 1, "too short: 11 bytes needed at offset 0"),
        (("dragino/lse01", "--f-port", "9", LSE01), 1, "no frame is known for fPort 9"),
    ],
)
def test_errors_name_the_remedy(arguments: tuple[str, ...], code: int, message: str) -> None:
    """2 for wrong usage, 1 for what cannot be decoded; with --json in JSON too."""
    done = stadtsinn(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    done = stadtsinn(*arguments, "--json")
    assert done.returncode == code
    assert message in json.loads(done.stdout)["error"]


def test_list_shows_device_ids() -> None:
    """The error messages refer to this list."""
    assert "milesight/vs133" in stadtsinn("--list").stdout.split()


def test_batch_answers_every_line_and_stops_at_none() -> None:
    """Bad lines in between get an error, in order."""
    good = {"device": "bosch/tps110", "f_port": 1, "bytes": "01"}
    got = answers(
        good,
        "{nope",
        {"device": "x/y", "f_port": 1, "bytes": "00"},
        {"device": "bosch/tps110", "f_port": 1, "bytes": "0"},
        {"device": "bosch/tps110", "f_port": "1", "bytes": "00"},
        {"device": "bosch/tps110", "f_port": 1},
        "[]",
        {**good, "bytes": "0101"},
        {**good, "f_port": 10**12},
        "\x00\x01",
        good,
    )
    assert len(got) == 11
    assert got[0] == got[-1]
    assert got[0]["vendor"] == {"type": "parking status", "occupied": True}
    assert [reading["value"] for reading in got[0]["readings"]] == [1]
    assert all(set(answer) == {"error"} for answer in got[1:-1])
    assert got[2]["error"].startswith("unknown device 'x/y'")


def test_batch_survives_an_endless_line() -> None:
    """Only its beginning is kept in memory; the next line is answered."""
    got = answers("x" * 3_000_000, {"device": "bosch/tps110", "f_port": 1, "bytes": "00"})
    assert "error" in got[0]
    assert got[1]["readings"][0]["value"] == 0


def test_batch_answers_before_the_input_ends() -> None:
    """A program that waits for each answer gets it before it sends the next line."""
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "decode", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for state in ("01", "00"):
            child.stdin.write(json.dumps({"device": "bosch/tps110", "f_port": 1, "bytes": state}))
            child.stdin.write("\n")
            child.stdin.flush()
            answer = json.loads(child.stdout.readline())
            assert answer["readings"][0]["value"] == int(state)
        child.stdin.close()
        assert child.wait() == 0


def test_a_single_decode_does_not_load_numba() -> None:
    """Importing numba would cost half a second at every start."""
    code = (
        "import sys; from stadtsinn.decoders.catalogue import catalogue; "
        "catalogue().decode_with_vendor('bosch/tps110', 1, b'\\x01'); "
        "import stadtsinn.cli.decode; sys.exit('numba' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_reason_of_the_catalogue_has_words_in_both_languages() -> None:
    """A table shows a translated text instead of a device file's keyword."""
    devices = catalogue()
    used = {fault.reason for device in devices for fault in devices.device(device).program.faults}
    assert used | {"out_of_range"} <= REASONS.keys()
    assert all(english and german for english, german in REASONS.values())
