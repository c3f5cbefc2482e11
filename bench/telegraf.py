"""Telegraf for comparison: the same events from the same broker into the same InfluxDB.

It does not decode payloads: the values of the event's JSON become fields and tags unchanged.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

from real_parts import PARTS_CACHE

VERSION = "v1.37.1"
_MODULE = f"github.com/influxdata/telegraf/cmd/telegraf@{VERSION}"
_TAGS = "custom,inputs.mqtt_consumer,outputs.influxdb,parsers.json,parsers.json_v2"
_WROTE = re.compile(r"Wrote batch of (\d+) metrics")
_CONNECTED = "Connected [tcp://"
_TIMEOUT_S = 120


def install() -> Path | None:
    """The program, built once with Go into the cache of real servers; None if Go is absent."""
    program = PARTS_CACHE / "bin" / f"telegraf-{VERSION}"
    if program.exists():
        return program
    go = shutil.which("go", path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
    if go is None:
        return None
    folder = PARTS_CACHE / "bin" / f".telegraf-{VERSION}"
    environment = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "-mod=mod"}
    subprocess.run([go, "install", "-tags", _TAGS, _MODULE], check=True, env=environment, cwd="/")
    (folder / "telegraf").rename(program)
    folder.rmdir()
    return program


class Telegraf:
    """One Telegraf with a persistent session at the broker."""

    def __init__(self, program: Path, folder: Path, broker_port: int, influx_url: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._influx_url = influx_url
        self._command = [str(program), "--config", str(folder / "telegraf.conf")]
        (folder / "telegraf.conf").write_text(_CONFIGURATION.format(broker_port, influx_url))

    def subscribe(self) -> None:
        """Make the session, so that the broker keeps what is published from now on."""
        with self._process() as process:
            self._until_connected(process)
            process.terminate()

    def drain(self, count: int) -> float:
        """Events per second, from the connection to the last one written."""
        before = self._points()
        with self._process() as process:
            began = self._until_connected(process)
            ended, written = began, 0
            # On a busy machine it writes some events twice, so only the points tell the end.
            while written < count or self._points() - before < count:
                line = self._line(process)
                if found := _WROTE.search(line):
                    written += int(found.group(1))
                    ended = time.perf_counter()
            process.terminate()
        return count / (ended - began)

    def _process(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )

    def _until_connected(self, process: subprocess.Popen[str]) -> float:
        while _CONNECTED not in self._line(process):
            pass
        return time.perf_counter()

    def _line(self, process: subprocess.Popen[str]) -> str:
        assert process.stderr is not None
        line = process.stderr.readline()
        if not line:
            raise RuntimeError(f"Telegraf ended with code {process.wait()}")
        return line

    def _points(self) -> int:
        """Events of Telegraf that InfluxDB has."""
        query = urllib.parse.urlencode({"db": "telegraf", "q": "SELECT count(fCnt) FROM uplink"})
        with urllib.request.urlopen(f"{self._influx_url}/query?{query}", timeout=60) as answer:  # noqa: S310
            result = json.load(answer)["results"][0]
        return int(result["series"][0]["values"][0][1]) if "series" in result else 0


_CONFIGURATION = """\
[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = 100000
  omit_hostname = true
  debug = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{}"]
  topics = ["application/+/device/+/event/up"]
  qos = 1
  client_id = "telegraf"
  persistent_session = true
  max_undelivered_messages = 10000
  topic_tag = ""
  name_override = "uplink"
  data_format = "json"
  tag_keys = ["deviceInfo_devEui", "devAddr"]
  json_time_key = "time"
  json_time_format = "2006-01-02T15:04:05Z07:00"
[[outputs.influxdb]]
  urls = ["{}"]
  database = "telegraf"
"""
