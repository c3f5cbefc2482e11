"""Errors of the system and of pydantic, said in both languages with what helps."""

from __future__ import annotations

import errno
import os
import pickle
import re
import socket
import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from stadtsinn.base.explaining import explained
from stadtsinn.base.field_errors import field_sentence
from stadtsinn.base.problems import Conflict
from stadtsinn.base.sentence import Explained, Sentence, Unusable


def test_an_error_is_english_as_text_and_survives_a_copy() -> None:
    copy = pickle.loads(pickle.dumps(Conflict("taken", "vergeben")))
    assert (str(copy), copy.detail) == ("taken", "taken")
    assert copy.sentence == explained(copy) == Sentence("taken", "vergeben")


def test_sentences_get_their_place_and_are_joined() -> None:
    one = Sentence("is empty", "ist leer").about("town.toml", "", "name")
    assert one == Sentence("town.toml: name: is empty", "town.toml: name: ist leer")
    assert Sentence.joined([one, one], "; ").german.count("ist leer") == 2
    assert Explained.of(one).sentence is not None


def _open_what_is_not_there(folder: Path) -> None:
    (folder / "nothing").read_bytes()


def _open_a_folder(folder: Path) -> None:
    folder.read_bytes()


def _enter_a_file(folder: Path) -> None:
    (folder / "file").touch()
    (folder / "file" / "below").read_bytes()


def _make_again(folder: Path) -> None:
    folder.mkdir()


def _bind_a_foreign_address(_folder: Path) -> None:
    with socket.socket() as one:
        one.bind(("192.0.2.1", 0))


@pytest.mark.parametrize(
    ("attempt", "english", "german"),
    [
        (_open_what_is_not_there, "check the path", "den Pfad prüfen"),
        (_open_a_folder, "name a file", "eine Datei angeben"),
        (_enter_a_file, "is no folder", "kein Ordner"),
        (_make_again, "there already", "gibt es schon"),
        (_bind_a_foreign_address, "of its own", "eine eigene einstellen"),
    ],
)
def test_an_error_of_the_system_names_the_remedy(
    attempt: Any, english: str, german: str, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match=r"Errno") as raised:
        attempt(tmp_path)
    said = explained(raised.value)
    assert english in said.english
    assert german in said.german
    assert "Errno" not in said.english + said.german
    if raised.value.filename:
        assert said.german.startswith(f"{raised.value.filename}: ")


@pytest.mark.parametrize("number", ["EACCES", "ENOSPC", "EROFS", "EIO", "EADDRINUSE", "EMFILE"])
def test_what_no_test_can_cause_has_words_too(number: str) -> None:
    code = getattr(errno, number)
    said = explained(OSError(code, os.strerror(code), "/srv/x"))
    assert os.strerror(code) not in said.english + said.german
    assert said.english.startswith("/srv/x: ")


def test_an_error_that_nobody_has_met_says_what_the_system_says() -> None:
    said = explained(OSError(errno.EXDEV, os.strerror(errno.EXDEV), "x"))
    assert said.german == f"x: das System meldet: {os.strerror(errno.EXDEV)}"
    assert explained(TimeoutError()).german.startswith("dort antwortet niemand")
    assert "DNS" in explained(socket.gaierror(-2, "Name or service not known")).german


@pytest.mark.parametrize(
    ("text", "place"), [("a = 1\nb = = 2", "Zeile 2, Spalte 5"), ("[a", "am Ende der Datei")]
)
def test_what_is_no_toml_is_named_with_its_place(text: str, place: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as raised:
        tomllib.loads(text)
    said = explained(raised.value)
    assert said.english.startswith("no valid TOML: ")
    assert f"kein gültiges TOML, {'in ' if 'Zeile' in place else ''}{place}" in said.german


class Inner(BaseModel):
    kind: Literal["a", "b"] = "a"


class Model(BaseModel):
    """A field for each usual kind of error."""

    model_config = ConfigDict(extra="forbid")

    needed: str = "x"
    text: str = Field("xx", min_length=2, max_length=3, pattern="[a-z]+")
    whole: int = Field(1, ge=1, le=9)
    number: float = Field(1.0, gt=0, lt=10)
    flag: bool = False
    several: tuple[int, ...] = Field((1,), min_length=1, max_length=2)
    table: dict[str, int] = Field(default_factory=dict)
    inner: Inner = Field(default_factory=Inner)
    choice: Literal["red", "green"] = "red"
    path: Path = Path()
    ours: str = ""

    @field_validator("ours")
    @classmethod
    def _ours(cls, given: str) -> str:
        if given:
            raise Unusable("must be empty", "muss leer sein")
        return given


_ENGLISH = re.compile(r"\b(should|must|input|than|or)\b", re.IGNORECASE)
WRONG: dict[str, list[Any]] = {
    "text": [1, "x", "xxxx", "A1"],
    "whole": ["x", 0, 10, 1.5, []],
    "number": ["x", 0, 10, None],
    "flag": ["perhaps", []],
    "several": [3, [], [1, 2, 3], ["x"]],
    "table": [3, []],
    "inner": [3, {"kind": "c"}],
    "choice": ["blue", 3],
    "path": [3],
    "ours": ["x"],
    "unknown": [1],
}


@pytest.mark.parametrize("field", WRONG)
def test_what_pydantic_objects_to_is_german_in_german(field: str) -> None:
    for value in WRONG[field]:
        with pytest.raises(ValidationError) as refused:
            Model.model_validate({field: value})
        for item in refused.value.errors():
            said = field_sentence(item)
            assert said.english == str(item["msg"]).removeprefix("Value error, ")
            assert said.german != said.english
            assert not _ENGLISH.search(said.german), said.german


def test_a_kind_that_has_no_translation_says_what_pydantic_says() -> None:
    said = field_sentence({"type": "of_tomorrow", "msg": "Input should dance", "ctx": {}})
    assert said.german == "der Wert passt hier nicht (Input should dance)"
