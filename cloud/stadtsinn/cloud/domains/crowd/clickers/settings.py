"""Where the totals for hand counters go."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stadtsinn.base.mqtt.settings import BrokerSettings
from stadtsinn.base.settings.reading import Section


class ClickerTotalsSettings(Section):
    """The application of a ChirpStack that has the hand counters, reached by its MQTT broker (as
    JSON); without `broker` that is the installation's own. `every_s`: not more often than that."""

    application: Annotated[str, Field(pattern=r"^[^+#/]{1,128}$")]
    tenant: str | None = None
    topic_prefix: str = ""
    f_port: Annotated[int, Field(ge=1, le=223)] = 10
    every_s: Annotated[int, Field(ge=30, le=3_600)] = 120
    broker: BrokerSettings | None = None
