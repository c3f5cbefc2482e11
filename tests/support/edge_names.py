"""Names for edge agents: which the one rule takes, and which it refuses."""

from __future__ import annotations

from stadtsinn.edge.messages.edge_id import ROLES

REFUSED = [
    *("", "a/b", "/", "a/", "+", "a+", "#", "a#", "%u", "%c", "$SYS", "$share", "a$b", "a b", " a"),
    *("a ", "a\n", "a\r\n", "\ta", "a\0b", "a\x1b[2J", "a\x7f", "a\u202eb", "ä", "а", "a\u200b"),
    *("A", "Rathaus", "-a", "a-", "a.b", "a_b", "a:b", "a@b", "a,b", "a=b", "a\\b", "a" * 64, "."),
    *("..", "../x", "CN=a", '"a"', "a;b", "a*"),
    *ROLES,
    *("stadtsinn", "stadtsinn-ingest", "stadtsinn-ingest-edges", "stadtsinn-edge-a-cloud"),
]
TAKEN = ["a", "1", "a1", "rathaus-1", "a--b", "a" * 63, "ingest-2", "mein-ingest", "chirpstack-hof"]
