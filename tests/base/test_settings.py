"""The reader of configurations: file and environment, secrets, errors with their remedy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.base.settings.fields import Address, DatabaseUrl, FilePath, OptionalFolder, Port
from stadtsinn.base.settings.reading import FileSettings, Section, read_file, read_text
from stadtsinn.base.settings.secret import Secret
from stadtsinn.base.settings.variables import EDGE_PREFIX, OF_COMMANDS, PREFIX

ROOT = Path(__file__).parents[2]
SECRET = "correct-horse-battery"


class Line(Section):
    host: str = "127.0.0.1"
    port: Port = 1883
    password: Secret = Secret()


class By(Section):
    kind: Literal["by"] = "by"
    keys: dict[str, Secret] = Field(default_factory=dict)
    size: int = 1


class Other(Section):
    kind: Literal["other"] = "other"


class Store(Section):
    url: DatabaseUrl = "sqlite:///store.sqlite"
    folder: FilePath = Path("old")
    listen: Address = "127.0.0.1:1"


class Whole(FileSettings):
    example: ClassVar[str] = "stadtsinn thing config-example"

    name: str = "a"
    main_line: Line = Field(default_factory=Line)
    lines: tuple[Line, ...] = ()
    store: Store = Field(default_factory=Store)
    way: By | Other | None = Field(default=None, discriminator="kind")
    devices: OptionalFolder = None


def parse(text: str, folder: Path) -> Whole:
    return read_text(Whole, text, folder / "thing.toml")


# --- file and environment ---------------------------------------------------------------


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    settings = parse('devices = "own"\n[store]\nurl = "sqlite:///x.sqlite"', tmp_path)
    assert settings.devices == tmp_path / "own"
    assert settings.store.folder == tmp_path / "old", "defaults too"
    assert settings.store.url == f"sqlite:///{tmp_path}/x.sqlite"
    assert parse('devices = ""', tmp_path).devices is None
    assert parse('[store]\nfolder = "/abs"', tmp_path).store.folder == Path("/abs")


def test_variables_win_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STADTSINN_NAME", "b")
    monkeypatch.setenv("STADTSINN_MAIN_LINE_PORT", "1884")
    monkeypatch.setenv("STADTSINN_STORE_URL", "")
    settings = parse('name = "a"\n[main_line]\nhost = "h"\nport = 1', tmp_path)
    assert settings.name == "b"
    assert (settings.main_line.host, settings.main_line.port) == ("h", 1884)
    assert settings.store.url.endswith("store.sqlite"), "an empty variable says nothing"


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STADTSINN_MAIN_LINE_PORT", "many")
    with pytest.raises(SettingsError, match=r"^STADTSINN_MAIN_LINE_PORT: main_line\.port: "):
        parse("", tmp_path)


class Edge(FileSettings):
    """As the edge agent's: with a prefix of its own."""

    model_config = SettingsConfigDict(env_prefix=EDGE_PREFIX)
    example: ClassVar[str] = "stadtsinn edge config-example"

    name: str = "a"
    log_level: str = "info"
    types: dict[str, str] = Field(default_factory=dict)
    main_line: Line = Field(default_factory=Line)


UNREAD: dict[str, tuple[type[FileSettings], str, str]] = {
    "section misspelt": (
        Whole,
        "STADTSINN_MIAN_LINE_PORT",
        "mean 'STADTSINN_MAIN_LINE_PORT'?",
    ),
    "field misspelt": (Whole, "STADTSINN_NAEM", "did you mean 'STADTSINN_NAME"),
    "more than the field": (Whole, "STADTSINN_NAME_OF", "did you mean 'STADTSINN_NAME"),
    "lower case": (Whole, "stadtsinn_naem", "nothing reads this variable"),
    "like nothing": (Whole, "STADTSINN_QQQ", "nothing reads this variable: remove it"),
    "in a section": (Whole, "STADTSINN_STORE_FOLDR", "unknown entry 'store.foldr': did you mean"),
    "edge: misspelt": (Edge, "STADTSINN_EDGE_NAEM", "did you mean 'STADTSINN_EDGE_NAME'?"),
    "edge: no prefix": (Edge, "STADTSINN_MAIN_LINE_PORT", "mean 'STADTSINN_EDGE_MAIN_LINE_PORT'?"),
}


