"""The public number as JSON and as a page, as a browser without script gets it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from markupsafe import Markup
from sqlalchemy import update

from api_callers import HOME, ApiWorld
from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.berlin import isoformat
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.crowd.zones.model import Zone
from stadtsinn.cloud.domains.crowd.zones.repository import insert_zone
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.api import templates
from stadtsinn.cloud.publish.web.settings import WebSettings
from stadtsinn.cloud.town.repository import bump_revision

pytestmark = pytest.mark.slow

DATA = f"/public/{HOME}/zones/marktplatz"
PAGE = f"/{HOME}/zaehler/marktplatz"


@pytest.fixture
def viewer(world: ApiWorld) -> TestClient:
    return world.nobody()


def fill(market: Market, persons: int, minutes: int = 10) -> None:
    """So many are inside after some minutes; the clock stands ten seconds later."""
    for minute in range(minutes + 1):
        came = persons * minute // minutes
        market.apply(market.uplink(NORTH, minute, came, 0), market.uplink(SOUTH, minute, 0, 0))
    market.clock.set(Instant(OPENING + minutes * MINUTE + 10 * SECOND))


def test_the_public_number_is_rounded_and_says_how_long_it_holds(
    market: Market, viewer: TestClient
) -> None:
    fill(market, 643)
    answer = viewer.get(DATA)
    document = answer.json()
    assert document["state"] == "live"
    assert (document["occupancy"], document["qualifier"]) == (640, "about")
    assert document["interval"]["low"] <= 643 <= document["interval"]["high"]
    assert document["class"] == "busy"
    assert document["updated_at"] == isoformat(OPENING + 10 * MINUTE)
    assert document["valid_until"] == isoformat(OPENING + 13 * MINUTE)
    assert document["text"]["de"]["headline"] == "etwa 640 Personen, belebt"
    assert document["text"]["de"]["updated"] == "Stand 08:10\u00a0Uhr"
    assert document["text"]["en"]["headline"] == "about 640 people, busy"
    assert answer.headers["x-server-clock"] == isoformat(market.clock.now())


def test_what_a_template_inserts_steers_no_page() -> None:
    template = templates.templates_of("stadtsinn.cloud.publish.web").from_string(
        "<h1>{{ name }}</h1>{{ markup }}{{ number }}"
    )
    page = template.render(name="a\u202eb\x1b[2J\u2066<b>", markup=Markup("<br>"), number=7)
    assert page == "<h1>a\\u202eb\\x1b[2J\\u2066&lt;b&gt;</h1><br>7"


def test_every_page_is_made_by_templates_that_make_text_visible() -> None:
    cloud = Path(templates.__file__).parents[2]
    found = [path.name for path in cloud.rglob("*.py") if "Environment(" in path.read_text("utf-8")]
    assert found == ["templates.py"]


def test_everybody_may_read_it_from_any_page_without_credentials(
    market: Market, viewer: TestClient
) -> None:
    headers = viewer.get(DATA, headers={"Origin": "https://www.example.de"}).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert headers["cache-control"] == "public, max-age=10, stale-while-revalidate=30"
    assert "set-cookie" not in headers


def test_an_unchanged_number_costs_no_body(market: Market, viewer: TestClient) -> None:
    fill(market, 643)
    tag = viewer.get(DATA).headers["etag"]
    market.clock.advance(5 * SECOND)
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = viewer.get(DATA, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["x-server-clock"] == isoformat(market.clock.now())
    market.apply(market.uplink(NORTH, 11, 700, 0))
    changed = viewer.get(DATA, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_becoming_stale_changes_the_tag(market: Market, viewer: TestClient) -> None:
    fill(market, 643)
    tag = viewer.get(DATA).headers["etag"]
    market.clock.advance(3 * MINUTE)
    answer = viewer.get(DATA, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    document = answer.json()
    assert (document["state"], document["occupancy"], document["interval"]) == ("stale", None, None)
    assert document["text"]["de"]["headline"] == "Zurzeit keine aktuellen Daten"


def test_outside_of_events_the_page_says_closed(market: Market, viewer: TestClient) -> None:
    event = {"slug": "m", "name": "Markt", "days": ["sat"], "start": "08:00", "end": "08:11"}
    with market.database.write() as connection:
        connection.execute(update(zones).values(events=[event | {"permitted": 650}]))
        bump_revision(connection)
    fill(market, 643)
    document = viewer.get(DATA).json()
    assert (document["state"], document["permitted"], document["class"]) == ("live", 650, "full")
    assert document["valid_until"] == isoformat(OPENING + 11 * MINUTE)
    market.clock.advance(MINUTE)
    closed = viewer.get(DATA).json()
    assert (closed["state"], closed["occupancy"], closed["interval"]) == ("closed", None, None)
    german, english = closed["text"]["de"], closed["text"]["en"]
    assert german["headline"] == "Geschlossen: Zurzeit findet hier nichts statt"
    assert german["updated"] == "Gezählt wird wieder ab 3.10.2026, 08:00\u00a0Uhr"
    assert english["updated"] == "We count again from 3 Oct 2026, 08:00"
    page = viewer.get(PAGE).text
    assert "Geschlossen: Zurzeit findet hier nichts statt</span>" in page


@pytest.mark.parametrize(
    "address",
    [
        f"/public/{HOME}/zones/marktplatz",
        f"/public/{HOME}/zones/nirgends",
        "/public/nirgends/zones/marktplatz",
        PAGE,
        f"/en{PAGE}",
        f"/{HOME}/zaehler/nirgends",
        "/nirgends/zaehler/marktplatz",
        f"/{HOME}/zaehler/<script>",
    ],
)
def test_what_is_not_public_is_not_there(market: Market, viewer: TestClient, address: str) -> None:
    with market.database.write() as connection:
        connection.execute(update(zones).values(public=False))
    answer = viewer.get(address)
    assert answer.status_code == 404
    assert "Marktplatz" not in answer.text
    assert "<script>" not in answer.text
    if not address.startswith("/public"):
        assert "Diesen Zähler gibt es nicht" in answer.text
        assert "There is no such counter" in answer.text


def test_the_page_has_the_number_before_any_script_runs(market: Market, viewer: TestClient) -> None:
    fill(market, 643)
    page = viewer.get(PAGE).text
    assert '<strong id="number">640</strong>' in page
    assert "belebt" in page
    assert "Stand 08:10\u00a0Uhr" in page
    assert re.search(r"zwischen \d{3} und \d{3} Personen", page)
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in page


def test_reloading_without_script_can_be_stopped(market: Market, viewer: TestClient) -> None:
    page = viewer.get(PAGE).text
    assert f'href="{PAGE}?lang=de&amp;pause=1"' in page
    paused = viewer.get(f"{PAGE}?lang=de&pause=1").text
    assert "refresh" not in paused
    assert "Wieder jede Minute neu laden" in paused


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "", "de"),
        ("", "de-DE,de;q=0.9,en;q=0.8", "de"),
        ("", "en-GB,en;q=0.9,de;q=0.5", "en"),
        ("", "fr,en;q=0.3,de;q=0.7", "de"),
        ("", "fr", "de"),
        ("", "en;q=nonsense", "en"),
        ("?lang=en", "de", "en"),
        ("?lang=de", "en", "de"),
        ("?lang=xx", "", "de"),
    ],
)
def test_the_language_of_the_page(
    market: Market, viewer: TestClient, query: str, accepted: str, language: str
) -> None:
    answer = viewer.get(PAGE + query, headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in answer.text
    assert "Accept-Language" in answer.headers["vary"]
    assert f'hreflang="{"en" if language == "de" else "de"}"' in answer.text


def test_the_english_address(market: Market, viewer: TestClient) -> None:
    page = viewer.get(f"/en{PAGE}", headers={"Accept-Language": "de"}).text
    assert '<html lang="en">' in page
    assert "Market square" in page


def test_a_silent_gate_is_said_in_words(market: Market, viewer: TestClient) -> None:
    fill(market, 643)
    market.apply(*[market.uplink(NORTH, minute, 643, 0) for minute in range(11, 16)])
    market.clock.set(Instant(OPENING + 15 * MINUTE))
    page = viewer.get(PAGE).text
    assert "Eine Zählstelle meldet sich gerade nicht" in page
    assert "mindestens" in page


def test_over_the_permit_the_page_says_so_and_what_to_do(
    market: Market, viewer: TestClient
) -> None:
    """Not "2/2": https://github.com/skaut/SRS/issues/146. Never rounded down to the permit."""
    fill(market, 1003)
    document = viewer.get(DATA).json()
    assert (document["class"], document["occupancy"], document["permitted"]) == ("over", 1010, 1000)
    german = document["text"]["de"]
    assert german["headline"] == "etwa 1.010 Personen, mehr als zugelassen"
    assert "Bitte kommen Sie jetzt nicht hierher" in german["advice"]
    assert "Please do not come here now" in document["text"]["en"]["advice"]
    page = viewer.get(PAGE).text
    assert german["advice"] in page
    assert 'id="advice">' in page
    assert german["advice"] in viewer.get("/").text


