"""Searches the code for ways around the scope.

What a query may see comes from a `Scope`, a scope comes from `access/service.py`, and that makes
one from a valid key. docs/decisions/0008-scopes.md says why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import stadtsinn.cloud.platform.access.service as access_service

pytestmark = pytest.mark.slow

CLOUD = Path(access_service.__file__).parents[2]
PARTS = [CLOUD, CLOUD.parents[2] / "cli" / "stadtsinn", CLOUD.parents[2] / "edge" / "stadtsinn"]
ACCESS_SERVICE = CLOUD / "platform" / "access" / "service.py"

# Who may act as a tenant without a key: commands that run on the server itself, and what carries
# out what towns wrote down in claims.
WITHOUT_A_KEY = {
    "operator_scope": {
        "town_file/apply.py",
        "town_file/device_import.py",
        "platform/access/service.py",
        "erasure/keeping.py",  # says in the audit what it deleted
        "erasure/person.py",
        "domains/trees/worker.py",  # judges the trees of each town at its hour
        "alarms/watering/service.py",  # sends the list of each town to its crew
        "provisioning/service.py",  # 'stadtsinn device apply'
        "provisioning/labelling.py",  # 'stadtsinn device label'
    },
    "claim_scope": {"intake/device_claims/settling.py"},
}


def _sources() -> list[Path]:
    return sorted(path for part in PARTS for path in part.rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node) == name:
            yield node


def _name(call: ast.Call) -> str:
    """`f` of `f()` and of `module.f()`."""
    target = call.func
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def test_the_search_sees_the_product() -> None:
    """The search finds the code: after a move these tests must not pass by finding nothing."""
    names = {path.name for path in _sources()}
    assert {"endpoints.py", "repository.py", "service.py", "main.py"} <= names
    assert list(_calls(_tree(ACCESS_SERVICE), "Scope"))


def test_only_the_access_service_makes_a_scope() -> None:
    makers = {
        path
        for path in _sources()
        for name in ("Scope", "replace", "__new__")
        for call in _calls(_tree(path), name)
        if (name == "Scope" and not _is_asgi(path))
        or (name == "replace" and call.args and getattr(call.args[0], "id", "") == "scope")
        or (name == "__new__" and call.args and getattr(call.args[0], "id", "") == "Scope")
    }
    assert makers == {ACCESS_SERVICE}


def _is_asgi(path: Path) -> bool:
    return "starlette.types import" in path.read_text()


@pytest.mark.parametrize("maker", WITHOUT_A_KEY)
def test_only_the_servers_own_commands_act_without_a_key(maker: str) -> None:
    """`operator_scope` in an endpoint would give access without a key."""
    users = {
        str(path.relative_to(CLOUD))
        for path in _sources()
        if list(_calls(_tree(path), maker)) and path.is_relative_to(CLOUD)
    }
    assert users <= WITHOUT_A_KEY[maker]
    assert users, f"{maker} is unused: this test looks for the wrong name"


def _endpoint_files() -> list[Path]:
    found = sorted(CLOUD.rglob("*endpoints.py"))
    assert len(found) >= 3
    return found


@pytest.mark.parametrize("path", _endpoint_files(), ids=lambda path: path.parent.name)
def test_no_endpoint_takes_a_tenant_from_the_request(path: Path) -> None:
    """A request parameter that names the tenant would bypass the key; public pages may have it."""
    for function in _endpoints(_tree(path)):
        parameters = {argument.arg for argument in function.args.args + function.args.kwonlyargs}
        if not _asks_for_key(function):
            continue
        assert not parameters & {"tenant", "tenant_id"}, f"{path.name}: {function.name}"


@pytest.mark.parametrize("path", _endpoint_files(), ids=lambda path: path.parent.name)
def test_endpoints_hand_their_scope_to_every_query(path: Path) -> None:
    """Whatever an endpoint gives the database to, it gives the caller's scope to as well, and
    no endpoint writes queries itself."""
    for function in _endpoints(_tree(path)):
        own = [ast.unparse(call) for call in _calls_on_connection(function)]
        assert not own, f"{path.name}: {function.name} queries on its own: {own}"
        if not _asks_for_key(function):
            continue
        for call in _calls_with_database(function):
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            assert any(map(_is_scope, values)), (
                f"{path.name}: {function.name} calls {ast.unparse(call.func)} without its scope"
            )


_NEUTRAL = {
    "previews": "of a rule found through the scope before",
    "_incident_views": "of rows found through the scope before",
    "_view": "of rows found through the scope before",
    "read_states": "of rules found through the scope before",
    "change": "opens a transaction and sees no row of anybody",
    "DirectoryCache": "what the ingest knows of all tenants; gives nothing to the caller",
    "open_ingestor": "puts uplinks where the registry says; gives nothing to the caller",
}


def _calls_on_connection(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and getattr(node.func.value, "id", "") == "connection"
        ):
            yield node


def _calls_with_database(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or _name(node) in _NEUTRAL:
            continue
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(
            getattr(value, "id", "") == "connection" or getattr(value, "attr", "") == "database"
            for value in values
        ):
            yield node


def _endpoints(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            isinstance(mark, ast.Call)
            and isinstance(mark.func, ast.Attribute)
            and mark.func.attr in {"get", "post", "put", "patch", "delete"}
            for mark in node.decorator_list
        ):
            yield node  # type: ignore[misc]


def _asks_for_key(function: ast.FunctionDef) -> bool:
    annotations = {
        ast.unparse(argument.annotation)
        for argument in function.args.args + function.args.kwonlyargs
        if argument.annotation
    }
    return bool(annotations & {"ReaderDep", "EditorDep", "AdminDep"})


def _is_scope(value: ast.expr) -> bool:
    if isinstance(value, ast.Call) and _name(value) == "Editor":
        return bool(value.args) and _is_scope(value.args[0])
    named = isinstance(value, ast.Name) and value.id == "scope"
    tenant_of_scope = (
        isinstance(value, ast.Attribute)
        and isinstance(value.value, ast.Name)
        and value.value.id == "scope"
    )
    return named or tenant_of_scope


@pytest.mark.parametrize(
    "domain", ["town", "town/stations", "platform/access", "domains/crowd/zones"]
)
def test_repositories_take_a_scope(domain: str) -> None:
    """Every public function of a repository takes one, or is named here with its reason."""
    reasons = {
        "bump_revision": "one number without an owner",
        "set_quiet": "one moment for all changes",
        "quiet_until": "one moment for all changes",
        "insert_tenant": "the operator's",
        "find_tenant": "the operator's",
        "all_tenants": "the operator's",
        "rename_tenant": "the operator's",
        "all_keys": "the operator's",
        "taken_dev_euis": "answers only which of those asked for, the same for every owner",
        "tenant_of_device": "the operator's",
        "tenant_of_edge": "the operator's; an enrolment only learns whether it is its own",
        "edges_of_all": "the operator's",
        "device_types": "a type is the catalogue's; asked of devices found through the scope",
        "permitted_of": "for followers and previews, of a zone that a rule names",
        "zone_entries": "for followers, which serve all owners",
        "zone_entry": "for followers, which serve all owners",
    }
    functions = [
        node
        for node in _tree(CLOUD / domain / "repository.py").body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    assert functions
    without = {
        function.name
        for function in functions
        if "scope" not in {argument.arg for argument in function.args.args}
    }
    assert without <= reasons.keys()
