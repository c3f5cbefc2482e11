"""The counter page in a real Chromium."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys as Key

from api_callers import HOME, ApiWorld
from fake_market import NORTH, OPENING, SOUTH, Market
from real_browser import chromium, console_messages, narrow, prefer, requested, served
from real_parts import wait_until
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.cloud.publish.web.settings import WebSettings

pytestmark = pytest.mark.slow

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
POLL_S = 0.5


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def page(world: ApiWorld, market: Market, browser: Chrome) -> Iterator[str]:
    """The address of the counter; a browser as new, a page that polls quickly."""
    settings = WebSettings(
        accessibility_url="/barrierefrei", feedback_url="mailto:a@b.example", poll_seconds=POLL_S
    )
    world.app.state.web_settings = settings
    for minute in range(11):
        inside(market, minute, 40 * minute)
    market.clock.set(Instant(OPENING + 10 * MINUTE + 10 * SECOND))
    narrow(browser, 900)
    prefer(browser)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    online(browser)
    with served(world.app) as address:
        yield f"{address}/{HOME}/zaehler/marktplatz?lang=de"
        browser.get("about:blank")


def inside(market: Market, minute: float, persons: int) -> None:
    market.apply(market.uplink(NORTH, minute, persons, 0), market.uplink(SOUTH, minute, 0, 0))
    market.clock.set(Instant(OPENING + round(minute * MINUTE) + 10 * SECOND))


def text(browser: Chrome, name: str) -> str:
    return browser.find_element(By.ID, name).text


def waits_for(browser: Chrome, name: str, expected: str) -> None:
    wait_until(lambda: text(browser, name) == expected, f"{name} shows {expected!r}")


def offline(browser: Chrome) -> None:
    browser.execute_cdp_cmd("Network.enable", {})
    conditions = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def online(browser: Chrome) -> None:
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def later(browser: Chrome, minutes: float) -> None:
    """Advance the page's own clock by so many minutes."""
    browser.execute_script(
        "const real = performance.now.bind(performance), passed = arguments[0] * 60000;"
        "performance.now = () => real() + passed",
        minutes,
    )


def test_the_number_follows_without_a_reload(browser: Chrome, page: str, market: Market) -> None:
    browser.get(page)
    assert text(browser, "number") == "400"
    browser.execute_script("window.sameDocument = true")
    inside(market, 11, 460)
    waits_for(browser, "number", "460")
    assert browser.execute_script("return window.sameDocument") is True
    assert text(browser, "updated") == "Stand 08:11 Uhr"
    assert browser.title.startswith("etwa 460 Personen, ruhig – Marktplatz")
    assert console_messages(browser) == []


def test_screen_readers_hear_a_change_of_class_and_nothing_else(
    browser: Chrome, page: str, market: Market
) -> None:
    browser.get(page)
    heard = browser.find_element(By.ID, "announce")
    assert heard.get_attribute("role") == "status"
    inside(market, 11, 460)
    waits_for(browser, "number", "460")
    assert heard.get_attribute("textContent") == ""
    inside(market, 12, 840)
    waits_for(browser, "number", "840")
    assert heard.get_attribute("textContent") == "Jetzt: etwa 840 Personen, sehr voll"
    assert text(browser, "level") == "sehr voll"
    icon = browser.find_element(By.ID, "icon")
    assert icon.get_attribute("href") == "#icon-very_busy"


def test_the_pause_button_pauses_and_resumes(browser: Chrome, page: str, market: Market) -> None:
    browser.get(page)
    button = browser.find_element(By.ID, "pause")
    assert button.text == "Aktualisierung anhalten"
    button.send_keys(Key.ENTER)
    assert button.text == "Aktualisierung fortsetzen"
    assert text(browser, "pause-state") == "Die Anzeige ist angehalten."
    inside(market, 11, 460)
    time.sleep(5 * POLL_S)  # a script that did not pause would have shown it by now
    assert text(browser, "number") == "400"
    button.send_keys(Key.SPACE)
    waits_for(browser, "number", "460")


def test_a_number_that_the_server_calls_stale_goes(
    browser: Chrome, page: str, market: Market
) -> None:
    browser.get(page)
    market.clock.advance(3 * MINUTE)
    wait_until(lambda: not browser.find_element(By.ID, "fresh").is_displayed(), "the number goes")
    assert "Zurzeit keine aktuellen Daten" in text(browser, "stale")
    assert text(browser, "updated") == "Letzte Meldung: 08:10 Uhr"
    inside(market, 14, 500)
    waits_for(browser, "number", "500")


def test_without_a_connection_the_number_goes_when_it_is_no_longer_valid(
    browser: Chrome, page: str, market: Market
) -> None:
    """Also while paused, and whatever the time of day on the viewer's clock: here it is years off
    the server's."""
    browser.get(page)
    offline(browser)
    browser.find_element(By.ID, "pause").click()
    assert text(browser, "number") == "400"
    later(browser, 4)
    wait_until(lambda: not browser.find_element(By.ID, "fresh").is_displayed(), "the number goes")
    assert "Zurzeit keine aktuellen Daten" in text(browser, "stale")
    assert browser.title.startswith("Zurzeit keine aktuellen Daten – Marktplatz")