def test_at_the_permit_nobody_is_sent_away(market: Market, viewer: TestClient) -> None:
    fill(market, 1000)
    document = viewer.get(DATA).json()
    assert (document["class"], document["text"]["de"]["advice"]) == ("full", "")
    assert 'id="advice" hidden' in viewer.get(PAGE).text


def silence(market: Market, minutes: int = 10) -> None:
    """The south gate is silent; the north one goes on."""
    last = market.latest().occupancy
    for minute in range(11, 11 + minutes):
        market.apply(market.uplink(NORTH, minute, last, 0))
    market.clock.set(Instant(OPENING + (10 + minutes) * MINUTE))


def test_a_class_that_is_shown_to_be_safe_explains_itself(
    market: Market, viewer: TestClient
) -> None:
    """A number of "at least" beside the class of "at most" reads like an error."""
    with market.database.write() as connection:
        connection.execute(update(zones).values(permitted=370))
    fill(market, 343)
    silence(market, 30)
    document = viewer.get(DATA).json()
    german, english = document["text"]["de"], document["text"]["en"]
    assert (document["state"], document["class"]) == ("degraded", "full")
    assert (german["number"], document["interval"]["high"]) == ("300", 380)
    assert german["headline"] == "mindestens 300 Personen, sicherheitshalber: voll"
    assert german["why"].startswith("Sicherheitshalber zeigen wir „voll“")
    assert english["why"].startswith("To be safe we show “full”")
    assert german["advice"] == "", "that the permit is exceeded is not known"
    assert german["why"] in viewer.get(PAGE).text
    assert german["why"] in viewer.get("/").text


