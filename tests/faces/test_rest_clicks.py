"""Single clicks over REST: from a visit to a list that can be read to its end."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from calls import call_tool, make_link, mcp_client
from faces.mcp.test_analytics import wait_for_clicks
from factories import Access, Server

NOON = 1_800_000_000_000
CLICKS = (
    "INSERT INTO clicks (link_id, clicked_at, is_bot, is_first, visitor, referrer, country, language, device, os, "
    "browser, utm_source, utm_medium, utm_campaign, utm_term, utm_content) VALUES (:link, :at, false, false, 1, 'r', "
    "'AT', 'de', 'mobile', 'ios', 'safari', '', '', '', '', '')"
)
DAY = "INSERT INTO link_days (link_id, day, total, uniques, bots) VALUES (:link, :day, :total, 1, 0)"


def fill(server: Server, link: dict[str, Any], count: int) -> None:
    """So many clicks on a link, one a millisecond, straight into the tables."""
    with server.node.database.write() as connection:
        for number in range(count):
            connection.execute(text(CLICKS), {"link": link["id"], "at": NOON + number})
        connection.execute(text(DAY), {"link": link["id"], "day": NOON // 86_400_000, "total": count})


@pytest.fixture
def access(server: Server) -> Access:
    """A workspace with a token."""
    return server.open_workspace(name="Own")


def test_a_visit_is_listed_with_what_it_told(server: Server, access: Access) -> None:
    with server.client(access) as client:
        code = make_link(client)["short_code"]
        server.visit(
            f"{code}?utm_source=news&utm_content=%3Cscript%3E%E2%80%AE", referer="https://a.example/b?secret=1"
        )
        server.visit(code, user_agent="curl/8.0")
        assert server.visit(code, user_agent="curl/8.0").status_code == 302
        wait_for_clicks(client, code, 3)
        answer = client.get(f"/links/{code}/clicks")
        assert (answer.status_code, answer.headers["x-total-count"]) == (200, "3")
        *robots, click = answer.json()["data"]
        assert [robot["is_bot"] for robot in robots] == [True, True]
        assert {name: click[name] for name in ("referrer", "utm_source", "utm_medium", "utm_content", "is_bot")} == {
            "referrer": "https://a.example/b",
            "utm_source": "news",
            "utm_medium": None,
            "utm_content": "<script>",
            "is_bot": False,
        }
        assert {"address", "visitor", "ip", "user_agent", "is_first"}.isdisjoint(click)


@pytest.mark.parametrize("count", [0, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_page_all_clicks_come_as_one_document(server: Server, access: Access, count: int) -> None:
    with server.client(access) as client:
        link = make_link(client)
        fill(server, link, count)
        answer = client.get(f"/links/{link['short_code']}/clicks")
    assert (answer.headers.get("x-total-count"), list(answer.json())) == (str(count), ["data"])
    assert len({click["id"] for click in answer.json()["data"]}) == count


def test_pages_are_of_a_hundred_and_lead_to_each_other(server: Server, access: Access) -> None:
    with server.client(access) as client, mcp_client(server, access) as tools:
        link = make_link(client, short_code="own")
        fill(server, link, 250)
        third = client.get("/links/own/clicks?page=3")
        assert third.json()["meta"] == {"page": 3, "per_page": 100, "total": 250, "total_pages": 3}
        assert (len(third.json()["data"]), third.headers["x-total-count"], "next" in third.links) == (50, "250", False)
        seen = list[int]()
        answer = client.get("/links/own/clicks?per_page=60")
        while True:
            seen += [click["id"] for click in answer.json()["data"]]
            if "next" not in answer.links:
                break
            answer = client.get(answer.links["next"]["url"])
        assert (len(seen), len(set(seen)), seen) == (250, 250, sorted(seen, reverse=True))
        first = call_tool(tools, "list_clicks", {"short_code": "own"})["structuredContent"]
        assert ([click["id"] for click in first["data"]], first["total"]) == (seen[:100], 250)
        cursor = {"short_code": "own", "cursor": first["next_cursor"]}
        assert call_tool(tools, "list_clicks", cursor)["structuredContent"]["data"][0]["id"] == seen[100]
        by_cursor = client.get("/links/own/clicks", params={"cursor": first["next_cursor"], "per_page": 100})
        assert [click["id"] for click in by_cursor.json()["data"]] == seen[100:200]


@pytest.mark.parametrize(
    "cursor", ["", "1.1", "1.2.3.4", "a.b.c", f"1.{2**63}.1", "-1.2.3", "\u0661.1.1", "1" * 16 + ".1.1"]
)
def test_what_is_no_cursor_is_refused_by_name(server: Server, access: Access, cursor: str) -> None:
    with server.client(access) as client:
        make_link(client, short_code="own")
        refused = client.get("/links/own/clicks", params={"cursor": cursor})
        sentence = "`cursor` must be the `next_cursor` of an earlier answer, unchanged."
        assert (refused.status_code, refused.json()["errors"]) == (422, {"cursor": [sentence]})
        assert client.get("/links/own/clicks", params={"cursor": f"1.{2**63 - 1}.1"}).json()["data"] == []
        assert client.get("/links/own/clicks?page=1&cursor=1.1.1").status_code == 422
        assert client.get("/links/own/clicks?per_page=101").status_code == 422


def test_a_link_s_clicks_can_be_named_by_its_destination_and_end_with_it(server: Server, access: Access) -> None:
    with server.client(access) as client:
        fill(server, make_link(client, short_code="own", original_url="https://example.com/own"), 2)
        named: httpx2.Response = client.get("/links/-/clicks", params={"original_url": "https://example.com/own"})
        assert len(named.json()["data"]) == 2
        client.delete("/links/own")
        assert client.get("/links/own/clicks").status_code == 404
