"""A real headless Chromium, and an application served to it on a port of its own."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from real_parts import PATIENCE_S, require, wait_until
from stadtsinn.simulator.demo.ports import free_port

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=de",
    "--window-size=900,900",
)


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Chrome]:
    """A browser with a fresh profile that logs every request it makes."""
    options = ChromeOptions()
    options.binary_location = str(require("chromium"))
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = Chrome(options=options, service=Service(str(require("chromedriver"))))
    try:
        yield browser
    finally:
        browser.quit()


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on 127.0.0.1; yields its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the application is served")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


def requested(browser: Chrome) -> list[str]:
    """Addresses of all requests since this was asked last."""
    return [event["request"]["url"] for event in _events(browser, "Network.requestWillBeSent")]


def _events(browser: Chrome, method: str) -> list[dict[str, Any]]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    return [message["params"] for message in messages if message["method"] == method]


def console_messages(browser: Chrome) -> list[str]:
    """What the browser's console says since this was asked last: errors, policy violations."""
    return [entry["message"] for entry in browser.get_log("browser")]  # type: ignore[no-untyped-call]


def narrow(browser: Chrome, width: int) -> None:
    """A viewport of so many CSS pixels."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )


def prefer(browser: Chrome, **features: str) -> None:
    """Media features such as ``prefers_color_scheme="dark"``; none to forget them."""
    listed = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})
