"""The public number of a zone as data: what the page shows and its script polls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from stadtsinn.base.berlin import write_time
from stadtsinn.base.foreign_text import visible_json_bytes
from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.domains.crowd.present import Present, present_in
from stadtsinn.cloud.domains.crowd.zone_repository import latest_reported
from stadtsinn.cloud.publish.web.repository import PublicZone
from stadtsinn.cloud.publish.web.texts import texts_of


@dataclass(frozen=True)
class PublicCount:
    """A public zone with its present number."""

    zone: PublicZone
    present: Present
    now: Instant

    def texts(self, language: Language) -> dict[str, str]:
        """The texts about the number."""
        return texts_of(self.present, self.present.permitted, self.now, language)

    def document(self) -> dict[str, Any]:
        """The number as JSON, without anything that depends on the request: it is cached."""
        shown, zone = self.present.shown, self.zone
        return {
            "tenant": zone.tenant,
            "zone": zone.slug,
            "name": {"de": zone.name, "en": zone.name_en or zone.name},
            "state": self.present.state.value,
            "occupancy": shown.persons if shown else None,
            "qualifier": shown.qualifier.value if shown else None,
            "interval": {"low": shown.low, "high": shown.high} if shown else None,
            "class": shown.level.value if shown and shown.level else None,
            "permitted": self.present.permitted,
            "updated_at": write_time(self.present.reported_at),
            "valid_until": write_time(self.present.valid_until),
            "text": {language.value: self.texts(language) for language in Language},
        }


def count_of(connection: Connection, zone: PublicZone, now: Instant) -> PublicCount:
    """The present of a public zone."""
    latest = latest_reported(connection, zone.id)
    return PublicCount(zone, present_in(zone, zone.planned, latest, now), now)


def encode(document: dict[str, Any]) -> bytes:
    """The document as bytes."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return visible_json_bytes(text.encode())
