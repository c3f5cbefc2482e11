"""Names in line protocol and InfluxQL, without a server."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb.line_protocol import lines
from stadtsinn.cloud.series.stores.influxdb.names import (
    any_of,
    from_field,
    from_influx,
    identifier,
    string,
    to_bucket,
    to_field,
    to_influx,
    to_measurement,
)
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.decoders.reading import Quality

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
qualities = st.sampled_from(list(Quality))


@given(names)
@example("100%25")
def test_an_encoded_name_comes_back(name: str) -> None:
    assert from_influx(to_influx(name)) == name


@given(names, qualities)
@example("x_bad", Quality.GOOD)
@example("_bad", Quality.SUSPECT)
@example("time", Quality.GOOD)
def test_a_field_comes_back_as_its_quantity_and_quality(name: str, quality: Quality) -> None:
    assert from_field(to_field(name, quality)) == (name, quality)


@given(names, names)
def test_two_tenants_never_share_a_bucket(one: str, other: str) -> None:
    assert (to_bucket("stadtsinn", one) == to_bucket("stadtsinn", other)) == (one == other)


@given(names)
def test_nothing_encoded_can_end_a_literal_a_line_or_an_escape(name: str) -> None:
    for encoded in (to_influx(name), to_field(name), to_measurement(name)):
        assert not set(encoded) & set("\\\"'`\n\r\0")
    assert set(to_bucket("stadtsinn", name)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-%"
    )


@pytest.mark.parametrize(
    ("quote", "text", "expected"),
    [
        (string, "it's", r"'it\'s'"),
        (string, "end\\", r"'end\\'"),
        (string, "two\nlines", r"'two\nlines'"),
        (identifier, 'say "hi"', r'"say \"hi\""'),
        (identifier, "end\\", r'"end\\"'),
    ],
)
def test_literals_are_quoted_even_without_the_encoding(
    quote: object, text: str, expected: str
) -> None:
    assert callable(quote)
    assert quote(text) == expected


def test_a_regular_expression_takes_names_literally() -> None:
    assert any_of(["a.b", "c|d", "e/f"]) == r"/^(a\.b|c\|d|e\/f)$/"


def point(
    quantity: str,
    value: float,
    channel: str = "",
    quality: Quality = Quality.GOOD,
    family: str = "soil",
) -> Point:
    key = SeriesKey("linde", quantity, channel)
    return Point("t", family, key, Instant(17), value, quality, "a840")


def test_an_uplink_is_one_line_per_channel() -> None:
    assert lines(
        [
            point("soil_moisture", 21),
            point("soil_temperature", -0.5, quality=Quality.BAD),
            point("soil_moisture", 7.25, channel="30cm"),
        ]
    ) == [
        "soil,device=a840,station=linde soil_moisture=21.0,soil_temperature_bad=-0.5 17",
        "soil,channel=30cm,device=a840,station=linde soil_moisture=7.25 17",
    ]


def test_a_value_is_always_a_float() -> None:
    """`21` and `true` would give the field another type, and every later value be refused."""
    assert lines([point("occupied", True)]) == ["soil,device=a840,station=linde occupied=1.0 17"]


def test_the_characters_of_line_protocol_are_escaped_where_they_matter() -> None:
    (line,) = lines([point("a=b,c d", 1.0, channel="x=y,z w", family="m=n,o p")])
    assert line == r"m=n\,o\ p,channel=x\=y\,z\ w,device=a840,station=linde a\=b\,c\ d=1.0 17"


def test_of_one_value_with_two_qualities_only_the_later_is_written() -> None:
    both = [point("tilt", 1.0), point("tilt", 2.0, quality=Quality.SUSPECT)]
    assert lines(both) == ["soil,device=a840,station=linde tilt_suspect=2.0 17"]
