"""What a plan allows over REST: things, requests a minute, calls a month."""

from collections import Counter
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import text

from calls import URL, at_once, make_link
from factories import Server
from shortmcp.core.context import Scope
from shortmcp.core.workspaces import set_plan
from shortmcp.settings import Settings

PLANS = """
[small]
projects = 2
links = 30
[metered]
calls_per_month = 5
[brisk]
requests_per_minute = 1000
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    plans = tmp_path / "plans.toml"
    plans.write_text(PLANS)
    return settings.model_copy(update={"plans": plans})


def test_one_thing_more_than_the_plan_allows_is_refused_until_one_is_deleted(server: Server) -> None:
    with server.client(server.open_workspace(plan="small")) as client:
        client.post("/projects", json={"name": "Second"})
        refused = client.post("/projects", json={"name": "Third"})
        assert (refused.status_code, refused.json()) == (
            422,
            {
                "message": "The plan `small` allows 2 projects, and the workspace has them all.",
                "code": "plan_limit",
                "plan_limit_reached": True,
                "hint": "Delete one or move to a larger plan.",
            },
        )
        codes = [make_link(client, project="second")["short_code"] for _ in range(30)]
        refused = client.post("/projects/second/links", json={"original_url": URL, "title": "x"})
        assert (refused.status_code, refused.json()) == (
            422,
            {
                "message": "The plan `small` allows 30 short links, and the workspace has them all.",
                "code": "plan_limit",
                "plan_limit_reached": True,
                "hint": "Delete one or move to a larger plan.",
            },
        )
        client.delete(f"/links/{codes[0]}")
        make_link(client, project="second")
        client.delete("/projects/second")
        assert client.post("/projects", json={"name": "Third"}).status_code == 201


def test_fifty_who_create_at_once_get_exactly_the_one_place_that_is_left(server: Server) -> None:
    access = server.open_workspace(plan="small")
    with server.client(access) as client:
        for _ in range(29):
            make_link(client)
        fields = {"original_url": URL, "title": "x"}
        answers = at_once(*[lambda: client.post("/links", json=fields)] * 50)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 49}
        assert all(answer.json().get("plan_limit_reached") for answer in answers if answer.status_code != 201)
        assert client.get("/usage").json()["data"]["links"] == {"used": 30, "limit": 30}
        more = at_once(*[lambda: client.post("/projects", json={"name": "Same"})] * 20)
        assert Counter(answer.status_code for answer in more) == {201: 1, 422: 19}


def test_the_sixty_first_request_of_a_minute_waits(server: Server) -> None:
    access = server.open_workspace(plan="basic")
    other = server.add_token(access, Scope.READ)
    with server.client(access) as client, server.client(other) as sibling:
        # Whatever is answered, it was a request.
        calls = [("GET", "/projects", 200), ("GET", "/links/none", 404), ("GET", "/none", 404), ("PUT", "/links", 405)]
        calls += [("POST", "/links", 422), ("GET", "/links?page=0", 422)]
        for number in range(60):
            method, path, status = calls[number % len(calls)]
            answer = client.request(method, path)
            seen = (answer.status_code, answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"])
            assert seen == (status, "60", str(59 - number))
        for method in ("GET", "POST", "DELETE"):
            refused = client.request(method, "/links/x" if method == "DELETE" else "/links")
            wait = int(refused.headers["retry-after"])
            assert 50 <= wait <= 60
            sentence = f"More than 60 requests in a minute: try again in {wait} seconds."
            assert (refused.status_code, refused.json()) == (429, {"message": sentence, "code": "rate_limited"})
            assert refused.headers["x-ratelimit-remaining"] == "0"
        # Another spelling of the scheme is the same token; another token has its own minute.
        assert client.get("/links", headers={"Authorization": f"bEARER  {access.token}"}).status_code == 429
        assert sibling.get("/links").headers["x-ratelimit-remaining"] == "59"
        with server.node.database.write() as connection:
            connection.execute(text("UPDATE request_windows SET started_at = started_at - 60000"))
        assert client.get("/links").headers["x-ratelimit-remaining"] == "59"


def test_requests_that_come_at_once_are_counted_exactly(server: Server) -> None:
    with server.client(server.open_workspace(plan="basic")) as client:
        answers = at_once(*[lambda: client.get("/projects")] * 80)
        assert Counter(answer.status_code for answer in answers) == {200: 60, 429: 20}
        left = sorted(int(answer.headers["x-ratelimit-remaining"]) for answer in answers if answer.status_code == 200)
        assert left == list(range(60))


def test_every_answer_tells_the_rate_limit(server: Server) -> None:
    access = server.open_workspace(plan="brisk")
    with server.client(access) as client, server.client() as stranger:
        make_link(client, short_code="x")
        answers = [
            client.get("/links"),
            client.get("/links?page=1"),
            client.get("/links/x/qr"),
            client.get("/links/x/analytics"),
            client.patch("/links/x", content=b"["),
            client.patch("/links/x", headers={"Content-Encoding": "gzip"}),
            client.delete("/links/x"),
            client.delete("/links/x"),
            client.post("/links", content=b"x" * (3 << 20)),
        ]
        seen = [(one.status_code, one.headers["x-ratelimit-remaining"]) for one in answers]
        statuses = (200, 200, 200, 200, 400, 400, 204, 404, 413)
        assert seen == [(status, str(998 - number)) for number, status in enumerate(statuses)]
        assert {one.headers["x-ratelimit-limit"] for one in answers} == {"1000"}
        unknown = stranger.get("/links")
        assert (unknown.headers["x-ratelimit-limit"], unknown.headers["x-ratelimit-remaining"]) == ("0", "0")


def test_calls_of_a_month_are_counted_shown_and_limited(server: Server) -> None:
    access = server.open_workspace(plan="unlimited")
    with server.client(access) as client:
        for _ in range(4):
            client.get("/projects")
        deadline = monotonic() + 10
        while (usage := client.get("/usage").json()["data"])["calls_this_month"] < 5:
            assert monotonic() < deadline
        assert usage == {
            "calls_this_month": usage["calls_this_month"],
            "limit": None,
            "remaining": None,
            "resets_at": usage["resets_at"],
            "plan": "unlimited",
            "projects": {"used": 1, "limit": None},
            "links": {"used": 0, "limit": None},
        }
        assert usage["resets_at"].endswith("-01T00:00:00+00:00")
        with server.begin() as ctx:
            set_plan(ctx, access.slug, "metered")
        answer = client.get("/projects")
        while answer.status_code == 200:
            assert monotonic() < deadline
            answer = client.get("/projects")
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert answer.json()["message"].startswith("The plan's 5 API calls of this month are used up: they reset on ")
        assert 0 < int(answer.headers["retry-after"]) <= 31 * 86400 + 1
        assert answer.headers["x-ratelimit-remaining"] == "0"
