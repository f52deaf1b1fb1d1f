"""Destinations: what is stored for a good one, and why a bad one is refused."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shortmcp.core.destinations import MAX_DESTINATION_LENGTH, normalize_destination, read_origin
from shortmcp.core.errors import Code, OperationError

OWN_ORIGINS = frozenset({("sho.rt", 443), ("xn--krz-hoa.example", 443), ("203.0.113.5", 80), ("127.0.0.1", 8000)})


def each(text: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("raw", text.split())


def normalize(raw: str) -> str:
    return normalize_destination("original_url", raw, OWN_ORIGINS)


def refusal(raw: str) -> str:
    with pytest.raises(OperationError) as caught:
        normalize(raw)
    assert caught.value.code == Code.INVALID
    assert caught.value.errors == {"original_url": [caught.value.sentence]}
    return caught.value.sentence


@each("""
    http://example.com/ http://example.com:443/ https://example.com:8443/a https://example.com/a//b/
    https://example.com./ https://intranet/wiki https://a_b.example.com/ https://192.0.2.1/
    https://[2001:db8::1]:8443/ https://xn--bcher-kva.example/ https://example.com/%zz?%zz#%
    https://example.com/%C3%BC%2F https://example.com/%0d%0aX:1 https://example.com/@name
    https://example.com/?url=javascript:alert(1) mailto:name@example.com
    mailto:a@example.com,b@example.com?cc=c@example.com mailto:a%2Bb@example.com tel:+49-30-123456 tel:112
    tel:7042;phone-context=example.com tel:+1-201-555-0123;ext=9
""")
def test_a_normal_destination_is_stored_as_it_is(raw: str) -> None:
    assert normalize(raw) == raw


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.COM/Path?Query#Fragment", "https://example.com/Path?Query#Fragment"),
        ("https://example.com:443/", "https://example.com/"),
        ("http://example.com:80/", "http://example.com/"),
        ("https://example.com:/", "https://example.com/"),
        ("https://example.com/a/../b/./c/%2e%2E/d", "https://example.com/b/d"),
        ("https://3221225985/", "https://192.0.2.1/"),
        ("https://[2001:DB8:0:0::1]/", "https://[2001:db8::1]/"),
    ],
)
def test_a_web_destination_is_stored_as_a_browser_reads_it(raw: str, stored: str) -> None:
    assert normalize(raw) == stored


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://пример.example/путь", "https://xn--e1afmkfd.example/%D0%BF%D1%83%D1%82%D1%8C"),
        ("https://例え。example/", "https://xn--r8jz45g.example/"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://\u0440ayp\u0430l.example/", "https://xn--aypl-73d6g.example/"),
        ("https://example.com/\U0001f600?ü=ü#ü", "https://example.com/%F0%9F%98%80?%C3%BC=%C3%BC#%C3%BC"),
        ("https://example.com/a b?c d#e f", "https://example.com/a%20b?c%20d#e%20f"),
        ('https://example.com/?q="<>\'#"<>', "https://example.com/?q=%22%3C%3E%27#%22%3C%3E"),
        ("https://example.com?to=a@example.com", "https://example.com/?to=a@example.com"),
        ("https://example.com#a@example.com", "https://example.com/#a@example.com"),
        ("MailTo:Name@Example.com", "mailto:Name@Example.com"),
        ("mailto:jürgen@example.com?subject=Grüß dich", "mailto:j%C3%BCrgen@example.com?subject=Gr%C3%BC%C3%9F%20dich"),
        ('mailto:a@example.com?body="<b>"', "mailto:a@example.com?body=%22%3Cb%3E%22"),
        ("TEL:(030)12.34", "tel:(030)12.34"),
    ],
)
def test_a_destination_is_stored_in_ascii(raw: str, stored: str) -> None:
    assert normalize(raw) == stored


@each("""
    : example.com www.example.com/page /relative //evil.example ///evil.example ?query #fragment localhost:8080
    javascript:alert(1) JavaScript:alert(1) javascript://example.com/%0aalert(1) javascript%3Aalert(1)
    data:text/html,<script>alert(1)</script> vbscript:msgbox file:///etc/passwd blob:https://example.com/1
    about:blank view-source:https://example.com ftp://example.com ws://example.com wss://example.com
    intent://example.com#Intent;scheme=https;end sms:+49 https;//example.com xhttps://example.com
    -https://example.com url:https://example.com http\u017f://example.com \uff48ttps://example.com
