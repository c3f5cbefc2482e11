"""The API reference as one page, made from the OpenAPI document: no script, no third party."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from stadtsinn.cloud.platform.api.templates import templates_of

router = APIRouter()


def _marked(text: str) -> Markup:
    """Escaped text with `code` and *emphasis*, all the Markdown that our descriptions use."""
    coded = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", coded))  # noqa: S704 (escaped above)


_pages = templates_of("stadtsinn.cloud.publish.api")
_pages.filters["marked"] = _marked
_style = (files("stadtsinn.cloud.publish.api") / "templates" / "reference.css").read_text()
_style_hash = base64.b64encode(hashlib.sha256(_style.encode()).digest()).decode()
_CSP = (
    f"default-src 'none'; style-src 'sha256-{_style_hash}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One input of an operation besides its body."""

    name: str
    where: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    needs_key: bool
    parameters: tuple[Parameter, ...]
    answers: tuple[str, ...]
    curl: str


@dataclass(frozen=True)
class Section:
    """The operations of a tag."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@router.get("/docs", include_in_schema=False)
def reference(request: Request) -> HTMLResponse:
    document = request.app.openapi()
    page = _pages.get_template("reference.html").render(
        title=document["info"]["title"],
        version=document["info"]["version"],
        introduction=document["info"]["description"].strip().split("\n"),
        openapi_url=request.app.openapi_url,
        sections=sections(document, str(request.base_url).rstrip("/")),
        style=_style,
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": _CSP})


def sections(document: Json, base_url: str) -> list[Section]:
    """The operations by their tags, in the order of the document's tags."""
    by_tag: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, method, raw in operations(document):
        tag = raw.get("tags", ["other"])[0]
        by_tag.setdefault(tag, []).append(_operation(document, base_url, path, method, raw))
    texts = {tag["name"]: tag["description"] for tag in document["tags"]}
    return [
        Section(name, texts.get(name, ""), tuple(found)) for name, found in by_tag.items() if found
    ]


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, method and description of each operation of an OpenAPI document."""
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                yield path, method, item[method]


def body_example(document: Json, raw: Json) -> Any:
    """The first example of an operation's JSON body, None without one."""
    content = raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if name := schema.get("$ref", "").rpartition("/")[2]:
        schema = document["components"]["schemas"][name]
    return next(iter(schema.get("examples", [])), None)


def example_path(raw: Json, path: str) -> str:
    """The path with each parameter replaced by its example, or by its own name."""
    examples = {
        parameter["name"]: next(iter(parameter.get("schema", {}).get("examples", [])), None)
        for parameter in raw.get("parameters", [])
    }
    return re.sub(r"{(\w+)}", lambda found: str(examples.get(found[1]) or found[1].upper()), path)


def _operation(document: Json, base_url: str, path: str, method: str, raw: Json) -> Operation:
    needs_key = bool(raw.get("security"))
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        path=path,
        summary=raw.get("summary", ""),
        description=raw.get("description", ""),
        needs_key=needs_key,
        parameters=tuple(_parameter(item) for item in raw.get("parameters", [])),
        answers=tuple(raw["responses"]),
        curl=_curl(
            method, base_url + example_path(raw, path), needs_key, body_example(document, raw)
        ),
    )


def _parameter(raw: Json) -> Parameter:
    schema = raw.get("schema", {})
    return Parameter(
        name=raw["name"],
        where=raw["in"],
        kind=_kind(schema),
        required=raw.get("required", False),
        description=raw.get("description") or schema.get("description", ""),
    )


def _kind(schema: Json) -> str:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    return " or ".join(str(option.get("type", "text")) for option in options)


def _curl(method: str, url: str, needs_key: bool, body: Any) -> str:
    parts = ["curl"]
    if method != "get":
        parts += ["-X", method.upper()]
    if needs_key:
        parts.append('-H "Authorization: Bearer $STADTSINN_KEY"')
    if body is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts += ["-d", shlex.quote(json.dumps(body, ensure_ascii=False))]
    return " ".join([*parts, shlex.quote(url)])
