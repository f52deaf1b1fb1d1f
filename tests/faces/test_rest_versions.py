"""ETag, If-Match and If-None-Match over REST: nobody undoes unknowingly what somebody else has just done."""

from collections.abc import Iterator
from time import monotonic, sleep

import httpx2
import pytest
from sqlalchemy import text

from calls import URL, at_once, make_link
from dumps import dump
from factories import TLS, Server
from shortmcp.catalog import CATALOG
from shortmcp.core.context import Scope

CHANGED = {
    "message": "This was changed since you read it, and nothing was stored: read it again, then decide.",
    "code": "precondition_failed",
}
MALFORMED = "`If-Match` must be the `ETag` of an earlier answer with its quotes, several with commas, or *."
PATHS = ("/links/own-code", "/projects/own")
ROUNDS = 10
FIELDS = {"/links/own-code": "title", "/projects/own": "name"}


@pytest.fixture
def own(server: Server) -> Iterator[httpx2.Client]:
    """A client whose workspace has the project `own` and the link `own-code`."""
    with server.client(server.open_workspace(name="Own")) as client:
        make_link(client, short_code="own-code")
        yield client


def tag_at(client: httpx2.Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.headers["etag"]


def match(tag: str) -> dict[str, str]:
    return {"If-Match": tag}


def version(tag: str) -> str:
    """The half of a tag that says which version it is; answers that show more of a thing differ in the other one."""
    return tag.strip('"').partition(".")[0]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_that_shows_a_thing_names_the_same_version(own: httpx2.Client, path: str) -> None:
    tag = tag_at(own, path)
    assert tag_at(own, path) == tag
    changed = own.patch(path, json={FIELDS[path]: "New"})
    assert version(changed.headers["etag"]) == version(tag_at(own, path)) != version(tag)
    again = own.patch(path, json={FIELDS[path]: "Newer"}, headers=match(changed.headers["etag"]))
    assert again.status_code == 200


def test_what_was_just_made_can_be_changed_by_its_tag(own: httpx2.Client) -> None:
    for path, body in (("/projects/own/links", {"original_url": URL, "title": "x"}), ("/projects", {"name": "Spring"})):
        made = own.post(path, json=body)
        there = httpx2.URL(made.headers["location"]).path.removeprefix("/api/v1")
        assert version(made.headers["etag"]) == version(tag_at(own, there))
        assert own.delete(there, headers=match(made.headers["etag"])).status_code == 204


@pytest.mark.parametrize("path", PATHS)
def test_who_has_seen_another_version_changes_nothing(server: Server, own: httpx2.Client, path: str) -> None:
    seen = tag_at(own, path)
    assert own.patch(path, json={FIELDS[path]: "First"}, headers=match(seen)).status_code == 200
    before = dump(server)
    second = {FIELDS[path]: "Second"}
    for refused in (own.patch(path, json=second, headers=match(seen)), own.delete(path, headers=match(seen))):
        assert (refused.status_code, refused.json()) == (412, CHANGED)
        assert "x-ratelimit-remaining" in refused.headers
    assert dump(server) == before
    now = tag_at(own, path)
    assert own.patch(path, json={FIELDS[path]: "Third"}, headers=match(f'"other" , {now}')).status_code == 200
    assert own.delete(path, headers=match("*")).status_code == 204
    assert own.delete(path, headers=match("*")).status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_of_two_changes_of_one_version_exactly_one_is_made(own: httpx2.Client, path: str) -> None:
    for number in range(ROUNDS):
        seen = tag_at(own, path)
        names = [f"{number} one", f"{number} two"]
        answers = at_once(
            *[
                lambda name=name, seen=seen: own.patch(path, json={FIELDS[path]: name}, headers=match(seen))
                for name in names
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        winner = names[[answer.status_code for answer in answers].index(200)]
        assert own.get(path).json()["data"][FIELDS[path]] == winner


def test_a_change_that_nothing_shows_is_another_version(server: Server, own: httpx2.Client) -> None:
    seen = tag_at(own, "/links/own-code")
    with server.node.database.write() as connection:
        # Within the same second, which is all that is shown of it.
        step = "CASE WHEN updated_at % 1000000 < 999999 THEN 1 ELSE -1 END"
        connection.execute(text(f"UPDATE links SET updated_at = updated_at + {step}"))  # noqa: S608 - the line above
    assert own.patch("/links/own-code", json={"title": "x"}, headers=match(seen)).status_code == 412


def test_what_moves_by_itself_makes_copies_stale_and_refuses_nobody(server: Server, own: httpx2.Client) -> None:
    link, project = tag_at(own, "/links/own-code"), tag_at(own, "/projects/own")
    make_link(own)
    for _ in range(2):
        assert server.visit("own-code").status_code == 302
    _wait_for_clicks(own, 2)
    assert version(tag_at(own, "/links/own-code")) == version(link)
    assert own.get("/links/own-code", headers={"If-None-Match": link}).status_code == 200
    assert own.get("/projects/own", headers={"If-None-Match": project}).status_code == 200
    assert own.patch("/projects/own", json={"name": "x"}, headers=match(project)).status_code == 200
    assert own.patch("/links/own-code", json={"title": "x"}, headers=match(link)).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_who_has_the_newest_copy_is_sent_none(own: httpx2.Client, path: str) -> None:
    tag = tag_at(own, path)
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        for method in ("GET", "HEAD"):
            same = own.request(method, path, headers={"If-None-Match": known})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
            assert {"x-ratelimit-limit", "x-ratelimit-remaining"} <= same.headers.keys()
    for other in ('"other"', tag.strip('"'), "nonsense", ""):
        assert own.get(path, headers={"If-None-Match": other}).status_code == 200
    assert own.get(f"{path}-none", headers={"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize("tag", ["", "abc", '"abc', "'abc'", '"a" "b"', '"a",', "W/abc", '*, "a"', 'w/"a"'])
def test_what_is_no_tag_is_refused_with_a_sentence(own: httpx2.Client, tag: str) -> None:
    for path in PATHS:
        for answer in (own.patch(path, json={}, headers=match(tag)), own.delete(path, headers=match(tag))):
            assert (answer.status_code, answer.json()) == (
                422,
                {"message": MALFORMED, "code": "invalid", "errors": {"If-Match": [MALFORMED]}},
            )


def test_a_weak_tag_names_no_version(own: httpx2.Client) -> None:
    tag = tag_at(own, "/links/own-code")
    assert own.patch("/links/own-code", json={}, headers=match(f"W/{tag}")).status_code == 412
    assert own.patch("/links/own-code", json={}, headers=match(f'"x", W/"y", {tag}')).status_code == 200


def test_scope_and_workspace_come_before_the_version(server: Server, own: httpx2.Client) -> None:
    tag = tag_at(own, "/links/own-code")
    with server.client(server.open_workspace(name="Theirs")) as stranger:
        for known in (tag, "*", '"x"'):
            assert stranger.delete("/links/own-code", headers=match(known)).status_code == 404
            assert stranger.get("/links/own-code", headers={"If-None-Match": known}).status_code == 404
    with server.client(server.open_workspace(scope=Scope.READ)) as reader:
        assert reader.delete("/links/own-code", headers=match("nonsense")).status_code == 403


def test_whatever_says_that_it_checks_versions_does(server: Server, own: httpx2.Client) -> None:
    document = httpx2.get(f"{server.url}/api/v1/openapi.json", trust_env=False, verify=TLS).json()
    checked = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
        if "If-Match" in {parameter["name"] for parameter in call["parameters"]}
    ]
    assert len(checked) >= 4
    webhook = own.post("/webhooks", json={"url": "https://hooks.example.com/"}).json()["data"]["id"]
    for method, path in checked:
        there = path.format(project="own", short_code="own-code", webhook=webhook)
        assert own.request(method, there, headers=match('"other"')).status_code == 412, (method, path)


def test_whatever_shows_a_version_lets_it_be_named_in_a_change() -> None:
    routes = [route for operation in CATALOG if operation.has_version for route in operation.routes]
    shown = {route.path for route in routes if route.method == "GET"}
    assert shown
    for operation in CATALOG:
        changes = [route for route in operation.routes if route.path in shown and route.method in {"PATCH", "DELETE"}]
        assert operation.checks_version is bool(changes), operation.name


def _wait_for_clicks(client: httpx2.Client, number: int) -> None:
    deadline = monotonic() + 10
    while client.get("/links/own-code/analytics").json()["data"]["period_stats"]["total"] < number:
        assert monotonic() < deadline
        sleep(0.02)