@pytest.mark.parametrize("mistake", UNREAD)
def test_a_variable_that_nothing_reads_is_an_error(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, name, message = UNREAD[mistake]
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError) as refused:
        read_text(kind, "", tmp_path / "thing.toml")
    assert str(refused.value).startswith(f"{name.upper()}: ")
    assert message in str(refused.value)


def test_all_unread_variables_are_named_without_their_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STADTSINN_MAIN_LINE_PASWORD", SECRET)
    monkeypatch.setenv("STADTSINN_MIAN_LINE_PASSWORD", SECRET)
    with pytest.raises(SettingsError) as refused:
        parse("", tmp_path)
    assert SECRET not in str(refused.value)
    monkeypatch.delenv("STADTSINN_MAIN_LINE_PASWORD")
    monkeypatch.setenv("STADTSINN_QQQ", SECRET)
    with pytest.raises(SettingsError, match=r"MIAN_LINE.*; STADTSINN_QQQ") as refused:
        parse("", tmp_path)
    assert SECRET not in str(refused.value)


def test_variables_that_something_else_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other program's, options of commands, and those that hold a secret."""
    for name in ("EDGE_MAIN_LINE_PORT", "CLOUD_CONFIG", "CLOCK"):
        monkeypatch.setenv(f"STADTSINN_{name}", "1")
    monkeypatch.setenv("STADTSINN_OUR_PASSWORD", SECRET)
    settings = parse('[main_line]\npassword = "env:STADTSINN_OUR_PASSWORD"', tmp_path)
    assert settings.main_line.password.read() == SECRET
    monkeypatch.setenv("STADTSINN_LOG_LEVEL", "debug")
    monkeypatch.setenv("STADTSINN_STORE_URL", "x.sqlite")
    edge = read_text(Edge, "", tmp_path / "edge.toml")
    assert (edge.main_line.port, edge.log_level) == (1, "info")


def test_every_variable_in_the_code_is_known() -> None:
    """Names that our own code reads must not be errors of a configuration."""
    quoted = re.compile(r"[\"'$](STADTSINN_(?!EDGE_\b)[A-Z_]+)\b")
    found = {
        name
        for part in (
            *("base", "rules", "edge", "cloud", "simulator"),
            *("gateway-firmware-tools", "cli"),
        )
        for path in (ROOT / part).rglob("*.py")
        for name in quoted.findall(path.read_text(encoding="utf-8"))
    }
    assert "STADTSINN_CLOUD_CONFIG" in found
    assert found - OF_COMMANDS - {PREFIX, EDGE_PREFIX} == set()


def test_an_absent_file_names_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'stadtsinn thing config-example' prints one"):
        read_file(Whole, tmp_path / "thing.toml")


# --- errors -----------------------------------------------------------------------------

