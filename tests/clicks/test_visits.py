"""The payload of a visit: what is written is what is read, and it always fits into a line."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from factories import CHROME
from shortmcp.clicks.journal import MAX_PAYLOAD
from shortmcp.clicks.visits import Visit, decode_visit, encode_visit

VISIT = Visit(7, 1_780_000_000_000, "203.0.113.9", CHROME, "https://news.example/a?b", "de", "utm_source=x", True)
LATIN = st.text(st.characters(max_codepoint=255), max_size=5000)


def encode(visit: Visit) -> bytes:
    return encode_visit(
        visit.link_id,
        visit.at,
        visit.address,
        visit.user_agent,
        visit.referrer,
        visit.accept_language,
        visit.query,
        visit.prefetch,
    )


def test_a_visit_is_read_as_it_was_written() -> None:
    assert decode_visit(encode(VISIT)) == VISIT


def test_a_campaign_behind_the_click_ids_of_advertisers_is_kept() -> None:
    query = f"gclid={'g' * 120}&fbclid={'f' * 180}&utm_source=newsletter&utm_campaign={'c' * 100}"
    assert (
        decode_visit(encode_visit(1, 0, "", CHROME, "https://a.example/" + "r" * 300, "de", query, False)).query
        == query
    )


@example(*["ÿ" * 5000] * 5)
@example(*["\x01" * 5000] * 5)
@example(*['"' * 500] * 5)
@given(LATIN, LATIN, LATIN, LATIN, LATIN)
def test_whatever_a_visitor_sends_fits_into_one_line(a: str, b: str, c: str, d: str, e: str) -> None:
    payload = encode_visit(2**31 - 1, 2**47 - 1, a, b, c, d, e, True)
    assert len(payload) <= MAX_PAYLOAD
    assert b"\n" not in payload
    visit = decode_visit(payload)
    assert (visit.link_id, visit.at, visit.prefetch) == (2**31 - 1, 2**47 - 1, True)
    assert e.startswith(visit.query)
    assert b.startswith(visit.user_agent)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'[1,0,"","","","","",1]',
        b'[true,0,"","","","","",false]',
        b'["1",0,"","","","","",false]',
        b'[1,0,"","","","","",false,0]',
        b'[0,0,"","","","","",false]',
        b'[2147483648,0,"","","","","",false]',
        b'[1,-1,"","","","","",false]',
        b'[1,9223372036854775808,"","","","","",false]',
        b'[1,0,"\xff","","","","",false]',
    ],
)
def test_anything_else_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode_visit(payload)