""")
def test_another_scheme_is_refused(raw: str) -> None:
    assert refusal(raw) == "`original_url` must begin with https://, http://, mailto: or tel:."


@each("""
    https https: http:evil.example https:evil.example https:/evil.example https:// https:///evil.example
    https:////evil.example https://?a https://#a https://. https://../a
""")
def test_a_web_destination_without_a_host_is_refused(raw: str) -> None:
    sentence = "`original_url` must name a host after https:// or http://, as in https://example.com/page."
    assert refusal(raw) == sentence


@each("""
    https://:443/ https://example.com:99999/ https://example.com:-1/ https://example.com:port/
    https://exa%20mple.com/ https://example.com%00/ https://example.com%0d%0a/ https://example.com%2Fevil/
    https://good.example%40evil.example/ https://good.example\uff20evil.example/
    https://good.example\uff0f.evil.example/ https://good.example\u2100.evil.example/ https://exa<mple.com/
    https://[::1/ https://[fe80::1%25eth0]/ https://1.2.3.4.5/ https://256.1.1.1/ https://4294967296/
    https://%zz/
""")
def test_a_web_destination_that_no_browser_opens_is_refused(raw: str) -> None:
    assert refusal(raw) == "`original_url` is not a URL that a browser can open; check its host and port."


@pytest.mark.parametrize("raw", ["https://exa mple.com/", "https://example.com:80 /", "tel:+49 30", "mail to:a@b"])
def test_a_space_is_refused_where_no_url_may_hold_one(raw: str) -> None:
    assert refusal(raw)


@each("https://a..example/ https://.example/ https://example.com../ https://a。。b/")
def test_a_host_name_with_an_empty_part_is_refused(raw: str) -> None:
    assert refusal(raw) == "`original_url` has an empty part in its host name; put one dot where several are."


@each("""
    https://good.example@evil.example/ https://name:word@evil.example/ https://@evil.example/
    https://:@evil.example/ https://a@b@evil.example/ https://@ https://@sho.rt/
""")
def test_a_user_name_in_a_web_destination_is_refused(raw: str) -> None:
    sentence = "`original_url` holds a user name or password before its host; remove it and the @."
    assert refusal(raw) == sentence


WHITE_SPACE = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2007\u200a\u2028\u2029\u202f\u205f\u3000"
C0_AND_C1 = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ZERO_WIDTH = "\xad\u180e\u200b\u200c\u200d\u2060\u2061\u2064\ufeff\ufff9\U000e0001\U000e0041\U000e007f"
UNASSIGNED_TAGS = "\U000e0000\U000e0002\U000e001f"
SURROGATES = "\ud800\udbff\udc00\udfff"
HIDDEN = sorted(set(WHITE_SPACE[1:] + C0_AND_C1 + BIDIRECTIONAL + ZERO_WIDTH + UNASSIGNED_TAGS + SURROGATES))


@pytest.mark.parametrize("character", WHITE_SPACE, ids=ascii)
@pytest.mark.parametrize("frame", ["{}https://example.com/", "https://example.com/{}", "mailto:a@example.com{}"])
def test_white_space_at_an_end_is_refused(character: str, frame: str) -> None:
    assert refusal(frame.format(character)) == "`original_url` begins or ends with white space; remove it."


@pytest.mark.parametrize("character", HIDDEN, ids=ascii)
@pytest.mark.parametrize("frame", ["https://exa{}mple.com/", "https://a.example/a{}b", "java{}script:x", "tel:1{}2"])
def test_a_hidden_character_is_refused_wherever_it_stands(character: str, frame: str) -> None:
    sentence = "`original_url` holds a control, invisible or spacing character; remove or percent-encode it."
    assert refusal(frame.format(character)) == sentence


@pytest.mark.parametrize("raw", ["\x01https://example.com", "https://example.com\x00", "\ufeffhttps://example.com"])
def test_a_hidden_character_at_an_end_is_refused(raw: str) -> None:
    assert refusal(raw).startswith("`original_url` holds a control")


@each(r"""
    /\evil.example \\evil.example https:\\evil.example https://good.example\@evil.example https://example.com/a\b
    https://example.com/?a\b mailto:a\b@example.com
