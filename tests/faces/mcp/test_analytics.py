import time
from collections.abc import Callable
from typing import Any

import httpx2

from faces.mcp.dialogue import connect, structured, without_nulls
from factories import CHROME, Access, Server

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
# Visitors' addresses lie in blocks that their registries have long given to these countries.
VISITORS = [
    (CHROME, "8.8.8.8", "en-US,en;q=0.9", "https://news.example.com/story?token=secret"),
    (CHROME, "8.8.4.4", "en-US", "https://news.example.com/story"),
    (FIREFOX, "193.0.6.139", "nl-NL,nl;q=0.8,en;q=0.5", ""),
    (SAFARI, "133.11.0.1", "ja", "https://blog.example.org/"),
    (SAFARI, "2001:4860:4860::8888", "de-AT", ""),
]


def make_link(server: Server, access: Access) -> str:
    with server.client(access) as rest:
        made = rest.post("/links", json={"original_url": "https://example.com/", "title": "Counted"})
        return made.json()["data"]["short_code"]


def visit_from_everywhere(server: Server, code: str, rounds: int) -> int:
    for _ in range(rounds):
        for user_agent, address, language, referrer in VISITORS:
            headers = {"X-Forwarded-For": address, "Accept-Language": language}
            answer = server.visit(code, user_agent, **headers, **({"Referer": referrer} if referrer else {}))
            assert answer.status_code == 302
    return rounds * len(VISITORS)


def wait_for_clicks(rest: httpx2.Client, code: str, number: int) -> dict[str, Any]:
    """The link's analytics as soon as they count `number` clicks, bots among them."""

    def counted(answer: dict[str, Any]) -> bool:
        stats = answer["data"]["period_stats"]
        return stats["total"] + stats["bots"] == number

    return poll(lambda: rest.get(f"/links/{code}/analytics").json(), counted)


def poll(ask: Callable[[], dict[str, Any]], satisfied: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while True:
        answer = ask()
        if satisfied(answer):
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.02)


def same(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from second to second."""
    kept = without_nulls(answer)
    del kept["data"]["generated_at"]
    return kept


async def test_analytics_are_the_same_on_both_faces(server: Server, era: str) -> None:
    access = server.open_workspace()
    code = make_link(server, access)
    clicks = visit_from_everywhere(server, code, rounds=4)
    with server.client(access) as rest:
        link = wait_for_clicks(rest, code, clicks)
        project = rest.get("/projects").json()["data"][0]["slug"]
        of_project, of_workspace = rest.get(f"/projects/{project}/analytics").json(), rest.get("/analytics").json()
    async with connect(server, access, era) as mcp:
        assert same(structured(await mcp.call_tool("get_link_analytics", {"short_code": code}))) == same(link)
        told = structured(await mcp.call_tool("get_project_analytics", {"project": project}))
        assert same(told) == same(of_project)
        assert same(structured(await mcp.call_tool("get_workspace_analytics", {}))) == same(of_workspace)
    assert told["data"]["links"][0]["stats"]["current_month"] == clicks


async def test_visits_are_told_apart_by_country_language_and_browser(server: Server) -> None:
    access = server.open_workspace()
    code = make_link(server, access)
    clicks = visit_from_everywhere(server, code, rounds=1)
    with server.client(access) as rest:
        wait_for_clicks(rest, code, clicks)
    async with connect(server, access) as mcp:
        answer = structured(await mcp.call_tool("get_link_analytics", {"short_code": code, "timezone": "Asia/Tokyo"}))
    found = {
        name: {value["code"].lower(): value["total"] for value in answer["data"][name]}
        for name in ("countries", "languages", "browsers", "devices")
    }
    assert found["countries"] == {"us": 3, "nl": 1, "jp": 1}
    assert found["languages"] == {"en": 2, "nl": 1, "ja": 1, "de": 1}
    assert found["browsers"] == {"chrome": 2, "safari": 2, "firefox": 1}
    assert found["devices"] == {"desktop": 3, "mobile": 2}
    assert answer["data"]["timezone"] == "Asia/Tokyo"
