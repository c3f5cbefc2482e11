"""Every table and column says what it holds; the page for the data protection officer is that."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table

from stadtsinn.cloud.erasure.page import markdown, page_html
from stadtsinn.cloud.erasure.page_words import DATA, UNTIL
from stadtsinn.cloud.platform.privacy.kept import Data, Until, kept, kept_of, owner_of
from stadtsinn.cloud.schema import metadata

PAGE = Path(__file__).resolve().parents[3] / "docs" / "datenschutz.md"


def without_class(table: Table) -> set[str]:
    """Columns whose class of data nobody has named, and named ones that are not there."""
    if "kept" not in table.info:
        return set(table.c.keys())
    return set(table.c.keys()) ^ set(kept_of(table).classes)


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_table_names_the_class_of_each_of_its_columns(name: str) -> None:
    """Name it in `tables.py`: info=kept("Wozu", "what for", Until.…, key="id", text="name")."""
    assert without_class(metadata.tables[name]) == set()


def test_a_new_column_without_class_is_found() -> None:
    info = kept("Wozu", "what for", Until.DELETED, owner="", key="id")
    table = Table("t", MetaData(), Column("id", Integer), Column("name", String), info=info)
    assert without_class(table) == {"name"}
    assert without_class(Table("u", MetaData(), Column("id", Integer))) == {"id"}


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_table_leads_to_its_town_or_is_the_installations(name: str) -> None:
    said = kept_of(metadata.tables[name])
    if not said.owner:
        assert "tenant_id" not in metadata.tables[name].c
        return
    seen: list[str] = []
    while (owner := owner_of(metadata.tables[name])) is not None:
        parent, _, column = owner[1].partition(".")
        assert column in metadata.tables[parent].c
        assert parent not in seen
        seen.append(parent)
        name = parent
    assert kept_of(metadata.tables[name]).owner in metadata.tables[name].c


def test_the_page_is_what_the_tables_say() -> None:
    """'stadtsinn privacy > docs/datenschutz.md' writes it."""
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_the_page_has_words_for_all_that_tables_can_say() -> None:
    assert set(DATA) == set(Data)
    assert set(UNTIL) == set(Until)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.languages: set[str | None] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.languages.add(dict(attrs).get("lang"))
        assert not {"src", "href"} & dict(attrs).keys()  # nothing from elsewhere

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_same_page_as_html_is_whole_and_in_both_languages() -> None:
    words = _Words()
    words.feed(page_html())
    assert words.open == []
    assert {"de", "en"} <= words.languages
    for table in metadata.sorted_tables:
        said = kept_of(table)
        assert all(one in words.text for one in (table.name, said.german, said.english))
