"""Lists of hosts: what a line means, what changes on disk is felt, and a feed that fails leaves its copy."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlets import private
from services import Services, open_services
from shortmcp.adapters.outbound import Outbound
from shortmcp.adapters.safety import Blocklist, Feed
from shortmcp.adapters.safety.answers import NoAnswer
from shortmcp.adapters.safety.hosts import read_hosts
from shortmcp.core.jobs import Failure

LIST = """# comments
127.0.0.1 localhost   # and local names
::1 ip6-localhost ip6-loopback
0.0.0.0 Bad.Example other.example # two of them
plain.example.
*.all.example
0.0.0.0\tb\u00fccher.example
203.0.113.7
not-a-host!.example
2001:DB8::1
"""


@pytest.fixture
def services() -> Iterator[Services]:
    with open_services() as opened:
        yield opened


def test_a_list_names_hosts_in_the_form_of_hosts_files_or_plainly() -> None:
    hosts = ["bad.example", "other.example", "plain.example", "*.all.example", "xn--bcher-kva.example", "203.0.113.7"]
    assert read_hosts(LIST) == ([*hosts, "2001:db8::1"], 1)


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://bad.example/page", True), ("http://BAD.example:8080/", True), ("https://bad.example./", True),
        ("https://www.bad.example/", False), ("https://notbad.example/", False), ("https://all.example/", True),
        ("https://deep.down.all.example/", True), ("https://ball.example/", False), ("https://example/", False),
        ("https://b\u00fccher.example/", True), ("http://203.0.113.7/", True), ("http://3405803783/", True),
        ("http://[2001:db8::1]/", True), ("http://localhost/", False), ("https://good.example/?bad.example", False),
    ],
)  # fmt: skip
def test_a_host_is_listed_itself_or_with_all_that_is_in_it(tmp_path: Path, url: str, listed: bool) -> None:
    path = tmp_path / "list.txt"
    path.write_text(LIST, encoding="utf-8")
    assert bool(Blocklist(path).look_up(url)) == listed


def test_a_blocklist_is_read_again_when_it_changes_and_says_nothing_while_it_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    blocklist = Blocklist(path)
    assert not blocklist.is_ready()
    path.write_text("bad.example\n")
    assert (blocklist.is_ready(), blocklist.look_up("https://bad.example/")) == (True, "listed")
    path.write_text("worse.example\n")
    assert (blocklist.look_up("https://bad.example/"), blocklist.look_up("https://worse.example/")) == ("", "listed")
    path.write_text("# nobody\n")
    assert not blocklist.is_ready()
    path.unlink()
    assert not blocklist.is_ready()


def test_a_blocklist_that_cannot_be_read_or_is_too_large_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with (tmp_path / "large").open("wb") as large:
        large.truncate((32 << 20) + 1)
    for name in ("folder", "large"):
        blocklist = Blocklist(tmp_path / name)
        assert blocklist.is_ready()
        with pytest.raises(Failure):
            blocklist.look_up("https://bad.example/")


def make_feed(services: Services, folder: Path, outbound: Outbound | None = None) -> Feed:
    return Feed(f"{services.url}/hosts.txt", folder / "feeds", outbound or private())


def grow_old(folder: Path) -> None:
    for path in (folder / "feeds").iterdir():
        os.utime(path, (0, 0))


def test_a_feed_is_fetched_and_fetched_again_when_its_copy_is_old(services: Services, tmp_path: Path) -> None:
    services.feeds["/hosts.txt"] = "0.0.0.0 bad.example\n"
    feed = make_feed(services, tmp_path)
    with pytest.raises(NoAnswer, match="not been fetched"):
        feed.look_up("https://bad.example/")
    feed.renew()
    assert feed.look_up("https://bad.example/") == "listed"
    services.feeds["/hosts.txt"] = "0.0.0.0 worse.example\n"
    feed.renew()
    assert feed.look_up("https://worse.example/") == ""
    grow_old(tmp_path)
    feed.renew()
    assert feed.look_up("https://worse.example/") == "listed"
    assert [path.suffix for path in (tmp_path / "feeds").iterdir()] == [".hosts"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"0.0.0.0 worse.example"),
        (200, b""),
        (200, b"# nothing\n"),
        (
            200,
            b"<!doctype html>\n<title>Moved</title>\n<p>The list has moved to worse.example today.</p>\nworse.example",
        ),
        (200, b"\x1f\x8b\x08\0" + bytes(range(256)) * 8),
        (200, b"0.0.0.0 worse.example\n" * 100_000),
    ],
)
def test_a_feed_that_is_no_list_or_too_large_leaves_the_copy_as_it_is(
    services: Services, tmp_path: Path, status: int, body: bytes
) -> None:
    services.feeds["/hosts.txt"] = "bad.example\n"
    make_feed(services, tmp_path).renew()
    grow_old(tmp_path)
    services.says = (status, "text/plain", body)
    feed = make_feed(services, tmp_path, private(limit=1 << 20))
    feed.renew()
    assert (feed.look_up("https://bad.example/"), feed.look_up("https://worse.example/")) == ("listed", "")
    services.says = None
    services.feeds["/hosts.txt"] = "worse.example\n"
    feed.renew()
    assert feed.look_up("https://worse.example/") == "listed"


def test_a_damaged_copy_of_a_feed_is_no_answer_and_is_replaced(services: Services, tmp_path: Path) -> None:
    services.feeds["/hosts.txt"] = "bad.example\n"
    make_feed(services, tmp_path).renew()
    [path] = (tmp_path / "feeds").iterdir()
    path.write_bytes(b"torn")
    with pytest.raises(Failure, match="damaged"):
        make_feed(services, tmp_path).look_up("https://bad.example/")
    grow_old(tmp_path)
    feed = make_feed(services, tmp_path)
    feed.renew()
    assert feed.look_up("https://bad.example/") == "listed"
