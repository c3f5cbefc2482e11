"""What a rule is, the same for API, town file and tables.

The parameters of a rule's kind stand beside the common ones in a document (``on``, ``off``) and
in `RuleBody.parameters` in the program.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    InstanceOf,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.cloud.alarms.alerts.active import ActiveTime, active
from stadtsinn.cloud.alarms.notify.message import Severity
from stadtsinn.cloud.platform.api.fields import Name, ShortText, Slug
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.town.stations.directory import StationEntry
from stadtsinn.cloud.town.stations.kinds import check_kind
from stadtsinn.rules.attention import Plan
from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.kinds.registry import KINDS
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.rules.terms import Terms

_EXAMPLE: dict[str, JsonValue] = {
    "name": "Wochenmarkt voll",
    "zone": "wochenmarkt",
    "direction": "above",
    "on": 900,
    "off": 850,
    "for_s": 120,
    "keep_firing_s": 300,
    "recipients": ["ordnungsamt"],
}
_WEEK = 7 * 86_400
_NO_DEVICE = Sentence(
    "a rule names a 'station', not a 'device', so that it survives a swap: "
    "'stadtsinn station list' shows the stations and their devices",
    "eine Regel nennt eine 'station', kein 'device', damit sie einen Gerätetausch übersteht: "
    "'stadtsinn station list' zeigt die Messstellen und ihre Geräte",
)
_PATIENCE_S = 60

Seconds = Annotated[int, Field(ge=0, le=_WEEK)]
Slugs = Annotated[tuple[Slug, ...], Field(max_length=50)]


class Group(Model):
    """Stations that a rule watches, each for itself: those for which everything given is true.

    It follows the registry: a station that comes to be one of them is watched from then on.
    """

    kind: Annotated[
        Annotated[ShortText, AfterValidator(check_kind)] | None,
        Field(description="Kind of station, e.g. tree."),
    ] = None
    site: Annotated[Slug | None, Field(description="Slug of a site.")] = None
    tag: Annotated[Slug | None, Field(description="A tag that they have.")] = None

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.kind is None and self.site is None and self.tag is None:
            raise Unusable(
                "say what the stations have in common: 'kind', 'site' or 'tag'",
                "angeben, was die Messstellen gemeinsam haben: 'kind', 'site' oder 'tag'",
            )
        return self

    def holds(self, station: StationEntry) -> bool:
        return (
            self.kind in (None, station.kind)
            and self.site in (None, station.site)
            and (self.tag is None or self.tag in station.tags)
        )


class EscalationStep(Model):
    """Who is told where nobody acknowledged an alarm for a while."""

    after_s: Annotated[int, Field(ge=60, le=86_400, description="After the alarm.")]
    to: Annotated[
        tuple[Slug, ...],
        Field(min_length=1, max_length=50, description="Recipients and duty groups."),
    ]


class RuleBody(Model):
    """A rule without its name in addresses. Times in seconds."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Annotated[Name, Field(description="Stands in the message, e.g. 'Wochenmarkt voll'.")]
    station: Annotated[Slug | None, Field(description="A station, with `quantity`.")] = None
    group: Annotated[
        Group | None, Field(description="Or all stations of a group, with `quantity`.")
    ] = None
    zone: Annotated[Slug | None, Field(description="Or a zone: its persons, upper bound.")] = None
    quantity: Annotated[ShortText, Field(description="Of the station, e.g. soil_moisture.")] = ""
    channel: Annotated[ShortText, Field(description="Of the quantity; empty for most.")] = ""
    kind: Annotated[
        str, Field(description="How it judges; the kind's parameters stand beside the others.")
    ] = Threshold.kind_name
    parameters: InstanceOf[RuleKind]
    for_s: Annotated[Seconds, Field(description="It has to last so long before the alarm.")] = 0
    min_samples: Annotated[
        int, Field(ge=1, le=1_000, description="And to be seen in so many samples.")
    ] = 1
    keep_firing_s: Annotated[Seconds, Field(description="It has to be over for so long.")] = 0
    stale_after_s: Annotated[
        int | None,
        Field(
            ge=1, le=_WEEK, description="Silence that counts as missing data; null: 3 intervals."
        ),
    ] = None
    max_age_s: Annotated[
        int, Field(ge=1, le=_WEEK, description="Older alarms are recorded and not sent.")
    ] = 900
    resolve_notice: Annotated[bool, Field(description="Send an all-clear (Entwarnung).")] = True
    alert_on_stale: Annotated[
        bool, Field(description="Data that stops while an alarm is near is an alarm.")
    ] = False
    active: Annotated[
        tuple[ActiveTime, ...],
        Field(max_length=20, description="When it may fire, Europe/Berlin; empty: always."),
    ] = ()
    enabled: bool = True
    severity: Annotated[
        Severity, Field(description="How much a message may wait in quiet hours of duty groups.")
    ] = Severity.CRITICAL
    recipients: Annotated[
        Slugs, Field(description="Who gets alarms and all-clears: recipients and duty groups.")
    ] = ()
    technicians: Annotated[Slugs, Field(description="Who gets messages about missing data.")] = ()
    repeat_s: Annotated[
        int | None,
        Field(
            ge=60, le=_WEEK, description="Say it again until somebody acknowledges it; null: never."
        ),
    ] = None
    escalation: Annotated[
        tuple[EscalationStep, ...],
        Field(max_length=9, description="Whom to tell next where nobody acknowledges it."),
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _with_parameters(cls, values: Any) -> Any:
        """Gather what belongs to the kind. Its errors keep their place in the document."""
        if not isinstance(values, dict):
            return values
        if "device" in values:
            raise Unusable.of(_NO_DEVICE)
        if isinstance(parameters := values.get("parameters"), RuleKind):
            return {**values, "kind": parameters.kind_name}
        if "parameters" in values:
            raise Unusable(
                "write the parameters of the kind beside 'kind', each by its name",
                "die Einstellungen der Art stehen neben 'kind', jede unter ihrem Namen",
            )
        kind = _kind(values.get("kind", Threshold.kind_name))
        theirs = {name: values[name] for name in kind.model_fields if name in values}
        common = {name: value for name, value in values.items() if name not in theirs}
        return {**common, "parameters": kind.model_validate(theirs)}

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if sum(one is not None for one in (self.station, self.group, self.zone)) != 1:
            raise Unusable(
                "give either 'station' or 'group' or 'zone'",
                "entweder 'station' oder 'group' oder 'zone' angeben",
            )
        if self.zone is None and not self.quantity:
            raise Unusable(
                "name the 'quantity' of the station, e.g. soil_moisture",
                "die 'quantity' der Messstelle nennen, z. B. soil_moisture",
            )
        if self.zone is not None and (self.quantity or self.channel):
            raise Unusable(
                "a zone has neither 'quantity' nor 'channel'",
                "eine Zone hat weder 'quantity' noch 'channel'",
            )
        if self.zone is None and self.parameters.of_permit:
            raise Unusable(
                f"a rule of kind '{self.kind}' is for a zone: only zones have a permitted number",
                f"eine Regel der Art '{self.kind}' gilt für eine Zone: nur Zonen haben eine "
                "zulässige Zahl",
            )
        if self.zone is not None and self.parameters.of_stations:
            raise Unusable(
                f"a rule of kind '{self.kind}' is for a quantity of stations, not for a zone",
                f"eine Regel der Art '{self.kind}' gilt für Werte von Messstellen, nicht für "
                "eine Zone",
            )
        if any(later.after_s <= one.after_s for one, later in pairwise(self.escalation)):
            raise Unusable(
                "each step of 'escalation' comes later than the one before it: let 'after_s' grow",
                "jede Stufe von 'escalation' kommt später als die davor: 'after_s' muss wachsen",
            )
        if self.parameters.of_group and self.group is None:
            raise Unusable(
                f"a rule of kind '{self.kind}' judges the stations of a group together: give "
                "'group', not 'station' or 'zone'",
                f"eine Regel der Art '{self.kind}' beurteilt die Messstellen einer Gruppe "
                "gemeinsam: 'group' angeben, nicht 'station' oder 'zone'",
            )
        if self.group is not None and any(one.station for one in self.parameters.others):
            raise Unusable(
                "a rule for each station of a group compares with another 'quantity' or 'channel' "
                "of the same station: leave out that 'station', or name one 'station' for the rule",
                "eine Regel für jede Messstelle einer Gruppe vergleicht mit einer anderen "
                "'quantity' oder einem anderen 'channel' derselben Messstelle: deren 'station' "
                "weglassen, oder für die Regel eine 'station' nennen",
            )
        if self.stale_after_s is not None and self.parameters.silence_s is not None:
            raise Unusable(
                f"a rule of kind '{self.kind}' says itself what counts as missing data: leave out "
                "'stale_after_s'",
                f"eine Regel der Art '{self.kind}' sagt selbst, was als Stille zählt: "
                "'stale_after_s' weglassen",
            )
        if self.for_s and self.parameters.hold_s is not None:
            raise Unusable(
                f"a rule of kind '{self.kind}' says itself how long it has to last: leave out "
                "'for_s'",
                f"eine Regel der Art '{self.kind}' sagt selbst, wie lange es dauern muss: 'for_s' "
                "weglassen",
            )
        return self

    @model_serializer(mode="wrap")
    def _flat(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = handler(self)
        values.pop("parameters", None)
        return {**values, **self.parameters.model_dump(mode="json")}

    @property
    def plan(self) -> Plan:
        """When what nobody acknowledges is said again, and when others are told."""
        repeat = None if self.repeat_s is None else self.repeat_s * SECOND
        return Plan(repeat, tuple(one.after_s * SECOND for one in self.escalation))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The parameters of all kinds beside the common ones, as a document has them."""
        return _flat_schema(handler(_without_serializer(core_schema)), handler)

    def terms(self, interval_s: int, valid_from: Instant) -> Terms:
        """What the state machine judges by, where a value is expected every `interval_s`."""
        stale_after_s = self.parameters.silence_s or self.stale_after_s or 3 * interval_s
        return Terms(
            kind=self.parameters,
            hold=(self.parameters.hold_s or self.for_s) * SECOND,
            min_samples=self.min_samples,
            keep_firing=self.keep_firing_s * SECOND,
            stale_after=stale_after_s * SECOND,
            max_age=self.max_age_s * SECOND,
            alert_on_stale=self.alert_on_stale,
            patience=min(interval_s, _PATIENCE_S) * SECOND,
            valid_from=valid_from,
            active=active(self.active) if self.active else None,
        )


class Rule(RuleBody):
    """When to raise an alarm, and whom to tell. Wann Alarm ist, und wer es erfährt."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"slug": "wochenmarkt-voll", **_EXAMPLE}]}
    )
    slug: Slug


def _kind(name: Any) -> type[RuleKind]:
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Unusable(
            f"there is no such kind of rule: use one of {', '.join(sorted(KINDS))}",
            f"diese Art von Regel gibt es nicht: möglich sind {', '.join(sorted(KINDS))}",
        )
    return kind


def _without_serializer(schema: Any) -> Any:
    """A model's schema as its fields say it, not as a dictionary of anything."""
    if "schema" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "serialization"}
    return {**rest, "schema": _without_serializer(schema["schema"])}


def _flat_schema(reference: JsonSchemaValue, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    found = handler.resolve_ref_schema(reference)
    schemas = [
        handler.resolve_ref_schema(handler(kind.__pydantic_core_schema__))
        for kind in KINDS.values()
    ]
    properties = {name: part for name, part in found["properties"].items() if name != "parameters"}
    for schema in schemas:
        properties = schema["properties"] | properties
    properties["kind"]["enum"] = sorted(KINDS)
    needed_by_all = set.intersection(*(set(schema.get("required", ())) for schema in schemas))
    found["properties"] = properties
    required = (name for name in found["required"] if name != "parameters")
    found["required"] = [*required, *sorted(needed_by_all)]
    return reference
