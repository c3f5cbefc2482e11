"""A ChirpStack v4 for tests: a real gRPC server of the official services, its state in memory.

It keeps what ChirpStack does where that surprises: codes and texts of errors, ids, case of EUIs,
lists with a total. `faults` breaks any call, before or after it is done. Radio, streams and MQTT
are not here.
"""

from fake_chirpstack_server.faults import Fault, Faults
from fake_chirpstack_server.server import FakeChirpstackServer
from fake_chirpstack_server.store import Store

__all__ = ["FakeChirpstackServer", "Fault", "Faults", "Store"]