""")
def test_a_backslash_is_refused(raw: str) -> None:
    assert refusal(raw) == "`original_url` holds a backslash; write / or %5C in its place."


@each("""
    mailto: mailto:name mailto:@example.com mailto:name@ mailto:a@b@c mailto:a@example.com,
    mailto:a@example.com,b mailto:?to=a@example.com mailto:#a@example.com mailto://a@example.com
    mailto:/a@example.com/../b
""")
def test_mail_without_an_address_is_refused(raw: str) -> None:
    assert refusal(raw) == "`original_url` must name an address after mailto:, as in mailto:name@example.com."


@pytest.mark.parametrize("code", ["%0d", "%0D", "%0a", "%0A", "%00", "%0D%0A"])
@pytest.mark.parametrize("frame", ["mailto:a{}@example.com", "mailto:a@example.com?subject=x{}Bcc: b", "mailto:a@b#{}"])
def test_an_encoded_line_break_in_mail_is_refused(code: str, frame: str) -> None:
    sentence = "`original_url` holds an encoded line break or NUL; remove every %0D, %0A and %00."
    assert refusal(frame.format(code)) == sentence


@each("""
    tel: tel:+ tel:-.() tel:;ext=1 tel:*21# tel:*%2306%23 tel:112%0d%0a tel:112?x tel://112 tel:CALL-ME
    tel:١٢٣ tel:112; tel:112;=1 tel:112;ext= tel:112;ext=<b> tel:112;\u017f=1
""")
def test_a_phone_destination_without_a_plain_number_is_refused(raw: str) -> None:
    sentence = "`original_url` must name a number after tel: without spaces, as in tel:+49-30-123456."
    assert refusal(raw) == sentence


@each("""
    https://sho.rt http://sho.rt/abc https://sho.rt:8443/ https://SHO.RT/ https://sho.rt./ https://sho。rt/
    https://\u017fho.rt/ https://\uff53\uff48\uff4f\uff0e\uff52\uff54/ https://sho%2Ert/ https://%73ho.rt/
    https://sho\ufe0f.rt/ https://kürz.example/ https://KÜRZ.example./ https://xn--krz-hoa.example:1/
    https://203.0.113.5/ https://203.0.113.5.:9/ https://3405803781/ https://0xcb.0.0x7105/
    https://[::ffff:203.0.113.5]/
""")
def test_an_own_host_is_refused_in_every_spelling_and_at_every_port(raw: str) -> None:
    assert refusal(raw).startswith("`original_url` leads back to this short link server;")


@each("""
    localhost LOCALHOST. app.localhost 127.0.0.1 127.0.0.1. 127.255.255.254 127.1 2130706433 0x7f.1 0177.0.0.1
    0.0.0.0 0 [::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1] [::ffff:0:0] ①②⑦.0.0.1
