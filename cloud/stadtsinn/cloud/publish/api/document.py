"""The OpenAPI document: what FastAPI derives, plus the errors that follow from the rules."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from stadtsinn.cloud.platform.api.errors import MEDIA_TYPE, ProblemDocument

TAGS = [
    {"name": "sites", "description": "Places of the town. Orte der Stadt."},
    {"name": "stations", "description": "Where devices measure. Messstellen und Einbauten."},
    {"name": "devices", "description": "Sensors. Sensoren."},
    {"name": "uplinks", "description": "What devices sent. Was Geräte gesendet haben."},
    {"name": "series", "description": "Measured values over time. Messwerte im Verlauf."},
    {"name": "zones", "description": "Areas with counted persons. Bereiche mit Personenzählung."},
    {
        "name": "trees",
        "description": "Trees and their watering. Bäume und wann sie Wasser brauchen.",
    },
    {"name": "rules", "description": "When to raise an alarm. Wann Alarm ist."},
    {"name": "incidents", "description": "Alarms that were. Alarme."},
    {"name": "parking", "description": "Spaces and lots, free or taken. Parkplätze."},
    {"name": "water", "description": "Rain, levels, lakes. Regen, Pegel, Seen."},
    {"name": "mutes", "description": "What nobody is told of for a while. Stummschaltungen."},
    {"name": "recipients", "description": "Who gets messages. Wer Nachricht bekommt."},
    {"name": "duty", "description": "Who is on duty. Wer Bereitschaft hat."},
    {"name": "messages", "description": "What was sent to whom. Gesendete Nachrichten."},
    {"name": "edges", "description": "Agents beside the gateways. Agenten an den Gateways."},
    {"name": "claims", "description": "Devices that change towns. Geräte wechseln die Stadt."},
    {"name": "quarantine", "description": "What was not taken. Was nicht angenommen wurde."},
    {"name": "keys", "description": "API keys of the town. API-Schlüssel der Stadt."},
    {"name": "audit", "description": "Who changed what. Wer was geändert hat."},
    {"name": "catalogue", "description": "Device types, quantities. Gerätetypen, Messgrößen."},
    {"name": "public", "description": "Open to everybody, no key. Öffentlich, ohne Schlüssel."},
    {"name": "delivery reports", "description": "For SMS providers. Für SMS-Dienste."},
    {"name": "sandbox", "description": "The demo's telephone. Das Test-Telefon."},
    {"name": "service", "description": "For operators. Für den Betrieb."},
]

DESCRIPTION = """\
Trusted values from a town's LoRaWAN sensors. *Verlässliche Werte aus den Sensoren einer Stadt.*

Send your key with every request: `Authorization: Bearer st_…`. A key opens the data of one town.
Errors are problem documents (RFC 9457, `application/problem+json`); `detail` says what to do.
Lists come in pages: pass `next` as `cursor` for the following one. Times are RFC 3339 with offset.
"""

_METHODS = ("get", "put", "post", "patch", "delete")
_ERRORS = {
    "400": "The address or the body cannot be read. Anfrage nicht lesbar.",
    "401": "No key, or one that is not valid. Ohne gültigen Schlüssel.",
    "403": "The key's role does not allow this. Die Rolle des Schlüssels reicht nicht.",
    "404": "Not there, or another town's. Nicht vorhanden.",
    "409": "Clashes with what is there. Widerspricht dem Bestand.",
    "413": "The body is too large. Die Anfrage ist zu groß.",
    "422": "Something in the request is not valid. Die Anfrage ist ungültig.",
    "429": "Too many requests at the same time. Zu viele Anfragen gleichzeitig.",
    "503": "Away for the moment, try again. Gerade nicht erreichbar.",
}


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document, made once per application."""
    if app.openapi_schema is None:
        app.openapi_schema = _make(app)
    return app.openapi_schema


def _make(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDocument"] = problem
    for item in document["paths"].values():
        for method in _METHODS:
            if operation := item.get(method):
                _add_errors(method, operation)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


def _add_errors(method: str, operation: dict[str, Any]) -> None:
    """Name the errors that an operation's security, method and parameters make possible."""
    codes = ["429", "503"]
    if operation.get("security"):
        codes += ["401", "403", "422"]  # a parameter that it does not know
        if method != "get":
            codes.append("409")
    if operation.get("parameters") or operation.get("requestBody"):
        codes += ["400", "404", "422"]  # a query and a body name things too
    if operation.get("requestBody"):
        codes.append("413")
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's own form, which we never send
    for code in sorted(set(codes)):
        responses.setdefault(code, _error(code))


def _error(code: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": _ERRORS[code], "content": {MEDIA_TYPE: {"schema": schema}}}
