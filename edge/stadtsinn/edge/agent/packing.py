"""Compression of spooled items: every byte written wears the SD card, and items repeat their keys.

Deflate with a fixed dictionary of what every item contains reduces an uplink with its readings
from about 950 bytes to 250. The first byte is the packing method, so that a later version can read
the spool of an earlier one: **never change a dictionary, add one.** A CRC follows: cards flip
bits, SQLite does not detect that inside a value, and a wrong value is worse than none.
"""

from __future__ import annotations

import zlib

_PLAIN = b"\x00"
_DEFLATE_1 = b"\x01"
_WINDOW_BITS = -12  # raw deflate: the CRC is our own
_HEADER = 5
_MEMORY = 5

# Frequent texts at the end: deflate encodes short distances in fewer bits.
_DICTIONARY_1 = (
    b"lightning_strikes\xacprecipitation\xaewind_speed_max\xaewind_direction\xaawind_speed"
    b"\xafsolar_radiation\xaarelative_humidity\xafair_temperature\xb4atmospheric_pressure"
    b"\xafpeople_in_total\xb0people_out_total\xa9people_in\xaapeople_out\xa6line_1\xa8occupied"
    b"\xafbattery_voltage\xabtemperature\xb1soil_conductivity\xb0soil_temperature"
    b"\xadsoil_moisture\xa7suspect\xa3bad\xacout_of_range\xaeunknown_device\xaano_payload"
    b"\xa9undecoded\xa6reason\xa7message\xa7decoder\xa3raw\xa5topic\xa7payload"
    b"application/device/event/up\xaenetwork_server\xa7arrival\xa3gps"
    b"\xb0stadtsinn_device\xaddragino/lse01\xb2decentlab/dl-atm41\xaemilesight/vs133"
    b"\xafparametric/pcr2\xacbosch/tps110"
    b"\xa7outcome\x83\xa4type\xa7decoded\xa7decoder\xafdragino/lse01@1\xa8readings\x95"
    b"\x84\xa4type\xa6uplink\xa8position\xcd\xa6uplink\xde\x00\x10\xa7dev_eui\xb0a84041"
    b"70b3d50000000100\xa8dev_addr\xa8016b3e9c\xa5f_cnt\xcd\xa6f_port\x02\xa7payload\xc4"
    b"\xaaevent_time\xcf\x00\x06\xabtime_source\xa7gateway\xabreceived_at\xcf\x00\x06"
    b"\xb0deduplication_id\xd9$\xabdevice_type\xabdevice_name\xaedevice_profile"
    b"\xa4tags\x80\xa9data_rate\x05\xa9frequency\xce3\xbe'\xa0\xaareceptions\x91"
    b"\x83\xaagateway_id\xb00016c001f1000001\xa4rssi\xd0\xa3snr\xcb@\x00\x00\x00\x00\x00\x00"
    b"\xaaevent_time\xc0\x86\xa8quantity\xb0soil_temperature\xa5value\xcb@\x00\x00\x00"
    b"\x99\x99\x99\x99\x9a\xa7channel\xa0\xa7quality\xa4good\xa6reason\xa0"
    b"\xaaevent_time\xc0\x86\xa8quantity\xafbattery_voltage\xa5value\xcb@"
)


def pack(body: bytes) -> bytes:
    """A body for the spool; never more than five bytes longer."""
    deflate = zlib.compressobj(
        1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY_1
    )
    packed = deflate.compress(body) + deflate.flush()
    crc = zlib.crc32(body).to_bytes(4, "big")
    return _DEFLATE_1 + crc + packed if len(packed) < len(body) else _PLAIN + crc + body


def unpack(stored: bytes) -> bytes:
    """The body as it was. Raises ValueError for a row that is damaged or of a later version."""
    method, crc, packed = stored[:1], stored[1:_HEADER], stored[_HEADER:]
    if method == _PLAIN:
        body = packed
    elif method == _DEFLATE_1:
        body = _inflate(packed)
    else:
        raise ValueError(f"unknown packing method {method!r}: damaged, or of a later version")
    if zlib.crc32(body).to_bytes(4, "big") != crc:
        raise ValueError("the checksum does not match: the card changed bits")
    return body


def _inflate(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj(_WINDOW_BITS, _DICTIONARY_1).decompress(packed)
    except zlib.error as error:
        raise ValueError(f"cannot be unpacked ({error}): the card changed bits") from None
