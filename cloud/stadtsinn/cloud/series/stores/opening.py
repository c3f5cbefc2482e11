"""Opens the series store that the settings name."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesStore

DEFAULT_PREFIX = "stadtsinn"

_EXAMPLES = "sqlite:///series.sqlite, influxdb://host:8086 or influxdbs://host:8086 (TLS)"
_GERMAN_EXAMPLES = _EXAMPLES.replace("host", "rechner").replace(" or ", " oder ")


def open_store(
    url: str,
    *,
    token: str | None = None,
    org: str | None = None,
    clock: Clock | None = None,
    database: Database | None = None,
) -> SeriesStore:
    """The store at `url`; the server behind it need not answer yet.

    ``sqlite:///series.sqlite`` or a bare path is the embedded store.
    ``influxdb://host:8086/prefix`` is an InfluxDB 1.8, 2 or 3, ``influxdbs://`` with TLS; each
    tenant's bucket (database) is named ``<prefix>-<tenant>``, prefix ``stadtsinn`` by default.
    `token` is ``user:password`` for 1.8, an API token for 2 and 3; `org` is for 2.x only.
    `clock` decides what has passed its retention in the embedded store. `database` is the
    installation's, where an InfluxDB's replacements are agreed upon by all processes; without
    it none can be begun, and none under way is seen.

    Raises ValueError for anything else, also for a secret inside the URL, which would end in logs.
    """
    if "://" not in url:
        return _embedded(url, clock)
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query:
        raise Unusable(
            "a series URL holds no user, password or parameters (URLs end in logs): "
            "give the token by its own setting",
            "eine url für Messreihen enthält weder Benutzer noch Passwort noch Parameter (sie "
            "stünden im Log): das Token getrennt einstellen",
        )
    if parts.scheme == "sqlite":
        return _embedded(url.removeprefix("sqlite:///"), clock)
    schemes = {"influxdb": "http", "influxdbs": "https", "http": "http", "https": "https"}
    if parts.scheme not in schemes or not parts.netloc:
        raise Unusable(
            f"cannot use {parts.scheme}:// as series store: give {_EXAMPLES}",
            f"{parts.scheme}:// lässt sich nicht als Ablage der Messreihen benutzen: "
            f"{_GERMAN_EXAMPLES} angeben",
        )
    # influxdb-client costs start-up time that an embedded installation need not pay.
    from stadtsinn.cloud.series.stores.influxdb.store import InfluxStore
    from stadtsinn.cloud.series.stores.repository import ReplacementTable

    return InfluxStore(
        f"{schemes[parts.scheme]}://{parts.netloc}",
        token=token,
        org=org,
        prefix=parts.path.strip("/") or DEFAULT_PREFIX,
        replacements=ReplacementTable(database) if database is not None else None,
    )


def _embedded(path: str, clock: Clock | None) -> SeriesStore:
    from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore

    if not path or "://" in path:
        raise Unusable(
            f"this series URL names no file: give {_EXAMPLES}",
            f"diese url für Messreihen nennt keine Datei: {_GERMAN_EXAMPLES} angeben",
        )
    return EmbeddedStore(Path(path), clock or SystemClock())
