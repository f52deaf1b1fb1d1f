"""Lists of links: what filters and searches find, and that totals, pages and cursors go with them."""

from collections.abc import Iterable
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from calls import at_once, call_tool, make_link, mcp_client
from factories import Access, Server
from rows import insert_links
from shortmcp.clicks.purge import purge_deleted_links
from shortmcp.core.links.listing import MOST_COUNTED

# Said by number where a reader could take one sign for another.
DOTLESS, DOTTED, COMBINING = "\u0131", "\u0130", "\u0301"
TITLES = (
    "100% sure", "100 percent", "snake_case", "snakeXcase", "back\\slash", "it's", 'say "hi"', "a [b] c", "x * y",
    "x y", "this AND that", "this OR that", "NOT this", "NEAR(this that)", "workspace : this", "-dash", "^caret",
    "{brace}", "École", "ÉCOLE", f"e{COMBINING}cole", "ecole", "Straße", "STRASSE", "日本語", f"I{DOTLESS}i{DOTTED}",
    "😀 smile", "two  blanks", "a", "ab",
)  # fmt: skip
SOUGHT = (
    "%", "_", "\\", "'", '"', "[", "*", "(", "-", "^", "{", ":", "?", "/", "é", "É", "ß", "ss", "ab", "a", "zz", "日",
    "😀", "100%", "e_c", "0% s", "%sure", "k\\s", "t's", 'y "h', '"hi"', "[b]", "x *", "x*", "AND", "and", "this OR",
    " or ", "NEAR(", "near(this that)", "NOT", "-dash", "école", "ÉCOLE", f"e{COMBINING}c", "straße", "STRASSE", "日本",
    "日本語", f"{DOTLESS}i{DOTTED}", DOTTED, "smile", "o  b", "o b", "  ", " ", "https://", "example.com/?n=", "?n=1",
    "c-1", "C-1", "no such words", "x" * 255, "words : this", 'this" OR "x', "1 x",
)  # fmt: skip


def add_links(server: Server, access: Access, links: Iterable[dict[str, Any]]) -> None:
    """Links of the workspace's first project, straight into its tables."""
    with server.node.database.write() as connection:
        query = text("SELECT min(id) FROM projects WHERE workspace_id = :id")
        project = connection.execute(query, {"id": access.workspace_id}).scalar_one()
        insert_links(
            connection, [{"workspace_id": access.workspace_id, "project_id": project, **link} for link in links]
        )


def list_links(client: httpx2.Client, **asked: Any) -> tuple[list[str], int]:
    """The titles and the total of a list's first page."""
    answer = client.get("/links", params={"per_page": 100, **asked})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-total-count"] == str(answer.json()["meta"]["total"])
    return [link["title"] for link in answer.json()["data"]], answer.json()["meta"]["total"]


def test_a_search_is_for_the_text_as_it_stands_and_for_nothing_else(server: Server) -> None:
    access, other = server.open_workspace(), server.open_workspace()
    links = [
        {"title": title, "short_code": f"c-{number}", "original_url": f"https://example.com/?n={number}"}
        for number, title in enumerate(TITLES)
    ]
    add_links(server, access, links)
    add_links(server, other, ({**link, "short_code": f"{link['short_code']}-b"} for link in links))
    with server.client(access) as client, mcp_client(server, access) as tools:
        for sought in SOUGHT:
            found = [link["title"] for link in reversed(links) if _holds(link, sought)]
            assert (sought, list_links(client, search=sought)) == (sought, (found, len(found)))
        for sought in ("%", "école", "AND", "no such words"):
            found = [link["title"] for link in reversed(links) if _holds(link, sought)]
            told = call_tool(tools, "list_short_links", {"search": sought, "per_page": 100})["structuredContent"]
            assert ([link["title"] for link in told["data"]], told["total"]) == (found, len(found))


