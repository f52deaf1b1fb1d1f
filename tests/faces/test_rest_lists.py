"""Lists over REST: everything at once by default, or in pages by number or by cursor."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from calls import make_link
from factories import Access, Server
from rows import insert_links


def fill(server: Server, access: Access, count: int) -> None:
    """Many links of the workspace's first project, straight into its tables."""
    with server.node.database.write() as connection:
        project = connection.execute(
            text("SELECT id FROM projects WHERE workspace_id = :id"), {"id": access.workspace_id}
        ).scalar_one()
        place = {"workspace_id": access.workspace_id, "project_id": project, "original_url": "https://example.com/"}
        names = ({"short_code": f"l-{number}", "title": f"№ {number}"} for number in range(count))
        insert_links(connection, [{**place, **name} for name in names])


@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_without_page_is_everything_as_one_json_document(server: Server, count: int) -> None:
    access = server.open_workspace()
    fill(server, access, count)
    with server.client(access) as client:
        answer = client.get("/links")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["x-total-count"] == str(count)
    assert list(answer.json()) == ["data"]
    assert [link["title"] for link in answer.json()["data"]] == [f"№ {n}" for n in reversed(range(count))]


def test_pages_carry_their_place_and_their_neighbours(server: Server) -> None:
    access = server.open_workspace(name="Only")
    fill(server, access, 5)

    def page(client: httpx2.Client, query: str) -> tuple[list[str], dict[str, Any], dict[str | None, str]]:
        answer = client.get(f"/links?{query}")
        links = {name: str(link["url"]).removeprefix(f"{server.url}/api/v1") for name, link in answer.links.items()}
        assert answer.headers["x-total-count"] == "5"
        return [link["short_code"] for link in answer.json()["data"]], answer.json()["meta"], links

    def meta(number: int, size: int = 2, pages: int = 3) -> dict[str, int]:
        return {"page": number, "per_page": size, "total": 5, "total_pages": pages}

    def at(number: int, size: str = "2") -> str:
        return f"/links?page={number}&per_page={size}"

    with server.client(access) as client:
        assert page(client, "page=1&per_page=2") == (
            ["l-4", "l-3"],
            meta(1),
            {"first": at(1), "next": at(2), "last": at(3)},
        )
        assert page(client, "page=2&per_page=2") == (
            ["l-2", "l-1"],
            meta(2),
            {"first": at(1), "prev": at(1), "next": at(3), "last": at(3)},
        )
        assert page(client, "page=3&per_page=2")[0] == ["l-0"]
        assert page(client, "page=9&per_page=2") == (
            [],
            meta(9),
            {"first": at(1), "prev": at(3), "last": at(3)},
        )
        everything = [f"l-{n}" for n in (4, 3, 2, 1, 0)]
        assert page(client, "page=1") == (
            everything,
            meta(1, 20, 1),
            {"first": "/links?page=1", "last": "/links?page=1"},
        )
        assert page(client, "per_page=100")[:2] == (everything, meta(1, 100, 1))
        assert page(client, "page=1.0&per_page=5.0")[:2] == (everything, meta(1, 5, 1))
        other = client.get("/projects/only/links?page=2&per_page=2")
        assert other.links["next"]["url"] == f"{server.url}/api/v1/projects/only/links?page=3&per_page=2"
        projects = client.get("/projects?page=1&per_page=1").json()
        assert projects["meta"] == {"page": 1, "per_page": 1, "total": 1, "total_pages": 1}


def test_a_cursor_goes_on_where_a_page_ended_whatever_was_added_meanwhile(server: Server) -> None:
    access = server.open_workspace()
    fill(server, access, 5)
    with server.client(access) as client:
        first = client.get("/links?per_page=2").json()["data"]
        # The number is the last id that was seen; agents get it as `next_cursor`.
        answer = client.get(f"/links?per_page=2&cursor={first[-1]['id']}.5")
        make_link(client)
        seen = [link["short_code"] for link in first + answer.json()["data"]]
        meta = answer.json()["meta"]
        assert meta == {"per_page": 2, "total": 5, "next_cursor": meta["next_cursor"]}
        last = client.get(answer.links["next"]["url"])
        seen += [link["short_code"] for link in last.json()["data"]]
        assert seen == ["l-4", "l-3", "l-2", "l-1", "l-0"]
        assert last.json()["meta"] == {"per_page": 2, "total": 5, "next_cursor": None}
        assert "link" not in last.headers


def test_a_bad_page_is_refused_by_name(server: Server) -> None:
    whole = "`{}` must be a whole number."
    number = {"": whole, "x": whole, "1.5": whole, "0": "`{}` must be at least 1.", "-1": "`{}` must be at least 1."}
    queries = {
        "page": {**number, "1000000001": "`{}` must be at most 1000000000.", "9" * 5000: "`{}` is too large a number."},
        "per_page": {**number, "101": "`{}` must be at most 100."},
        "cursor": dict.fromkeys(
            ("", "1", "a.b", "-1.2", "1.2.3", "1.2.0123456", f"{2**63}.1", f"{2**31}.1", "\u0661.\u0661"),
            "`{}` must be the `next_cursor` of an earlier answer, unchanged.",
        ),
    }
    with server.client(server.open_workspace(name="Only")) as client:
        for path in ("/projects", "/links", "/projects/only/links"):
            for field, values in queries.items():
                for value, sentence in values.items():
                    answer = client.get(path, params={field: value})
                    said = sentence.format(field)
                    assert (value, answer.status_code, answer.json()) == (
                        value,
                        422,
                        {"message": said, "code": "invalid", "errors": {field: [said]}},
                    )
            both = client.get(path, params={"page": 1, "cursor": "1.1"})
            assert both.json()["errors"] == {"cursor": ["`cursor` cannot be combined with `page`: send one of them."]}
            unknown = client.get(path, params={"limit": "%"})
            assert (unknown.status_code, list(unknown.json()["errors"])) == (422, ["limit"])
        assert client.get("/links", params={"cursor": f"{2**31 - 1}.{2**63}"}).json()["data"] == []
        assert client.get("/projects/none/links").status_code == 404
