"""The whole API, called by schemathesis as its OpenAPI document allows and forbids.

Every answer is one that the document names, with the content type and the schema it names for it;
none is a 5xx. A few calls in the suite, always the same; `make fuzz-api` makes many.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api_callers import HOME, ApiWorld
from databases import fresh_database
from every_endpoint import CREATION_ORDER, THEIR_OWN
from stadtsinn.cloud.alarms.notify.senders.repository import switch_phone
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.api.document import TAGS
from stadtsinn.cloud.publish.api.reference import body_example

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("STADTSINN_FUZZ_EXAMPLES", "4"))
"""Calls of each operation by each caller, of each mode."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OWN: dict[str, str] = {
    **{name: str(value) for name, value in THEIR_OWN.items() if name != "claim"},
    "tenant": HOME,
    "provider": "kannel",
}
"""What the town has by the name of each parameter of a path."""
CREATED = tuple(one for one in CREATION_ORDER if one != "claims")
CALLERS = [
    pytest.param(Role.READER, id="reader", marks=pytest.mark.nightly),
    pytest.param(Role.EDITOR, id="editor"),
    pytest.param(None, id="nobody", marks=pytest.mark.nightly),
    pytest.param(Role.ADMIN, id="admin", marks=pytest.mark.nightly),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """A town with one of each thing, from the examples of the document."""
    folder = tmp_path_factory.mktemp("fuzzed")
    made = ApiWorld(fresh_database(folder), folder)
    document, editor = made.app.openapi(), made.client(Role.EDITOR)
    for path in CREATED:
        template = f"/api/v1/{path}"
        body = body_example(document, document["paths"][template]["post"])
        answer = editor.post(template.format(**OWN), json=body)
        assert answer.status_code == 201, (path, answer.text)
    with made.database.write() as connection:
        switch_phone(connection, HOME, made.clock.now())
    yield made
    made.series.close()
    made.database.dispose()


def _operations(document: dict[str, Any], tag: str) -> list[Any]:
    schema = schemathesis.openapi.from_dict(document)
    operations: list[Any] = [found.ok() for found in cast(Any, schema.get_all_operations())]
    return [one for one in operations if tag in one.definition.raw["tags"]]


def _call(client: TestClient, case: Case[Any]) -> None:
    """Make one call, and look at its answer."""
    made = case.as_transport_kwargs(base_url="http://testserver")
    case.validate_response(client.request(**made), checks=CHECKS)


@pytest.mark.sweep
@pytest.mark.parametrize("role", CALLERS)
@pytest.mark.parametrize("tag", [str(tag["name"]) for tag in TAGS])
def test_every_answer_is_a_documented_one(world: ApiWorld, tag: str, role: Role | None) -> None:
    client = world.nobody() if role is None else world.client(role)
    faults = {}
    operations = _operations(world.app.openapi(), tag)
    assert operations
    for operation in operations:
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(mode), own=st.booleans())
            def check(case: Case[Any], own: bool) -> None:
                if own:  # else its names lead nowhere
                    case.path_parameters.update(
                        {name: OWN[name] for name in case.path_parameters if name in OWN}
                    )
                _call(client, case)

            try:
                check()
            except Unsatisfiable:
                continue  # an operation without parameters cannot be called wrongly
            except Exception as error:
                faults[f"{operation.label} {mode.value}"] = str(error)[:1_500]
    assert faults == {}
