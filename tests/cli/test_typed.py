"""Errors of a command name what was typed, not a field of the API."""

from __future__ import annotations

import pytest

from stadtsinn.base.problems import Invalid
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.cli.typed import as_typed
from stadtsinn.cloud.alarms.alerts.mute import MuteBody
from stadtsinn.cloud.domains.trees.model import WateringBody


def test_a_sentence_names_the_option() -> None:
    with pytest.raises(Invalid) as caught, as_typed(end="--until"):
        raise Invalid("'end' is over ('enabled')", "'end' ist vorbei ('enabled')")
    assert caught.value.sentence.english == "--until is over ('enabled')"
    assert caught.value.sentence.german == "--until ist vorbei ('enabled')"


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"reason": ""}, "--reason"),
        ({"station": "Linde 4"}, "--station"),
        ({"station": None, "duty_group": "Die Wache"}, "--group"),
        ({"end": "morgen"}, "--until"),
        ({"reason": "zu\u202elesen"}, "--reason"),
    ],
)
def test_what_a_model_refuses_is_one_sentence_about_the_option(
    wrong: dict[str, str | None], option: str
) -> None:
    right = {"station": "linde", "end": "2026-12-01T18:00:00+01:00", "reason": "Baustelle"}
    with pytest.raises(Unusable) as caught, as_typed(end="--until", duty_group="--group"):
        MuteBody.model_validate(right | wrong)
    _is_plain(caught.value, option)


def test_a_crew_of_too_many_letters_is_named() -> None:
    with pytest.raises(Unusable) as caught, as_typed(tree="TREE"):
        WateringBody(tree="L-17", litres=100, crew="x" * 201)
    _is_plain(caught.value, "--crew")


def _is_plain(error: Explained, option: str) -> None:
    for said in (error.sentence.english, error.sentence.german):
        assert said.startswith(f"{option}: ")
        assert "\n" not in said
        assert "pydantic" not in said
        assert "^[a-z" not in said
