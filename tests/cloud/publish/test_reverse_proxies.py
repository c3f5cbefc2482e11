"""The reverse proxies' example files, in the real nginx and Caddy, before the real application."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import certificate_files
from api_callers import HOME, ApiWorld
from databases import fresh_database
from fake_market import Market
from real_parts import dies_with_the_test, require, wait_until
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.serving import ApiServer
from stadtsinn.simulator.demo.ports import free_port

pytestmark = pytest.mark.slow

FILES = Path(__file__).resolve().parents[3] / "hardware" / "cloud"
NAME = "stadtsinn.musterstadt.example"
CADDY_IN_A_TEST = [
    "admin off",
    "auto_https disable_redirects",
    "skip_install_trust",
    f"default_sni {NAME}",
    "servers {\n\t\tprotocols h1 h2\n\t}",
]
PAGE = f"/{HOME}/zaehler/marktplatz"


@dataclass(frozen=True)
class Answer:
    """What a client got through the proxy."""

    status: int
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Proxied:
    """An application behind a proxy."""

    port: int
    world: ApiWorld
    caches: bool

    def get(self, path: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"https://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, headers={"Host": NAME, **named})
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(request, context=context, timeout=60) as got:
                return Answer(got.status, got.headers, got.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    """The example file with free ports and a certificate of its own in place of the named ones."""
    kind = str(request.param)
    program, folder = require(kind), tmp_path_factory.mktemp(kind)
    with ExitStack() as ending:
        world = ending.enter_context(_application(folder))
        api = ApiServer(world.app, "127.0.0.1:0")
        api.start()
        ending.callback(api.stop)
        port = free_port()
        start = _start_nginx if kind == "nginx" else _start_caddy
        ending.enter_context(start(program, folder, port, api.port))
        yield Proxied(port, world, caches=kind == "nginx")


@contextmanager
def _application(folder: Path) -> Iterator[ApiWorld]:
    database = fresh_database(folder)
    world = ApiWorld(database, folder)
    Market(database, tenant=HOME, new_tenant=False, clock=world.clock)
    world.app.router.routes.insert(0, Route("/-/headers", _headers))
    yield world
    world.series.close()
    database.dispose()


async def _headers(request: Request) -> JSONResponse:
    """What the proxy says about the client."""
    said = request.headers
    return JSONResponse({"for": said["x-forwarded-for"], "proto": said["x-forwarded-proto"]})


@contextmanager
def _start_nginx(program: Path, folder: Path, port: int, api_port: int) -> Iterator[None]:
    pair = certificate_files.files(folder / "tls", names=(NAME,), usage=())
    example = (FILES / "nginx.conf").read_text()
    replaced = {
        r"listen 80;": f"listen 127.0.0.1:{free_port()};",
        r"listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        r"listen \[::\]:80;": "",
        r"listen \[::\]:443 ssl;": "",
        r"/etc/letsencrypt/live/[^;]*fullchain.pem": str(pair.certificate),
        r"/etc/letsencrypt/live/[^;]*privkey.pem": str(pair.key),
        r"/var/cache/nginx-stadtsinn": str(folder / "cache"),
        r"127\.0\.0\.1:8000;": f"127.0.0.1:{api_port};",
    }
    for pattern, value in replaced.items():
        example, times = re.subn(pattern, value, example)
        assert times == 1, pattern
    main = folder / "nginx.conf"
    paths = "\n".join(
        f"{kind}_temp_path {folder / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{paths}\n{example}\n}}\n"
    )
    yield from _running([str(program), "-c", str(main), "-p", str(folder)], folder, port)


@contextmanager
def _start_caddy(program: Path, folder: Path, port: int, api_port: int) -> Iterator[None]:
    example, times = re.subn("127.0.0.1:8000", f"127.0.0.1:{api_port}", _caddyfile())
    assert times == 2, "the address is named in a comment too"
    own = "{\n" + "".join(f"\t{option}\n" for option in CADDY_IN_A_TEST) + "}\n"
    site = f"{NAME}:{port} {{\n\ttls internal\n\tbind 127.0.0.1\n"
    example = own + example.replace(f"\n{NAME} {{\n", f"\n{site}")
    (folder / "Caddyfile").write_text(example)
    command = [str(program), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    yield from _running(command, folder, port)


def _caddyfile() -> str:
    return (FILES / "Caddyfile").read_text()


def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    environment = {"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(folder)}
    process = subprocess.Popen(
        [*dies_with_the_test(), *command],
        stderr=(folder / "said").open("wb"),
        env={**environment, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
    )
    try:
        wait_until(lambda: process.poll() is not None or _answers(port), "the proxy answers")
        assert process.poll() is None, (folder / "said").read_text()[-2000:]
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def test_the_public_page_and_number_come_through(proxied: Proxied) -> None:
    page = proxied.get(PAGE)
    assert page.status == 200
    assert "marktplatz" in page.body.decode().lower()
    assert page.headers["Cache-Control"].startswith("public")
    number = proxied.get(f"/public/{HOME}/zones/marktplatz")
    assert number.status == 200
    assert number.headers["Access-Control-Allow-Origin"] == "*"


def test_copies_are_kept_per_language_and_for_the_public_alone(proxied: Proxied) -> None:
    if not proxied.caches:
        pytest.skip("Caddy has no cache, as its file says")
    path = f"{PAGE}?copies"
    german = proxied.get(path, Accept_Language="de")
    assert proxied.get(path, Accept_Language="de").headers["X-Cache"] == "HIT"
    english = proxied.get(path, Accept_Language="en")
    assert (english.headers["X-Cache"], english.body == german.body) == ("MISS", False)
    key = f"Bearer {proxied.world.token(Role.READER)}"
    for _ in range(2):
        mine = proxied.get("/api/v1/zones", Authorization=key)
        assert (mine.status, mine.headers["X-Cache"]) == (200, "BYPASS")
        assert proxied.get("/api/v1/zones").status == 401


def test_what_a_client_says_about_itself_is_replaced(proxied: Proxied) -> None:
    said = proxied.get("/-/headers", X_Forwarded_For="192.0.2.1", X_Forwarded_Proto="gopher")
    assert json.loads(said.body) == {"for": "127.0.0.1", "proto": "https"}


def test_operators_pages_stay_inside(proxied: Proxied) -> None:
    assert {proxied.get(path).status for path in ("/metrics", "/healthz")} == {404}
