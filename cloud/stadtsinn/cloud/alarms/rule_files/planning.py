"""What applying a folder of rule files would change in a town, and what stands against it.

A rule that a folder brought is that folder's. Whoever changes it elsewhere is not overwritten in
passing: it is named, and the file takes it over or `overwrite` says so. Rules that came from
nowhere are taken over by the folder that has them; those of another folder are left to that one. A
rule that the folder brought and does not have any more is removed only where that is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection

from stadtsinn.base.berlin import for_people, in_german
from stadtsinn.base.problems import Problem
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.alerts import repository as rule_repository
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.service import comparable, require_known, subject_of
from stadtsinn.cloud.alarms.rule_files import repository
from stadtsinn.cloud.alarms.rule_files.reading import FileRule
from stadtsinn.cloud.alarms.rule_files.repository import Changed, Origin
from stadtsinn.cloud.platform.access.scope import Scope


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    TAKE_OVER = "take over"
    """It is as the file says; from now on it is the folder's."""
    REMOVE = "remove"
    KEEP = "keep"
    """The folder brought it and has it no more; it stays, for nobody asked to remove it."""
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Planned:
    """What is to be done with a rule. `seen` is the digest of the rule as it is now, None: there is
    none; `origin` the folder that it came from. `fields` are old and new values."""

    action: Action
    slug: str
    wanted: FileRule | None = None
    seen: str | None = None
    fields: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    said: Sentence | None = None
    origin: Origin | None = None


@dataclass(frozen=True)
class Wish:
    """How a folder is applied."""

    folder: str
    remove: bool = False
    overwrite: bool = False


_Asked = Callable[[str], Changed | None]


def digest_of(rule: Rule) -> str:
    """The same for rules that are the same, also where a later version knows further settings."""
    known = {**type(rule.parameters).model_fields, **type(rule).model_fields}
    said = {
        name: value
        for name, value in comparable(rule).items()
        if name not in known or value != known[name].default
    }
    told = json.dumps(said, sort_keys=True, default=str)
    return sha256(told.encode()).hexdigest()


def mistakes(
    connection: Connection, scope: Scope, wanted: Sequence[FileRule]
) -> Iterator[Sentence]:
    """What the town does not allow: a station that is not there, an unknown recipient."""
    for one in wanted:
        try:
            subject_of(connection, scope, one.rule)
            require_known(connection, scope, one.rule)
        except Problem as problem:
            slug = one.rule.slug
            said = problem.sentence
            yield Sentence(f"rule {slug}: {said.english}", f"Regel {slug}: {said.german}").about(
                one.place
            )


def plan(
    connection: Connection, scope: Scope, wanted: Sequence[FileRule], wish: Wish
) -> list[Planned]:
    """In the order of the files, then what the folder has no more. What is as it should be is left
    out."""
    stored = {
        one.rule.slug: one for one in rule_repository.rules_page(connection, scope, None, None)
    }
    known = repository.origins(connection, scope)

    def changed(slug: str) -> Changed | None:
        return repository.last_change(connection, scope, slug)

    found: list[Planned] = []
    for one in wanted:
        slug = one.rule.slug
        planned = _planned(one, stored.get(slug), known.get(slug), wish, changed)
        if planned is not None:
            found.append(planned)
    named = {one.rule.slug for one in wanted}
    left = {
        slug: origin
        for slug, origin in sorted(known.items())
        if origin.folder == wish.folder and slug not in named
    }
    found += (_left(stored[slug], origin, wish, changed) for slug, origin in left.items())
    return [replace(one, origin=known.get(one.slug)) for one in found]


def _planned(
    one: FileRule, stored: StoredRule | None, origin: Origin | None, wish: Wish, changed: _Asked
) -> Planned | None:
    slug = one.rule.slug
    if stored is None:
        return Planned(Action.CREATE, slug, one)
    seen, wanted = digest_of(stored.rule), digest_of(one.rule)
    fields = _differing(stored.rule, one.rule)
    if origin is not None and origin.folder != wish.folder and not wish.overwrite:
        return Planned(Action.CONFLICT, slug, one, seen, fields, _others(origin))
    if seen == wanted:
        same = origin is not None and origin.folder == wish.folder and origin.digest == seen
        return None if same else Planned(Action.TAKE_OVER, slug, one, seen)
    if origin is not None and origin.digest != seen:
        said = _changed_since(origin, changed(slug))
        if not wish.overwrite:
            return Planned(Action.CONFLICT, slug, one, seen, fields, said)
        return Planned(Action.CHANGE, slug, one, seen, fields, said)
    return Planned(Action.CHANGE, slug, one, seen, fields)


def _left(stored: StoredRule, origin: Origin, wish: Wish, changed: _Asked) -> Planned:
    slug, seen = stored.rule.slug, digest_of(stored.rule)
    if not wish.remove:
        return Planned(Action.KEEP, slug, None, seen)
    if seen != origin.digest and not wish.overwrite:
        said = _changed_since(origin, changed(slug))
        return Planned(Action.CONFLICT, slug, None, seen, said=said)
    return Planned(Action.REMOVE, slug, None, seen)


def _differing(before: Rule, after: Rule) -> dict[str, tuple[object, object]]:
    old, new = comparable(before), comparable(after)
    return {
        name: (old.get(name), new.get(name))
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    }


def _others(origin: Origin) -> Sentence:
    return Sentence(
        f"it is of the folder '{origin.folder}': take it out of one of them, or --overwrite",
        f"sie gehört dem Ordner '{origin.folder}': aus einem von beiden herausnehmen, oder "
        "--overwrite",
    )


def _changed_since(origin: Origin, changed: Changed | None) -> Sentence:
    if changed is None or changed.at < origin.applied_at:
        english, german = "somebody changed it since", "sie wurde inzwischen geändert"
    else:
        by = "a command on the server" if changed.key is None else f"the key '{changed.key}'"
        von = (
            "einen Befehl auf dem Server"
            if changed.key is None
            else f"den Schlüssel '{changed.key}'"
        )
        english = f"it was changed on {for_people(changed.at)} by {by}"
        german = f"sie wurde am {in_german(changed.at)} durch {von} geändert"
    return Sentence(
        f"{english}: take that into the file, or --overwrite",
        f"{german}: das in die Datei übernehmen, oder --overwrite",
    )
