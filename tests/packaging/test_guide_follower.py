"""What `make test-install` makes of docs/install.md, without its machines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ci_scripts import ci_script

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
follower = ci_script("follow_guide")


def _block(shown: str) -> Any:
    (block,) = follower.blocks(f"<!-- on: cloud -->\n```sh\ntrue\n```\n\n```\n{shown}```\n")
    return block


def test_every_block_of_the_page_is_for_a_machine_that_there_is() -> None:
    blocks = list(follower.blocks(PAGE))
    assert len(blocks) == len(re.findall("(?m)^```sh$", PAGE))
    assert {one.machine for one in blocks} == {"nowhere", *follower.ADDRESSES}
    for one in blocks:
        if place := one.remark.removeprefix("in its place: "):
            stand_in = ROOT / ".ci" / "by-hand" / f"in-place-of-{place}"
            assert place == "with a newer dist" or stand_in.exists()


def test_what_is_needed_of_each_command_is_asked_of_a_block() -> None:
    commands = "".join(one.commands for one in follower.blocks(PAGE) if one.machine != "nowhere")
    assert [named for named in follower.EXPECTED if named not in commands] == []


def test_whoever_follows_the_page_waits_longer_on_a_busy_machine() -> None:
    waiting = [one.commands for one in follower.blocks(PAGE) if "--retry " in one.commands]
    assert waiting != []
    assert all(follower.PAGES_PATIENCE in commands for commands in waiting)


def test_every_output_that_the_page_shows_belongs_to_a_block() -> None:
    shown = [one.shown["text"] for one in follower.blocks(PAGE) if one.shown]
    assert shown == re.findall(r"(?ms)^```\n(.*?)^```$", re.sub(r"(?ms)^```sh\n.*?^```$", "", PAGE))


@pytest.mark.parametrize(
    ("shown", "said", "same"),
    [
        ("current  /r/0.1.0-c3019e61\n", "current  /r/0.2.0-99aa99aa\n", True),
        ("clock 2026-11-27 09:33\n", "clock   2027-01-01 10:00\n", True),
        ("heard  3 s ago\n", "heard  2 min ago\n", True),
        ("edge  4 s  +0.0 s  1\n", "edge  10 s  -0.1 s  1\n", True),
        ("edge  there\n", "edge  away\n", False),
        ("series ok\n", "series broken\n", False),
        ("one\n", "one\ntwo\n", False),
        ("one\ntwo\n", "one\n", False),
        ("one\n…\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n…\nfour\n", "one\ntwo\nthree\n", False),
    ],
)
def test_an_output_is_compared_but_for_numbers_and_times(shown: str, said: str, same: bool) -> None:
    assert _block(shown).is_said(said) is same


def test_what_was_said_takes_the_place_of_what_is_shown() -> None:
    page = "<!-- on: edge -->\n```sh\na\n```\n\n```\nold\n```\n\n```sh\nb\n```\n\n```\nc\n…\n```\n"
    heard = [(one, "new\n") for one in follower.blocks(page)]
    assert follower.written(page, heard) == page.replace("old", "new")
