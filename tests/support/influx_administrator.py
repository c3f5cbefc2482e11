"""What the administrator of an InfluxDB 2 does beside us: organisations, buckets, tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx

from real_parts import InfluxServer
from real_series import SeriesAddress

Permission = dict[str, Any]


class Administrator:
    """Of one organisation; another one is made by `of`."""

    def __init__(self, server: InfluxServer) -> None:
        self.server = server
        self.org_id = self._org_id()

    def of(self, organisation: str) -> Administrator:
        self.call("POST", "orgs", {"name": organisation})
        return Administrator(replace(self.server, org=organisation))

    def bucket(self, name: str) -> str:
        """The ID of a new one."""
        made = self.call("POST", "buckets", {"orgID": self.org_id, "name": name})
        return str(made["id"])

    def buckets(self) -> list[str]:
        found = self.call("GET", f"buckets?limit=100&orgID={self.org_id}")["buckets"]
        return [one["name"] for one in found]

    def rule(self, bucket: str) -> dict[str, int]:
        """The one that says how long a bucket keeps values."""
        (found,) = self.call("GET", f"buckets?orgID={self.org_id}&name={bucket}")["buckets"]
        rule: dict[str, int] = found["retentionRules"][0]
        return rule

    def may(self, action: str, bucket_id: str = "", what: str = "buckets") -> Permission:
        """For one bucket, or for all of the organisation; organisations have their own ID."""
        own = {"id": self.org_id} if what == "orgs" else {"orgID": self.org_id}
        return {"action": action, "resource": {"type": what} | own | _one(bucket_id)}

    def token(self, *permissions: Permission) -> str:
        wanted = {"orgID": self.org_id, "permissions": permissions}
        return str(self.call("POST", "authorizations", wanted)["token"])

    def map(self, database: str, bucket_id: str) -> None:
        """As `influxd upgrade` does for each database of a 1.8."""
        mapping = {"orgID": self.org_id, "bucketID": bucket_id, "database": database}
        self.call("POST", "dbrps", mapping | {"retention_policy": "autogen", "default": True})

    def rename(self, bucket_id: str, name: str) -> None:
        self.call("PATCH", f"buckets/{bucket_id}", {"name": name})

    def address(self, prefix: str, *permissions: Permission) -> SeriesAddress:
        """Of a store whose token may do only this."""
        return SeriesAddress(
            f"{self.server.url}/{prefix}", self.token(*permissions), self.server.org
        )

    def _org_id(self) -> str:
        return str(self.call("GET", f"orgs?org={self.server.org}")["orgs"][0]["id"])

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"{self.server.url}/api/v2/{path}"
        answer = httpx.request(method, url, json=body, headers=self.server.headers)
        answer.raise_for_status()
        said: dict[str, Any] = answer.json() if answer.content else {}
        return said


def _one(bucket_id: str) -> dict[str, str]:
    return {"id": bucket_id} if bucket_id else {}