def _holds(link: dict[str, str], sought: str) -> bool:
    # Said once more, one field at a time.
    def fold(words: str) -> str:
        return words.casefold().replace(f"e{COMBINING}", "é")

    return any(fold(sought) in fold(link[name]) for name in ("original_url", "short_code", "title"))


def test_a_short_text_is_found_beside_whatever_character_follows(server: Server) -> None:
    access = server.open_workspace()
    # More different neighbours than the index is asked for one by one.
    add_links(server, access, ({"title": f"ж{chr(0x4E00 + n)}", "short_code": f"c{n}"} for n in range(600)))
    add_links(server, access, [{"title": "last ж", "short_code": "last"}])
    with server.client(access) as client:
        titles, total = list_links(client, search="Ж")
        assert (titles[:2], total) == (["last ж", f"ж{chr(0x4E00 + 599)}"], 601)
        assert list_links(client, search="t ж") == (["last ж"], 1)
        assert list_links(client, search="л") == ([], 0)


def test_filters_go_together_and_links_to_other_pages_keep_them(server: Server) -> None:
    access = server.open_workspace(name="Only")
    with server.client(access) as client:
        client.post("/projects", json={"name": "Side"})
        for number in range(12):
            project = "side" if number % 2 else "only"
            word = "apple" if number % 3 else "pear"
            make_link(client, project=project, title=f"{word} {number}", is_active=number < 9, short_code=f"c{number}")
        assert list_links(client, is_active="false") == (["apple 11", "apple 10", "pear 9"], 3)
        assert list_links(client, is_active="false", project="side", search="APPLE") == (["apple 11"], 1)
        assert list_links(client, search="pear", sort="created_at") == (["pear 0", "pear 3", "pear 6", "pear 9"], 4)
        assert list_links(client, domain=server.url.partition("://")[2], search="c11") == (["apple 11"], 1)
        asked = {"search": "apple", "is_active": "true", "sort": "created_at", "per_page": "2", "page": "2"}
        answer = client.get("/projects/side/links", params=asked)
        assert [link["title"] for link in answer.json()["data"]] == ["apple 7"]
        assert answer.json()["meta"] == {"page": 2, "per_page": 2, "total": 3, "total_pages": 2}
        back = client.get(answer.links["prev"]["url"])
        assert [link["title"] for link in back.json()["data"]] == ["apple 1", "apple 5"]
        assert back.links["next"]["url"] == answer.links["last"]["url"]
        assert str(client.get(answer.links["last"]["url"]).url) == answer.links["last"]["url"]
        everything = client.get("/links", params={"search": "apple", "is_active": "false"})
        assert [link["title"] for link in everything.json()["data"]] == ["apple 11", "apple 10"]
        assert everything.headers["x-total-count"] == "2"


def test_pages_from_either_end_are_the_list(server: Server) -> None:
    access = server.open_workspace()
    add_links(server, access, ({"title": f"{n}", "short_code": f"c{n}"} for n in range(11)))
    newest = [f"{n}" for n in reversed(range(11))]
    with server.client(access) as client:
        for sort, wanted in (("-created_at", newest), ("created_at", newest[::-1])):
            for search in ({}, {"search": "https"}):
                asked = {"sort": sort, "per_page": 3, **search}
                pages = [list_links(client, **asked, page=page) for page in range(1, 6)]
                assert [title for titles, _ in pages for title in titles] == wanted
                assert {total for _, total in pages} == {11}