MISTAKES = {
    "no TOML": ("[store", "no valid TOML"),
    "misspelt section": ("[stoer]\nurl = 'x'", "unknown entry 'stoer': did you mean 'store'?"),
    "misspelt field": ("[store]\nfoldr = 'x'", r"'store\.foldr': did you mean 'folder'\?"),
    "misspelt secret": ("[main_line]\npasword_file = 'x'", "did you mean 'password_file'"),
    "in the wrong section": ("[main_line]\nfolder = 'x'", r"did you mean 'store\.folder'"),
    "like nothing": ("qqq = 1", "unknown entry 'qqq': known are name, main_line"),
    "type": ("[main_line]\nport = 'many'", r"main_line\.port: .*valid integer.*config-example'"),
    "range": ("[main_line]\nport = 0", r"main_line\.port: .*greater than or equal to 1"),
    "address": ("[store]\nlisten = '80'", r"store\.listen '80' is no address: write host:port"),
    "inside a kind": ("[way]\nkind = 'by'\nsise = 2", r"'way\.sise': did you mean"),
    "type inside a kind": ("[way]\nkind = 'by'\nsize = 'x'", r"way\.size: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_name_file_field_and_remedy(mistake: str, tmp_path: Path) -> None:
    text, message = MISTAKES[mistake]
    with pytest.raises(SettingsError, match=message) as refused:
        parse(text, tmp_path)
    assert str(refused.value).startswith(f"{tmp_path}/thing.toml: ")


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"main_line\.port.*; .*store\.listen"):
        parse("[main_line]\nport = 0\n[store]\nlisten = 'x'", tmp_path)


# --- secrets ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '[main_line]\npassword_file = "pw"',
        '[main_line]\npassword = "file:pw"',
        '[main_line]\npassword = "env:THE_PASSWORD"',
    ],
)
def test_a_secret_stands_in_a_file_or_a_variable(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = parse(text, tmp_path)
    with pytest.raises(SettingsError, match=r"^main_line\.password.*(into it|put the secret)"):
        settings.main_line.password.read()
    (tmp_path / "pw").write_text(f"{SECRET}\n")
    monkeypatch.setenv("THE_PASSWORD", SECRET)
    assert settings.main_line.password.read() == SECRET
    assert SECRET not in repr(settings)


def test_errors_call_a_secret_by_its_own_field(tmp_path: Path) -> None:
    settings = parse(
        '[[lines]]\npassword_file = "pw"\n[way]\nkind="by"\nkeys.k="file:no"', tmp_path
    )
    with pytest.raises(SettingsError, match=r"^lines\.password_file: .*pw cannot be read"):
        settings.lines[0].password.read()
    assert isinstance(settings.way, By)
    with pytest.raises(SettingsError, match=r"^way\.keys\.k: .*no cannot be read"):
        settings.way.keys["k"].read()


def test_none_is_configured(tmp_path: Path) -> None:
    password = parse("", tmp_path).main_line.password
    assert password.read() is None
    assert not password


def test_a_secret_in_the_file_itself_is_refused_and_not_repeated(tmp_path: Path) -> None:
    for text in (f'[main_line]\npassword = "{SECRET}"', f'[way]\nkind="by"\nkeys.k="{SECRET}"'):
        with pytest.raises(SettingsError, match="env:NAME or file:/path, never") as refused:
            parse(text, tmp_path)
        assert SECRET not in str(refused.value)


def test_a_secret_may_be_a_variable_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STADTSINN_MAIN_LINE_PASSWORD", "env:no-reference")
    settings = parse('[main_line]\npassword_file = "absent"', tmp_path)
    assert settings.main_line.password.read() == "env:no-reference", "taken as it is"
    assert "no-reference" not in repr(settings)


def test_the_addresses_of_databases_are_not_shown(tmp_path: Path) -> None:
    settings = parse(f'[store]\nurl = "postgresql://u:{SECRET}@h/n"', tmp_path)
    assert SECRET not in repr(settings)


def test_systemd_hands_over_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "pw").write_text(SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    text = '[main_line]\npassword_file = "pw"'
    assert parse(text, tmp_path).main_line.password.read() == SECRET
    (credentials / "pw").unlink()
    (tmp_path / "pw").write_text("beside")
    assert parse(text, tmp_path).main_line.password.read() == "beside"


# --- start-up time ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["decode", "dragino/lse01", "--f-port", "2", "CE2900F107A5099B6E2890", "--json"],
        ["decoders", "--help"],
        ["--help"],
    ],
)
def test_commands_without_configuration_load_no_reader(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom stadtsinn.cli.main import run\n"
        f"sys.argv = ['stadtsinn', *{arguments!r}]\n"
        "try:\n    run()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'stadtsinn.base.settings', 'pydantic_settings', 'stamina'}\n"
        "loaded = heavy & sys.modules.keys()\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
