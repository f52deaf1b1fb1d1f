"""The country of an address."""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shortmcp.adapters import geoip
from shortmcp.adapters.geoip import country_in, open_countries
from shortmcp.core.public_addresses import NOT_PUBLIC_4, NOT_PUBLIC_6, is_public

country_of = open_countries()


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("8.8.8.8", "US"),
        ("193.99.144.80", "DE"),
        ("194.232.104.3", "AT"),
        ("129.132.1.1", "CH"),
        ("212.58.244.20", "GB"),
        ("133.11.0.1", "JP"),
        ("200.160.2.3", "BR"),
        ("2001:4860:4860::8888", "US"),
        ("2a02:2e0:3fe:1001:302::", "DE"),
        ("2001:628::1", "AT"),
        ("::ffff:8.8.8.8", "US"),
        ("::ffff:193.99.144.80", "DE"),
    ],
)
def test_a_public_address_has_its_country(address: str, country: str) -> None:
    assert country_of(address) == country


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.1.1",
        "203.0.113.5",
        "0.0.0.0",  # noqa: S104
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
    ],
)
def test_a_private_or_reserved_address_has_no_country(address: str) -> None:
    assert country_of(address) is None


EDGES = [
    type(network.network_address)(int(end) + step)
    for network in (*NOT_PUBLIC_4, *NOT_PUBLIC_6)
    for end, steps in ((network.network_address, (-1, 0, 1)), (network.broadcast_address, (-1, 0, 1)))
    for step in steps
    if 0 <= int(end) + step < 1 << network.max_prefixlen
]


@settings(deadline=None)  # no wall clock: a busy machine is no failure
@given(st.ip_addresses(v=4) | st.ip_addresses(v=6) | st.sampled_from(EDGES))
def test_public_are_those_that_are_public_for_outgoing_requests_too(address: IPv4Address | IPv6Address) -> None:
    # What a tunnel leads to is reached, but nobody comes from there.
    assume(not address.exploded.startswith("0064:ff9b:"))

    assert (geoip.find_public(str(address)) is not None) == is_public(str(address))


def test_every_edge_of_the_ranges_that_are_not_public_is_known() -> None:
    assert all((geoip.find_public(str(edge)) is not None) == is_public(str(edge)) for edge in EDGES)


@settings(deadline=None)  # no wall clock: a busy machine is no failure
@given(st.text(st.characters(exclude_categories=())) | st.ip_addresses().map(str))
def test_no_text_whatever_makes_the_look_up_fail(text: str) -> None:
    country = country_of(text)

    assert country is None or (len(country), country.isupper()) == (2, True)


@pytest.mark.parametrize(
    ("record", "country"),
    [
        ({"country_code": "AT"}, "AT"),
        ({"country": {"iso_code": "AT", "geoname_id": 2782113}}, "AT"),
        ({"country": "AT", "country_name": "Austria"}, "AT"),
        ({"country": "Austria", "country_code": "AT"}, "AT"),
        ({"country": "Austria"}, None),
        ({"country_code": "at"}, None),
        ({"country_code": 43}, None),
        ({"country": {}}, None),
        ({"country": ["AT"]}, None),
        ({}, None),
        ("AT", None),
        (None, None),
    ],
)
def test_a_record_of_any_common_schema_is_read(record: object, country: str | None) -> None:
    assert country_in(record) == country


@pytest.mark.parametrize("content", [b"", b"no database", b"\x00" * 5000, b"\xab\xcd\xefMaxMind.com" + b"\xff" * 50])
def test_a_file_that_is_no_database_is_refused_with_its_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "countries.mmdb"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"countries\.mmdb cannot be read as a MaxMind DB file"):
        open_countries(path)


def test_a_missing_file_and_a_folder_are_refused_alike(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.mmdb", tmp_path):
        with pytest.raises(ValueError, match="cannot be read as a MaxMind DB file"):
            open_countries(path)


def test_a_damaged_file_answers_none_or_a_country_but_never_fails(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "src/shortmcp/adapters/data/geo-whois-asn-country.mmdb"
    content = bytearray(shipped.read_bytes())
    content[:300_000] = b"\xfe" * 300_000
    path = tmp_path / "damaged.mmdb"
    path.write_bytes(content)

    assert [open_countries(path)(address) for address in ("8.8.8.8", "2001:628::1")] == [None, None]
