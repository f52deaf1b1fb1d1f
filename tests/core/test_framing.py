"""Who may be shown in whose frame: a table of headers, and Chromium's own opinion of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from faces.pages.sites import Site, make_page, start_site
from shortmcp.core.framing import Origin, forbids_framing, origin_of

# Headers of a page on http://127.0.0.1, the frame being of http://www.localhost:{port}, and whether it stays empty.
TABLE: list[tuple[dict[str, str], bool]] = [
    ({}, False),
    ({"x-frame-options": "DENY"}, True),
    ({"x-frame-options": " deny "}, True),
    ({"x-frame-options": "SameOrigin"}, True),
    ({"x-frame-options": "DENY, DENY"}, True),
    ({"x-frame-options": "DENY, SAMEORIGIN"}, True),
    ({"x-frame-options": "SAMEORIGIN, ALLOWALL"}, True),
    ({"x-frame-options": "ALLOWALL"}, False),
    ({"x-frame-options": "ALLOW-FROM https://other.example"}, False),
    ({"x-frame-options": "nonsense"}, False),
    ({"x-frame-options": ""}, False),
    ({"content-security-policy": "default-src 'none'"}, False),
    ({"content-security-policy": "frame-ancestors 'none'"}, True),
    ({"content-security-policy": "frame-ancestors"}, True),
    ({"content-security-policy": "Frame-Ancestors 'NONE'"}, True),
    ({"content-security-policy": "frame-ancestors 'self'"}, True),
    ({"content-security-policy": "frame-ancestors *"}, False),
    ({"content-security-policy": "frame-ancestors http:"}, False),
    ({"content-security-policy": "frame-ancestors https:"}, True),
    ({"content-security-policy": "frame-ancestors http://www.localhost:{port}"}, False),
    ({"content-security-policy": "frame-ancestors HTTP://WWW.LOCALHOST:{port}"}, False),
    ({"content-security-policy": "frame-ancestors http://www.localhost:{port}/"}, False),
    ({"content-security-policy": "frame-ancestors www.localhost:{port}"}, False),
    ({"content-security-policy": "frame-ancestors www.localhost:*"}, False),
    ({"content-security-policy": "frame-ancestors *.localhost:{port}"}, False),
    ({"content-security-policy": "frame-ancestors *:*"}, False),
    ({"content-security-policy": "frame-ancestors *.www.localhost:{port}"}, True),
    ({"content-security-policy": "frame-ancestors localhost:{port}"}, True),
    ({"content-security-policy": "frame-ancestors www.localhost"}, True),
    ({"content-security-policy": "frame-ancestors www.localhost:1"}, True),
    ({"content-security-policy": "frame-ancestors https://www.localhost:{port}"}, True),
    ({"content-security-policy": "frame-ancestors 'none' http://www.localhost:{port}"}, False),
    ({"content-security-policy": "frame-ancestors other.example *.localhost:*"}, False),
    ({"content-security-policy": "img-src *;  frame-ancestors 'none' ; frame-ancestors *"}, True),
    ({"content-security-policy": "frame-ancestors *; frame-ancestors 'none'"}, False),
    ({"content-security-policy": "frame-ancestors *, frame-ancestors 'none'"}, True),
    ({"content-security-policy": "frame-ancestors *, default-src *"}, False),
    ({"content-security-policy": "frame-ancestors *", "x-frame-options": "DENY"}, False),
    ({"content-security-policy": "default-src *", "x-frame-options": "DENY"}, True),
    ({"content-security-policy-report-only": "frame-ancestors 'none'"}, False),
    ({"content-security-policy-report-only": "frame-ancestors *", "x-frame-options": "DENY"}, True),
]
HTTPS = Origin("https", "page.example", 443)


@pytest.mark.parametrize(("headers", "forbidden"), TABLE)
def test_a_page_forbids_frames_by_its_headers(headers: dict[str, str], forbidden: bool) -> None:
    sent = {name: value.replace("{port}", "8000") for name, value in headers.items()}
    page, frame = origin_of("http://127.0.0.1:9000/page"), origin_of("http://www.localhost:8000/code")
    assert forbids_framing(sent, page, frame) == forbidden


@pytest.mark.parametrize(
    ("source", "frame", "forbidden"),
    [
        ("sho.example", "https://sho.example/", False),
        ("sho.example", "http://sho.example/", True),
        ("http://sho.example", "https://sho.example/", False),
        ("http://sho.example:80", "https://sho.example/", False),
        ("https://sho.example:443", "https://sho.example/", False),
        ("sho.example", "https://sho.example:8443/", True),
        ("'self'", "https://page.example/", False),
        ("'self'", "http://page.example/", True),
        ("http:", "https://sho.example/", False),
        ("*.example", "https://sho.example/", False),
        ("*.sho.example", "https://sho.example/", True),
        ("data:", "https://sho.example/", True),
        ("[::1]:8000", "https://[::1]:8000/", False),
        ("not/a:source", "https://sho.example/", True),
    ],
)
def test_sources_mean_schemes_hosts_and_ports(source: str, frame: str, forbidden: bool) -> None:
    policy = {"content-security-policy": f"frame-ancestors {source}"}
    assert forbids_framing(policy, HTTPS, origin_of(frame)) == forbidden


def test_the_same_origin_may_frame_itself() -> None:
    assert not forbids_framing({"x-frame-options": "sameorigin"}, HTTPS, HTTPS)


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[Site, Site]]:
    """Where the frames are, and where the pages are that stand in them."""
    with start_site("www.localhost") as frames, start_site() as pages:
        port = frames.url.rpartition(":")[2]
        for number, (headers, _) in enumerate(TABLE):
            sent = {name: value.replace("{port}", port) for name, value in headers.items()}
            address = pages.add(f"/{number}", make_page("<p>Here</p>", 200, **sent))
            frames.add(f"/{number}", make_page(f"<iframe src='{address}'></iframe>"))
        yield frames, pages


def test_chromium_thinks_so_too(browser: Browser, sites: tuple[Site, Site]) -> None:
    frames, pages = sites
    page = browser.new_page()
    empty: list[bool] = []
    for number in range(len(TABLE)):
        page.goto(f"{frames.url}/{number}", wait_until="load")
        empty.append(page.frames[1].url != f"{pages.url}/{number}")
    page.close()
    assert dict(enumerate(empty)) == {number: forbidden for number, (_, forbidden) in enumerate(TABLE)}
