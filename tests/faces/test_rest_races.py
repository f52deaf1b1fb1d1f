"""Writers that meet over REST: one of them wins, the others hear why, and nobody hears of a fault of ours."""

from collections import Counter
from collections.abc import Callable

import httpx2

from calls import URL, at_once, make_link
from factories import Server

THREADS = 16


def statuses(*calls: Callable[[], httpx2.Response]) -> Counter[int]:
    """How calls end that are made side by side."""
    return Counter(answer.status_code for answer in at_once(*calls))


def test_of_those_who_want_one_code_exactly_one_gets_it(server: Server) -> None:
    with server.client(server.open_workspace()) as ours, server.client(server.open_workspace()) as theirs:
        fields = {"original_url": URL, "title": "x", "short_code": "wanted"}
        create = [lambda client=client: client.post("/links", json=fields) for client in (ours, theirs)]
        assert statuses(*create * (THREADS // 2)) == {201: 1, 422: THREADS - 1}
        assert server.visit("wanted").status_code == 302


def test_of_those_who_want_one_slug_exactly_one_gets_it_and_a_name_suits_all(server: Server) -> None:
    with server.client(server.open_workspace()) as ours, server.client(server.open_workspace()) as theirs:
        chosen = {"name": "x", "slug": "wanted"}
        create = [lambda client=client: client.post("/projects", json=chosen) for client in (ours, theirs)]
        assert statuses(*create * (THREADS // 2)) == {201: 1, 422: THREADS - 1}
        named = [lambda client=client: client.post("/projects", json={"name": "Same"}) for client in (ours, theirs)]
        assert statuses(*named * (THREADS // 2)) == {201: THREADS}
        slugs = [project["slug"] for client in (ours, theirs) for project in client.get("/projects").json()["data"]]
        assert len(set(slugs)) == len(slugs)


def test_links_and_their_project_may_go_while_others_write_them(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        for number in range(5):
            name = f"doomed-{number}"
            client.post("/projects", json={"name": name})
            code = make_link(client, project=name)["short_code"]
            seen = statuses(
                *[lambda name=name: client.post(f"/projects/{name}/links", json={"original_url": URL, "title": "x"})]
                * 4,
                *[lambda code=code: client.patch(f"/links/{code}", json={"title": "y"})] * 3,
                *[lambda code=code: client.patch(f"/links/{code}", json={"short_code": "moved"})] * 2,
                *[lambda code=code: client.delete(f"/links/{code}")] * 3,
                *[lambda name=name: client.patch(f"/projects/{name}", json={"description": "y"})] * 2,
                *[lambda name=name: client.delete(f"/projects/{name}")] * 2,
            )
            assert set(seen) <= {200, 201, 204, 404, 422}
            assert client.get(f"/projects/{name}").status_code == 404
        assert client.get("/links").json() == {"data": []}