def test_totals_are_right_at_once_whatever_changes(server: Server) -> None:
    access, other = server.open_workspace(name="Only"), server.open_workspace()
    with server.client(access) as client, server.client(other) as theirs:
        make_link(theirs, title="apple")
        client.post("/projects", json={"name": "Side"})
        for number in range(3):
            make_link(client, project="side", title=f"apple {number}", short_code=f"c{number}")
        kept = make_link(client, project="only", title="apple kept", short_code="kept")
        assert [list_links(client)[1], list_links(client, search="apple")[1]] == [4, 4]
        client.patch("/links/c0", json={"title": "pear", "is_active": False})
        assert list_links(client, search="apple")[1] == 3
        assert list_links(client, search="PEAR") == (["pear"], 1)
        assert [list_links(client, is_active=state)[1] for state in ("true", "false")] == [3, 1]
        client.patch("/links/c1", json={"short_code": "renamed", "original_url": "https://else.example/"})
        assert [list_links(client, search=word)[1] for word in ("c1", "renamed", "else.exam")] == [0, 1, 1]
        client.delete("/links/c0")
        assert [list_links(client)[1], list_links(client, search="pear")[1]] == [3, 0]
        assert client.get("/projects/side").json()["data"]["short_links_count"] == 2
        client.delete("/projects/side")
        assert list_links(client) == (["apple kept"], 1)
        assert list_links(client, search="apple") == (["apple kept"], 1)
        assert [project["short_links_count"] for project in client.get("/projects").json()["data"]] == [1]
        assert client.get("/links").json()["data"] == [kept]
        assert list_links(theirs) == (["apple"], 1)


def test_totals_are_exact_though_many_write_at_once(server: Server) -> None:
    with server.client(server.open_workspace(name="Only")) as client:
        made = at_once(
            *[
                lambda n=n: client.post("/links", json={"original_url": "https://a.example/", "title": f"apple {n}"})
                for n in range(50)
            ]
        )
        assert {answer.status_code for answer in made} == {201}
        assert list_links(client, search="apple")[1] == list_links(client)[1] == 50
        codes = [answer.json()["data"]["short_code"] for answer in made]
        off = [lambda code=code: client.patch(f"/links/{code}", json={"is_active": False}) for code in codes[:20]]
        gone = [lambda code=code: client.delete(f"/links/{code}") for code in codes[10:30]]
        assert {answer.status_code for answer in at_once(*off, *gone)} <= {200, 204, 404}
        assert [list_links(client, is_active=state)[1] for state in ("true", "false")] == [20, 10]
        assert list_links(client)[1] == list_links(client, search="apple")[1] == 30


def test_a_cursor_is_for_the_list_that_it_came_from(server: Server) -> None:
    access = server.open_workspace(name="Only")
    add_links(server, access, ({"title": f"apple {n}", "short_code": f"c{n}"} for n in range(5)))
    lists: list[dict[str, Any]] = [
        {}, {"search": "apple"}, {"search": "appl"}, {"is_active": True}, {"sort": "created_at"}, {"project": "only"},
    ]  # fmt: skip
    with mcp_client(server, access) as tools, server.client(access) as client:
        cursors = [
            call_tool(tools, "list_short_links", {**one, "per_page": 2})["structuredContent"]["next_cursor"]
            for one in lists
        ]
        for number, asked in enumerate(lists):
            for other, cursor in enumerate(cursors):
                told = call_tool(tools, "list_short_links", {**asked, "per_page": 2, "cursor": cursor})
                assert told["isError"] == (number != other)
                if number != other:
                    assert told["content"][0]["text"] == (
                        "`cursor` belongs to a list with other filters or another order: send the same ones with it."
                    )
                else:
                    titles = [link["title"] for link in told["structuredContent"]["data"]]
                    assert titles == (["apple 2", "apple 3"] if "sort" in asked else ["apple 2", "apple 1"])
                    assert told["structuredContent"]["total"] == 5
        refused = client.get("/links", params={"search": "apple", "cursor": cursors[0]})
        assert (refused.status_code, list(refused.json()["errors"])) == (422, ["cursor"])
        second = client.get("/links", params={"search": "apple", "per_page": 2, "cursor": cursors[1]})
        assert [link["title"] for link in client.get(second.links["next"]["url"]).json()["data"]] == ["apple 0"]