def test_without_script_everything_is_there(browser: Chrome, page: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(page)
    assert text(browser, "number") == "400"
    assert text(browser, "level") == "ruhig"
    assert not browser.find_element(By.ID, "pause").is_displayed()
    browser.find_element(By.LINK_TEXT, "Neu laden anhalten").click()
    assert browser.find_element(By.LINK_TEXT, "Wieder jede Minute neu laden").is_displayed()
    assert text(browser, "number") == "400"


def test_nothing_is_stored_and_nobody_else_is_asked(
    browser: Chrome, page: str, market: Market
) -> None:
    requested(browser)
    browser.get(page)
    inside(market, 11, 460)
    waits_for(browser, "number", "460")
    origin = page.partition(f"/{HOME}/")[0]
    asked = requested(browser)
    assert any(f"/public/{HOME}/zones/marktplatz" in address for address in asked)
    assert [address for address in asked if not address.startswith(origin)] == []
    assert browser.get_cookies() == []
    stored = "return [localStorage.length, sessionStorage.length, document.cookie.length]"
    assert browser.execute_script(stored) == [0, 0, 0]
    databases = browser.execute_async_script(
        "const done = arguments[0]; indexedDB.databases().then((all) => done(all.length))"
    )
    assert databases == 0


def set_state(state: str, market: Market) -> None:
    """From a live zone to one in this state."""
    if state == "degraded":
        market.apply(*[market.uplink(NORTH, minute, 12_400, 0) for minute in range(11, 16)])
        market.clock.set(Instant(OPENING + 15 * MINUTE))
    if state == "stale":
        market.clock.advance(5 * MINUTE)


STATES = ("live", "degraded", "stale")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_fits_320_pixels(
    browser: Chrome, page: str, market: Market, state: str, language: str
) -> None:
    set_state(state, market)
    narrow(browser, 320)
    browser.get(page.replace("lang=de", f"lang={language}"))
    assert browser.find_element(By.ID, "counter").get_attribute("data-state") == state
    browser.find_element(By.TAG_NAME, "summary").click()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_contrast_is_enough(
    browser: Chrome, page: str, market: Market, scheme: str, state: str
) -> None:
    set_state(state, market)
    prefer(browser, prefers_color_scheme=scheme)
    browser.get(page)
    browser.find_element(By.ID, "pause").click()
    for level in ("quiet", "busy", "very_busy", "full", "over"):
        browser.execute_script(
            "document.getElementById('counter').dataset.class = arguments[0]", level
        )
        measured = browser.execute_script(CONTRAST)
        assert len(measured) > 15
        assert [found for found in measured if found["ratio"] < found["needed"]] == []


def test_everything_to_click_is_large_enough(browser: Chrome, page: str) -> None:
    narrow(browser, 320)
    browser.get(page)
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('a, button, summary')]"
        ".filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect())"
        ".map((box) => Math.min(box.width, box.height))"
    )
    assert len(sizes) >= 6
    assert min(sizes) >= 24


def test_every_control_is_reached_by_keyboard_with_a_visible_focus(
    browser: Chrome, page: str
) -> None:
    browser.get(page)
    reached = []
    for _ in range(7):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(
            browser.execute_script(
                "const e = document.activeElement, style = getComputedStyle(e);"
                "return [e.textContent.trim(), style.outlineStyle, parseFloat(style.outlineWidth)]"
            )
        )
    names = [name for name, _, _ in reached]
    assert names[:4] == ["Musterstadt", "English", "Aktualisierung anhalten", "Verlauf als Tabelle"]
    assert "Erklärung zur Barrierefreiheit" in names
    assert all(kind == "solid" and width >= 2 for _, kind, width in reached)


def test_nothing_moves_for_those_who_do_not_want_it(browser: Chrome, page: str) -> None:
    duration = "return getComputedStyle(document.getElementById('meter-fill')).transitionDuration"
    prefer(browser, prefers_reduced_motion="no-preference")
    browser.get(page)
    assert "0.6s" in browser.execute_script(duration)
    prefer(browser, prefers_reduced_motion="reduce")
    assert browser.execute_script(duration) == "0s"


def test_the_course_is_renewed_while_the_page_stays_open(
    browser: Chrome, page: str, market: Market
) -> None:
    browser.get(page)
    assert len(browser.find_elements(By.CSS_SELECTOR, "rect.bar")) == 1
    for minute in range(11, 40):
        inside(market, minute, 400)
    later(browser, 6)
    wait_until(lambda: len(browser.find_elements(By.CSS_SELECTOR, "rect.bar")) == 2, "a second bar")
    assert console_messages(browser) == []
