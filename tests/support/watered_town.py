"""A town with trees to be watered, and a crew that gets the list by e-mail."""

from __future__ import annotations

from typing import Any

from api_callers import HOME, ApiWorld
from stadtsinn.base.instant import DAY, HOUR, Instant, parse
from stadtsinn.cloud.alarms.watering.worker import WateringMails
from stadtsinn.cloud.domains.trees.daily import judge_due
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import Point, SeriesKey

FIVE = parse("2026-07-15T05:00:00+02:00")
REGISTER = (
    "Baumnummer;Baumart;Pflanzjahr;Straße;Breite;Länge;Gruppe;Gießsack\n"
    "L-1;Tilia cordata, Winter-Linde;2023;Am Markt 1;51,9600;7,6200;jung;75\n"
    "L-2;Tilia cordata, Winter-Linde;2023;Am Markt 2;51,9610;7,6210;jung;\n"
    "L-3;Tilia cordata, Winter-Linde;2023;ohne Lage;;;jung;\n"
    "X-1;Acer platanoides, Spitz-Ahorn;1990;Wald;51,9700;7,6310;;\n"
)
CREW = {"lea": ("email", "lea@stadt.example"), "ben": ("sms", "+491701111111")}


class WateredTown:
    """The crew: Lea by e-mail, Ben by SMS with an e-mail address behind it."""

    def __init__(self, world: ApiWorld, **watering_list: Any) -> None:
        self.world = world
        self.caller = world.client()
        world.clock.set(Instant(FIVE - HOUR))
        self.post("stations", slug="linde", name="Linde am Markt", kind="tree")
        self.post(
            "tree-groups", slug="jung", name="Junge Linden", station="linde", soil_class="Sl3"
        )
        self.post("trees/import", register=REGISTER)
        for slug, (channel, address) in CREW.items():
            self.post("recipients", slug=slug, name=slug.title(), channel=channel, address=address)
        self.ways("ben", [{"channel": "email", "address": "ben@stadt.example"}])
        self.crew(**{"send": True, **watering_list})

    def post(self, path: str, **body: Any) -> None:
        answer = self.caller.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text

    def ways(self, slug: str, channels: list[dict[str, str]]) -> None:
        channel, address = CREW[slug]
        body = {"name": slug.title(), "channel": channel, "address": address, "channels": channels}
        answer = self.caller.put(f"/api/v1/recipients/{slug}", json=body)
        assert answer.status_code == 200, answer.text

    def crew(
        self, slug: str = "bauhof", members: tuple[str, ...] = tuple(CREW), **values: Any
    ) -> None:
        body = {"name": "Bauhof", "members": list(members), "watering_list": values}
        answer = self.caller.post("/api/v1/duty-groups", json={"slug": slug, **body})
        if answer.status_code == 409:
            answer = self.caller.put(f"/api/v1/duty-groups/{slug}", json=body)
        assert answer.is_success, answer.text

    def measured(self, value: float, until: Instant = FIVE) -> None:
        """The soil, every six hours for three days."""
        key = SeriesKey("linde", "soil_tension", "30cm")
        self.world.series.write(
            Point(
                HOME, "soil", key, Instant(until - hours * HOUR), value, dev_eui="70b3d57ed0001234"
            )
            for hours in range(1, 73, 6)
        )

    def judge(self, now: Instant = FIVE) -> None:
        self.world.clock.set(now)
        judge_due(self.world.database, self.world.series, operator_scope(HOME), now)

    def work(self, now: Instant | None = None) -> WateringMails:
        """As a new process, which remembers nothing."""
        if now is not None:
            self.world.clock.set(now)
        worker = WateringMails(self.database, self.world.clock)
        worker.step()
        return worker

    @property
    def database(self) -> Database:
        return self.world.database


TOMORROW = Instant(FIVE + DAY)
