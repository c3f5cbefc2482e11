"""API keys of ChirpStack: JWT (HS256) that name the key; what each key may do stands in the store.

What a key may not do is UNAUTHENTICATED with an empty text, also where the thing asked for is not
there at all: a tenant's key never learns what others have.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(frozen=True)
class ApiKey:
    """`tenant_id` is empty for a global key, which may do everything."""

    tenant_id: str = ""
    read_only: bool = False

    def may(self, tenant_id: str | None, *, change: bool) -> bool:
        if change and self.read_only:
            return False
        return not self.tenant_id or self.tenant_id == tenant_id


caller: ContextVar[ApiKey] = ContextVar("key of the call under way")


@dataclass
class KeyRing:
    """Makes and reads keys."""

    secret: bytes = field(default_factory=lambda: uuid4().bytes)
    keys: dict[str, ApiKey] = field(default_factory=dict)

    def make(self, key: ApiKey) -> str:
        """The token of a new key."""
        name = str(uuid4())
        self.keys[name] = key
        claims = {"aud": "chirpstack", "iss": "chirpstack", "sub": name, "typ": "key"}
        parts = (_packed(json.dumps(one).encode()) for one in ({"alg": "HS256"}, claims))
        signed = ".".join(parts)
        return f"{signed}.{self._signature(signed)}"

    def read(self, token: str) -> ApiKey | None:
        """Whose token it is; None for one that this ring did not make."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(signed)):
            return None
        claims = signed.partition(".")[2]
        padded = claims + "=" * (-len(claims) % 4)
        return self.keys.get(json.loads(base64.urlsafe_b64decode(padded))["sub"])

    def _signature(self, signed: str) -> str:
        return _packed(hmac.digest(self.secret, signed.encode(), hashlib.sha256))


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