def test_with_a_silent_gate_the_permit_is_exceeded_where_that_is_sure(
    market: Market, viewer: TestClient
) -> None:
    fill(market, 1200)
    silence(market)
    document = viewer.get(DATA).json()
    assert (document["state"], document["class"]) == ("degraded", "over")
    assert document["text"]["de"]["why"] == ""
    assert document["text"]["de"]["advice"] != ""


@pytest.mark.parametrize(
    ("short", "leads_to"),
    [
        (f"/{HOME}/marktplatz", f"{PAGE}?lang=de"),
        (f"/{HOME}/marktplatz/", f"{PAGE}?lang=de"),
        ("/Musterstadt/Marktplatz", f"{PAGE}?lang=de"),
        (f"/{HOME}", f"{PAGE}?lang=de"),
        (f"/{HOME}/", f"{PAGE}?lang=de"),
        (f"/{HOME}/zaehler", f"{PAGE}?lang=de"),
        (f"/{HOME}/zaehler/", f"{PAGE}?lang=de"),
    ],
)
def test_a_short_address_leads_to_the_page_in_german(
    market: Market, viewer: TestClient, short: str, leads_to: str
) -> None:
    fill(market, 643)
    answer = viewer.get(short, headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    assert str(answer.url).endswith(leads_to)
    assert '<html lang="de">' in answer.text
    assert "640" in answer.text


def test_a_short_address_follows_a_proxys_prefix(world: ApiWorld, market: Market) -> None:
    viewer = TestClient(world.app, root_path="/stadtsinn", follow_redirects=False)
    answer = viewer.get(f"/stadtsinn/{HOME}/marktplatz")
    assert answer.headers["location"] == f"/stadtsinn{PAGE}?lang=de"


@pytest.mark.parametrize("path", ["/nirgends", f"/{HOME}/nirgends", "/nirgends/markt", "/en/x"])
def test_a_mistyped_address_is_answered_for_people(
    market: Market, viewer: TestClient, path: str
) -> None:
    answer = viewer.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "Diesen Zähler gibt es nicht" in answer.text


@pytest.mark.parametrize(
    "path", ["/api/v1", "/api/nonsense", "/api", "/public/x", "/assets", "/nix"]
)
def test_programs_get_their_errors_as_json(market: Market, viewer: TestClient, path: str) -> None:
    answer = viewer.get(path)
    assert answer.status_code == 404
    assert "json" in answer.headers["content-type"]


def test_a_town_with_several_counters_has_a_list(market: Market, viewer: TestClient) -> None:
    with market.database.write() as connection:
        second = Zone(slug="bahnhof", name="Bahnhof", public=True)
        insert_zone(connection, Scope(HOME, Role.ADMIN, 0), second)
    answer = viewer.get(f"/{HOME}")
    assert str(answer.url).endswith("/?lang=de")
    assert "Bahnhof" in answer.text


def test_a_half_hour_that_has_just_begun_is_not_the_busiest(
    market: Market, viewer: TestClient
) -> None:
    """Five minutes of a growing crowd beat every whole half hour; they prove nothing yet."""
    fill(market, 600, minutes=65)
    page = viewer.get(f"{PAGE}?lang=de").text
    assert "Am vollsten war es heute bisher ab 08:30\u00a0Uhr" in page
    assert "Seit 09:00\u00a0Uhr ist es voller." in page
    assert "It has been busier since 09:00." in viewer.get(f"{PAGE}?lang=en").text
    assert '<th scope="row">seit 09:00\u00a0Uhr</th>' in page
    assert '<th scope="row">08:30–09:00\u00a0Uhr</th>' in page


def test_an_empty_morning_has_no_busiest_half_hour(market: Market, viewer: TestClient) -> None:
    fill(market, 0, minutes=65)
    page = viewer.get(f"{PAGE}?lang=de").text
    assert '<th scope="row">08:30–09:00\u00a0Uhr</th>' in page
    assert "Am vollsten" not in page


def test_before_the_first_half_hour_is_counted_there_is_no_busiest(
    market: Market, viewer: TestClient
) -> None:
    fill(market, 600, minutes=10)
    page = viewer.get(f"{PAGE}?lang=de").text
    assert "Am vollsten" not in page
    assert "seit 08:00\u00a0Uhr" in page
    assert "<p></p>" not in page


def test_a_stale_page_shows_no_number(market: Market, viewer: TestClient) -> None:
    fill(market, 643)
    market.clock.advance(3 * MINUTE)
    page = viewer.get(PAGE).text
    assert '<div id="fresh" hidden>' in page
    assert "640" not in re.sub(r"<section class=\"course\".*", "", page, flags=re.DOTALL)
    assert "Letzte Meldung: 08:10\u00a0Uhr" in page


def test_names_are_text_never_markup(market: Market, viewer: TestClient) -> None:
    with market.database.write() as connection:
        connection.execute(update(zones).values(name='<img src=x onerror="alert(1)">'))
    for address in (PAGE, "/"):
        page = viewer.get(f"{address}?lang=de").text
        assert "<img" not in page
        assert "&lt;img" in page


class Resources(HTMLParser):
    """What a page loads, runs or styles by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in {"link", "script", "img", "iframe", "source"}:
            self.loaded.append(known.get("href") or known.get("src") or "")
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("address", [PAGE, "/", "/nirgends/zaehler/nichts"])
def test_pages_load_only_what_is_ours_and_nothing_inline(
    market: Market, viewer: TestClient, address: str
) -> None:
    fill(market, 643)
    answer = viewer.get(address)
    resources = Resources()
    resources.feed(answer.text)
    assert resources.inline == []
    for path in resources.loaded:
        assert path.startswith("/assets/")
        asset = viewer.get(path)
        assert asset.status_code == 200
        assert asset.headers["cache-control"].endswith("immutable")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/assets/000000000000/counter.js", "/assets/x/../pages.py"])
def test_other_assets_are_not_there(viewer: TestClient, path: str) -> None:
    assert viewer.get(path).status_code == 404


def test_the_script_is_small_and_depends_on_nothing(viewer: TestClient, market: Market) -> None:
    path = re.search(r'<script type="module" src="([^"]+)"', viewer.get(PAGE).text)
    assert path is not None
    script = viewer.get(path[1]).text
    assert len(script.splitlines()) < 150
    assert not re.search(
        r"\bimport\b|localStorage|sessionStorage|document\.cookie|https?://", script
    )


def test_an_installation_says_who_may_embed_and_where_to_complain(
    world: ApiWorld, market: Market, viewer: TestClient
) -> None:
    world.app.state.web_settings = WebSettings(
        accessibility_url="https://www.musterstadt.example/barrierefrei",
        feedback_url="mailto:barriere@musterstadt.example",
        frame_ancestors=("https://www.musterstadt.example",),
    )
    answer = viewer.get(PAGE)
    assert 'href="https://www.musterstadt.example/barrierefrei"' in answer.text
    assert 'href="mailto:barriere@musterstadt.example"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors https://www.musterstadt.example" in policy
    embedded = viewer.get(f"{PAGE}?embed=1").text
    assert "<footer" not in embedded
    assert "<header" not in embedded


@pytest.mark.parametrize("origin", ["*; script-src *", "www.example.de", "https://a.de b.de"])
def test_a_setting_cannot_add_to_the_policy(origin: str) -> None:
    with pytest.raises(ValueError, match="frame_ancestors"):
        WebSettings(frame_ancestors=(origin,))


def test_links_follow_a_proxys_prefix(world: ApiWorld, market: Market) -> None:
    page = TestClient(world.app, root_path="/stadtsinn").get(PAGE).text
    assert f'data-url="/stadtsinn{DATA}"' in page
    assert 'href="/stadtsinn/assets/' in page


def test_the_index_lists_public_counters_by_town(market: Market, viewer: TestClient) -> None:
    fill(market, 643)
    page = viewer.get("/?lang=de").text
    assert f'href="{PAGE}?lang=de"' in page
    assert "<h2>Musterstadt</h2>" in page
    assert "640" in page
    with market.database.write() as connection:
        connection.execute(update(zones).values(public=False))
        bump_revision(connection)
    assert "Zurzeit veröffentlicht keine Stadt" in viewer.get("/?lang=de").text


def test_today_is_a_chart_and_a_table(market: Market, viewer: TestClient) -> None:
    fill(market, 600, minutes=89)
    page = viewer.get(f"{PAGE}?lang=de").text
    assert page.count('class="bar"') == 3
    assert '<th scope="row">08:00–08:30\u00a0Uhr</th>' in page
    assert "Am vollsten war es heute ab 09:00\u00a0Uhr" in page
    assert "1.000 zugelassen" in page
