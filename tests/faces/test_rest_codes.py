"""Short codes over REST: their one form, reserved words, and who may have a code again."""

from calls import URL, make_link
from factories import Server
from shortmcp.core.codes import ALPHABET, RESERVED

TAKEN = "This short code is already taken."
FORM = "`short_code` may hold only the letters a to z, digits and dashes between them."
LONG = "`short_code` may be at most 64 characters long."


def test_a_chosen_code_gets_its_one_form(server: Server) -> None:
    forms = {
        "Launch": "launch",
        "My Code": "my-code",
        "a_b": "a-b",
        "--trailing--": "trailing",
        "  many   gaps_- -here ": "many-gaps-here",
        "2026": "2026",
        "x" * 64: "x" * 64,
    }
    with server.client(server.open_workspace()) as client:
        for typed, code in forms.items():
            made = make_link(client, short_code=typed)
            assert (made["short_code"], made["short_url"]) == (code, f"{server.url}/{code}")
        assert client.get("/links/LAUNCH").json()["data"]["short_code"] == "launch"
        paths = ("launch", "Launch", "LAUNCH/", "%6caunch")
        assert [server.visit(path).headers.get("location") for path in paths] == [URL] * 4


def test_a_code_without_that_form_is_refused(server: Server) -> None:
    signs = ("", "---", "a.b", "a/b", "a+b", "../x", "a%62", "é", "a\u200db", "a\u202eb")
    # Kelvin sign, Cyrillic a, full-width, ligature, dotless i, no-break space.
    lookalikes = ("\u212aelvin", "l\u0430unch", "\uff41bc", "\ufb01x", "\u0131d", "a\u00a0b")
    with server.client(server.open_workspace()) as client:
        for typed, sentence in {**dict.fromkeys((*signs, *lookalikes), FORM), "x" * 65: LONG}.items():
            refused = client.post("/links", json={"original_url": URL, "title": "x", "short_code": typed})
            answer = {"message": sentence, "code": "invalid", "errors": {"short_code": [sentence]}}
            assert (typed, refused.status_code, refused.json()) == (typed, 422, answer)
        assert client.get("/links").json() == {"data": []}


def test_reserved_words_are_refused_in_every_spelling(server: Server) -> None:
    sentence = "`short_code` is a reserved word: choose another code."
    # The first segments of all URLs of the design's table, and the words beside them.
    named = "api mcp compat qr paste dashboard docs healthz readyz metrics authorize token register revoke login logout"
    assert {*named.split(), "reports", "static", "robots", "favicon", "well-known"} <= RESERVED
    with server.client(server.open_workspace()) as client:
        for word in sorted(RESERVED):
            for spelling in (word, f" {word.title()}-", word.replace("-", "_").upper()):
                refused = client.post("/links", json={"original_url": URL, "title": "x", "short_code": spelling})
                answer = {"message": sentence, "code": "invalid", "errors": {"short_code": [sentence]}}
                assert (refused.status_code, refused.json()) == (422, answer)
        for unreachable in (".well-known", "robots.txt", "favicon.ico"):
            refused = client.post("/links", json={"original_url": URL, "title": "x", "short_code": unreachable})
            assert refused.json()["errors"] == {"short_code": [FORM]}


def test_a_taken_code_is_refused_whoever_has_it(server: Server) -> None:
    answer = {"message": TAKEN, "code": "invalid", "errors": {"short_code": [TAKEN]}}
    with server.client(server.open_workspace()) as ours, server.client(server.open_workspace()) as theirs:
        make_link(ours, short_code="mine")
        for client in (ours, theirs):
            other = make_link(client)
            for spelling in ("mine", "MINE", "mine_"):
                refused = client.post("/links", json={"original_url": URL, "title": "x", "short_code": spelling})
                assert (refused.status_code, refused.json()) == (422, answer)
                renamed = client.patch(f"/links/{other['short_code']}", json={"short_code": spelling})
                assert (renamed.status_code, renamed.json()) == (422, answer)
        # The link's own code is no rename.
        assert ours.patch("/links/mine", json={"short_code": "Mine"}).json()["data"]["short_code"] == "mine"


def test_a_deleted_code_is_gone_for_visitors_and_stays_with_its_workspace(server: Server) -> None:
    with server.client(server.open_workspace()) as ours, server.client(server.open_workspace()) as theirs:
        make_link(ours, short_code="once")
        ours.delete("/links/once")
        assert server.visit("once").status_code == 410
        refused = theirs.post("/links", json={"original_url": URL, "title": "x", "short_code": "once"})
        assert (refused.status_code, refused.json()["errors"]) == (422, {"short_code": [TAKEN]})
        assert server.visit("once").status_code == 410
        again = make_link(ours, short_code="once", original_url="https://example.com/again")
        assert server.visit("once").headers["location"] == "https://example.com/again"
        assert [link["id"] for link in ours.get("/links").json()["data"]] == [again["id"]]
        assert server.visit("never-was").status_code == 404


def test_generated_codes_are_six_characters_that_can_be_read_aloud(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        codes = {make_link(client)["short_code"] for _ in range(20)}
    assert len(codes) == 20
    assert {len(code) for code in codes} == {6}
    assert set("".join(codes)) <= set(ALPHABET)
    assert not set("01loi") & set(ALPHABET)
