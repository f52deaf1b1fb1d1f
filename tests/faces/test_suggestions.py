"""What visitors of a mistyped code are told: nothing, or, where the settings say so, public links alone."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from calls import make_link
from factories import Server, start_server
from shortmcp.settings import Settings


@pytest.fixture
def helpful(settings: Settings) -> Iterator[Server]:
    """A server that may suggest codes."""
    with ExitStack() as stack:
        more = {"suggest_codes": True, "domains": ("https://go.example",)}
        yield start_server(settings.model_copy(update=more), stack)


@pytest.mark.parametrize("typed", ["lunch", "launhc", "laumch", "launchh", "aunch", "LAUNC"])
def test_a_slip_is_answered_with_the_public_link_that_was_meant(helpful: Server, typed: str) -> None:
    with helpful.client(helpful.open_workspace()) as client:
        make_link(client, short_code="launch", analytics_public=True)
    answer = helpful.visit(typed)
    assert (answer.status_code, f'href="{helpful.url}/launch"' in answer.text) == (404, True)


def test_only_working_public_links_of_the_same_domain_are_suggested(helpful: Server) -> None:
    with helpful.client(helpful.open_workspace()) as client:
        make_link(client, short_code="launch")
        make_link(client, short_code="launch-2", analytics_public=True)
        make_link(client, short_code="launche", analytics_public=True, password="open sesame")
        make_link(client, short_code="launchs", analytics_public=True, is_active=False)
        make_link(client, short_code="launcht", analytics_public=True, domain="go.example")
    for typed in ("launchh", "lau", "somewhere"):
        answer = helpful.visit(typed)
        assert (answer.status_code, "<a " in answer.text) == (404, False)


def test_nothing_is_suggested_unless_the_settings_say_so(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="launch", analytics_public=True)
    assert "launch" not in server.visit("lunch").text.replace("/lunch", "")
