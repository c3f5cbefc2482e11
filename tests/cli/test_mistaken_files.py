"""A file of ours in place of another is named, instead of each of its keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stadtsinn.base.sentence import Explained
from stadtsinn.cloud import settings as cloud
from stadtsinn.cloud.town_file import example as town
from stadtsinn.cloud.town_file.model import load_town
from stadtsinn.edge.agent import settings as edge

EXAMPLES = {
    "a centre's configuration": (cloud.EXAMPLE, cloud.load_settings),
    "an edge agent's configuration": (edge.EXAMPLE, edge.load_settings),
    "a town file": (town.EXAMPLE, load_town),
}


@pytest.mark.parametrize("given", EXAMPLES)
@pytest.mark.parametrize("wanted", EXAMPLES)
def test_each_of_our_files_is_known_by_each_reader(given: str, wanted: str, tmp_path: Path) -> None:
    file = tmp_path / "given.toml"
    file.write_text(EXAMPLES[given][0])
    read: Callable[[Path], object] = EXAMPLES[wanted][1]
    if given == wanted:
        read(file)
        return
    with pytest.raises(Explained) as refused:
        read(file)
    said = refused.value.sentence
    assert said.english.startswith(f"{file}: this is {given}, here {wanted} is needed")
    assert "\n" not in said.english
    assert said.german.startswith(f"{file}: das ist ")


def test_a_file_with_one_odd_key_is_not_taken_for_another(tmp_path: Path) -> None:
    file = tmp_path / "town.toml"
    file.write_text('tenant = "musterstadt"\nname = "M"\n[database]\nurl = "x"\n')
    with pytest.raises(Explained, match="database") as refused:
        load_town(file)
    assert "this is" not in refused.value.sentence.english