def test_a_search_that_finds_very_many_says_that_it_has_not_counted_them_all(server: Server) -> None:
    access, count = server.open_workspace(), MOST_COUNTED + 50
    add_links(server, access, ({"title": f"apple {n}", "short_code": f"c{n}"} for n in range(count)))
    with server.client(access) as client, mcp_client(server, access) as tools:
        answer = client.get("/links", params={"search": "apple", "per_page": 2})
        assert [link["title"] for link in answer.json()["data"]] == [f"apple {count - 1}", f"apple {count - 2}"]
        meta = {"page": 1, "per_page": 2, "total": MOST_COUNTED, "total_pages": MOST_COUNTED // 2}
        assert answer.json()["meta"] == {**meta, "total_is_exact": False}
        assert "x-total-count" not in answer.headers
        assert answer.links.keys() == {"first", "next"}
        beyond = client.get("/links", params={"search": "apple", "per_page": 100, "page": 101})
        assert [len(beyond.json()["data"]), beyond.json()["data"][-1]["title"]] == [50, "apple 0"]
        assert beyond.links.keys() == {"first", "prev"}
        told = call_tool(tools, "list_short_links", {"search": "apple"})["structuredContent"]
        assert (told["total"], told["total_is_exact"]) == (MOST_COUNTED, False)
        more = call_tool(tools, "list_short_links", {"search": "apple", "cursor": told["next_cursor"]})
        assert more["structuredContent"]["total_is_exact"] is False
        assert more["structuredContent"]["data"][0]["title"] == f"apple {count - 21}"
        everything = client.get("/links", params={"search": "apple", "sort": "created_at"})
        assert [link["title"] for link in everything.json()["data"]] == [f"apple {n}" for n in range(count)]
        assert list_links(client, search=f"apple {count - 1}")[1] == 1
        assert client.get("/links?page=1").json()["meta"]["total"] == count


def test_what_was_deleted_leaves_the_index_with_its_clicks(server: Server) -> None:
    database = server.node.database
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's index needs no tidying up.")
    access = server.open_workspace(name="Only")
    in_index = text("SELECT count(*) FROM link_words WHERE link_words MATCH 'words : apple'")
    waiting = text("SELECT count(*) FROM link_words_gone")
    with server.client(access) as client:
        for number in range(3):
            make_link(client, title=f"apple {number}")
        client.delete("/projects/only")

    def numbers() -> tuple[int, int]:
        with database.read() as connection:
            return connection.execute(in_index).scalar_one(), connection.execute(waiting).scalar_one()

    while purge_deleted_links(database.write):
        pass
    assert numbers() == (0, 0)


@pytest.mark.parametrize(
    ("field", "values", "sentence"),
    [
        ("search", [""], "`search` must not be empty."),
        ("search", ["x" * 256, "%a" * 5000], "`search` may be at most 255 characters long."),
        (
            "search",
            ["a\nb", "\x1f", "a\x9f"],
            "`search` holds control characters or line breaks: send one line of plain text.",
        ),
        ("search", ["\0"], "`search` holds a NUL character: leave it out."),
        ("is_active", ["", "yes", "1", "True", "false "], "`is_active` must be true or false."),
        ("sort", ["", "clicks", "+created_at", "title"], "`sort` must be one of '-created_at' or 'created_at'."),
        ("domain", ["other.example"], "`domain` must be one of this instance's short domains: {host}."),
    ],
)
def test_a_bad_filter_is_refused_by_name_on_both_faces(
    server: Server, field: str, values: list[str], sentence: str
) -> None:
    access = server.open_workspace(name="Only")
    said = sentence.format(host=server.url.partition("://")[2])
    with server.client(access) as client, mcp_client(server, access) as tools:
        for value in values:
            for path in ("/links", "/projects/only/links"):
                answer = client.get(path, params={field: value})
                assert (answer.status_code, answer.json()["errors"]) == (422, {field: [said]})
            told = call_tool(tools, "list_short_links", {field: value})
            assert (told["isError"], told["content"][0]["text"]) == (True, said)