""")
@pytest.mark.parametrize("own_host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]"])  # noqa: S104
def test_a_loopback_host_is_own_only_at_the_same_port(raw: str, own_host: str) -> None:
    own_origins = frozenset({(own_host, 8000), ("sho.rt", 443)})
    assert normalize_destination("url", f"http://{raw}:8001/", own_origins).endswith(":8001/")
    with pytest.raises(OperationError, match="leads back"):
        normalize_destination("url", f"https://{raw}:8000/", own_origins)


def test_a_loopback_host_without_a_port_stands_for_the_port_of_its_scheme() -> None:
    own_origins = frozenset({("localhost", 80)})
    assert normalize_destination("url", "https://localhost/", own_origins) == "https://localhost/"
    with pytest.raises(OperationError, match="leads back"):
        normalize_destination("url", "http://127.0.0.1/", own_origins)


@each("https://www.sho.rt/ https://sho.rt.example/ https://xsho.rt/ https://example.com/https://sho.rt/")
def test_a_host_that_only_resembles_an_own_one_is_free(raw: str) -> None:
    assert normalize(raw) == raw


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://sho.rt", ("sho.rt", 443)),
        ("http://SHO.rt.:8080/base", ("sho.rt", 8080)),
        ("https://kürz.example", ("xn--krz-hoa.example", 443)),
        ("http://127.0.0.1:8000", ("localhost", 8000)),
        ("http://[::]:8000", ("localhost", 8000)),
        ("http://[2001:DB8::1]", ("2001:db8::1", 80)),
    ],
)
def test_an_origin_that_was_read_is_refused_as_a_destination(url: str, origin: tuple[str, int]) -> None:
    assert read_origin(url) == origin
    with pytest.raises(OperationError, match="leads back"):
        normalize_destination("url", url, frozenset({read_origin(url)}))


@pytest.mark.parametrize("url", ["", "sho.rt", "mailto:a@example.com", "ftp://example.com", "https://"])
def test_no_origin_is_read_from_another_text(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_origin(url)


@pytest.mark.parametrize("prefix", ["https://example.com/", "mailto:a@example.com?body="])
def test_a_destination_of_the_greatest_length_is_stored(prefix: str) -> None:
    raw = prefix.ljust(MAX_DESTINATION_LENGTH, "a")
    assert normalize(raw) == raw


@pytest.mark.parametrize(
    "raw",
    [
        "https://example.com/".ljust(MAX_DESTINATION_LENGTH + 1, "a"),
        "https://example.com/" + "ü" * 400,
        "mailto:a@example.com?body=" + "ü" * 400,
        "tel:" + "1" * MAX_DESTINATION_LENGTH,
        "https://example.com:443/".ljust(MAX_DESTINATION_LENGTH + 4, "a"),
    ],
    ids=len,
)
def test_a_destination_that_is_too_long_is_refused(raw: str) -> None:
    sentence = "`original_url` may have at most 2048 characters once it is percent-encoded; shorten it."
    assert refusal(raw) == sentence


def test_the_sentence_names_the_field_that_was_given() -> None:
    with pytest.raises(OperationError) as caught:
        normalize_destination("redirect_url", "", frozenset())
    assert caught.value.errors == {"redirect_url": [caught.value.sentence]}
    assert caught.value.sentence.startswith("`redirect_url` must begin with")


BEGINNINGS = ["", "https://", "HTTP://x", "https://a.example/", "https://xn--", "mailto:a@b", "mailto:a@b?", "tel:1"]
PIECES = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=12),
    st.sampled_from([*"。./?#@:;%ß ", "..", "%2e", "%zz", "[::1]", "127.1", "xn--"]),
)


@settings(max_examples=500, deadline=None, database=None)
@given(st.sampled_from(BEGINNINGS), st.lists(PIECES, max_size=8).map("".join))
@example("https://", "example.com/\ufdfa" * 3)
def test_any_text_is_refused_or_becomes_printable_ascii_that_is_stable(beginning: str, rest: str) -> None:
    try:
        stored = normalize(beginning + rest)
    except OperationError:
        return
    assert stored.isascii()
    assert stored.isprintable()
    assert len(stored) <= MAX_DESTINATION_LENGTH
    assert stored.startswith(("https://", "http://", "mailto:", "tel:"))
    assert normalize(stored) == stored
