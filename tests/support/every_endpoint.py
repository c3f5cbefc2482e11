"""Every operation of the OpenAPI document as a call that can be made, with names from a town."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from api_callers import HOME, NOW, ApiWorld
from fake_uplinks import register_edge
from stadtsinn.base.instant import HOUR, isoformat
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.api.reference import body_example
from stadtsinn.cloud.series.repository import make_streams
from stadtsinn.cloud.series.stores.store import Point, SeriesKey

# Open to everybody on purpose. A new one is added here or asks for a key.
OPEN = {
    "/healthz",
    "/metrics",
    "/sandbox-phone",
    "/api/v1/notify/delivery-reports/{provider}/{token}",
    "/api/v1/notify/inbound/{provider}/{token}",
}
OPEN_BELOW = ("/public/",)

# What the parameters of paths are called, and what the member's town has by that name.
THEIR_OWN: dict[str, str | int] = {
    "site": "marktplatz",
    "dev_eui": "70b3d57ed0001234",
    "station": "linde-am-markt",
    "deployment": 1,
    "edge": "rathaus-1",
    "claim": 1,
    "zone": "wochenmarkt",
    "gate": "nordtor",
    "recipient": "ordnungsamt",
    "duty_group": "bereitschaft",
    "rule": "wochenmarkt-voll",
    "quantity": "people_in_total",
    "group": "junge-linden",
    "tree": "L-17",
    "watering": 1,
    "mute": 1,
}
# Things that no request can create, so no town of the test has them and all callers get 404.
NOT_THERE = {
    "lot": "marktplatz",  # lots come with stations of their own
    "incident": "1-1",
    "row_id": 1,
    "claimed": 1,
    "substitution": 1,
}

# The order in which a town is created; each body is the example of the API's own document.
CREATION_ORDER = (
    *("sites", "stations", "devices", "claims", "zones", "zones/{zone}/gates", "recipients"),
    *("duty-groups", "rules", "trees/import", "tree-groups", "waterings", "mutes"),
)

# What the station measured, for endpoints that are about one quantity.
MEASURED = ("water_level", "precipitation", "dissolved_oxygen")

# What is in every path that has it, whoever calls.
OF_EVERYBODY = {"tenant": HOME, "provider": "kannel", "token": "x" * 32}

# Queries that an endpoint cannot do without.
QUERIES: dict[str, dict[str, str]] = {
    "/api/v1/latest": {"stations": str(THEIR_OWN["station"])},
    "/api/v1/zones/{zone}/history": {
        "start": isoformat(NOW - HOUR),
        "end": isoformat(NOW),
    },
}


@dataclass(frozen=True)
class Call:
    """One operation of the document, ready to be made."""

    method: str
    template: str
    path: str
    body: Any
    query: dict[str, str]
    documented: frozenset[int]

    @property
    def needs_key(self) -> bool:
        return self.template not in OPEN and not self.template.startswith(OPEN_BELOW)

    @property
    def names_something(self) -> bool:
        """Whether the path leads to something of a town."""
        return "{" in self.template

    def make(self, caller: TestClient) -> Response:
        answer: Response = caller.request(self.method, self.path, json=self.body, params=self.query)
        return answer


def call_of(
    document: dict[str, Any], known: Mapping[str, Any], path: str, method: str, raw: Any
) -> Call:
    """With these names in its path, and the document's example as its body."""
    example = body_example(document, raw)
    assert "requestBody" not in raw or example is not None, f"{path}: give the body an example"
    return Call(
        method=method.upper(),
        template=path,
        path=path.format(**known),  # KeyError: name the new parameter in THEIR_OWN
        body=example,
        query=QUERIES.get(path, {}),
        documented=frozenset(int(status) for status in raw["responses"]),
    )


def furnish(world: ApiWorld, tenant: str, names: Mapping[str, Any]) -> None:
    """A town with one of each thing that requests can create, from the document's examples.

    `names`: what it calls them, by the names of THEIR_OWN.
    """
    document = world.app.openapi()
    member = world.client(Role.ADMIN, tenant)
    for path in CREATION_ORDER:
        template = f"/api/v1/{path}"
        body = renamed(body_example(document, document["paths"][template]["post"]), names)
        answer = member.post(template.format(**names), json=body)
        assert answer.status_code == 201, (path, answer.text)
    register_edge(world.database, str(names["edge"]), tenant)  # the operator's word
    with world.database.write() as connection:
        # Its first value makes a datastream.
        key = SeriesKey(str(names["station"]), str(names["quantity"]))
        make_streams(connection, {(tenant, key): NOW})
    keys = [SeriesKey(str(names["station"]), quantity) for quantity in MEASURED]
    world.series.write([Point(tenant, "soil", one, NOW, 1.0, dev_eui="") for one in keys])


def renamed(body: Any, names: Mapping[str, Any]) -> Any:
    """An example with these names instead of THEIR_OWN."""
    if isinstance(body, dict):
        return {key: renamed(value, names) for key, value in body.items()}
    if isinstance(body, list):
        return [renamed(one, names) for one in body]
    if not isinstance(body, str):
        return body
    return _NAMES.sub(lambda found: str(names[_CALLED[found[0]]]), body)


_CALLED = {own: name for name, own in THEIR_OWN.items() if isinstance(own, str)}
_NAMES = re.compile(rf"(?<![\w-])({'|'.join(_CALLED)})(?![\w-])")
"""Also within a text, such as the register of trees."""
