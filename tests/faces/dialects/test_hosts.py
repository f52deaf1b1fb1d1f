"""Hosts of dialects: the original paths, and everything else as on every host."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest
from pydantic import ValidationError

from calls import make_link
from factories import TLS, Server, start_server
from shortmcp.faces.dialects import DIALECTS
from shortmcp.settings import Settings

HOSTS = "api.slsh.test=slsh, snip.test:8443=snipurl-click"


@pytest.fixture
def mapped(settings: Settings) -> Iterator[Server]:
    with ExitStack() as stack:
        known = Settings(dialect_hosts=HOSTS).dialect_hosts  # pyright: ignore[reportArgumentType]
        yield start_server(settings.model_copy(update={"dialect_hosts": known}), stack)


def get(server: Server, path: str, host: str, token: str) -> httpx2.Response:
    headers = {"Host": host, "Authorization": f"Bearer {token}"}
    return httpx2.get(server.url + path, headers=headers, trust_env=False, verify=TLS)


def test_there_the_paths_are_the_original_ones(mapped: Server) -> None:
    access = mapped.open_workspace()
    with mapped.client(access) as native:
        make_link(native, short_code="mine")
    answer = get(mapped, "/v1/links", "API.slsh.test", access.token)
    assert [link["slug"] for link in answer.json()] == ["mine"]
    assert answer.headers["link"].startswith('<http://api.slsh.test/v1/links?page=1>; rel="first"')
    assert get(mapped, "/api/v1/links", "snip.test:8443", access.token).json()["success"] is True
    # Everything else is as everywhere, other hosts too.
    assert get(mapped, "/mine", "api.slsh.test", access.token).status_code == 302
    assert "success" not in get(mapped, "/api/v1/links", "127.0.0.1", access.token).json()
    assert get(mapped, "/v1/links", "other.test", access.token).status_code == 404
    assert get(mapped, "/compat/slsh/v1/links", "api.slsh.test", access.token).status_code == 200


def test_no_link_leads_to_a_host_of_ours(mapped: Server) -> None:
    with mapped.client(mapped.open_workspace()) as native:
        for url in ("http://api.slsh.test/x", "https://api.slsh.test/x"):
            answer = native.post("/links", json={"original_url": url, "title": "x"})
            assert (answer.status_code, list(answer.json()["errors"])) == (422, ["original_url"])


@pytest.mark.parametrize("value", ["api.test=nobody", "api.test", "https://api.test=slsh", "=slsh"])
def test_settings_name_a_host_and_a_dialect(value: str) -> None:
    with pytest.raises(ValidationError, match="dialect_hosts"):
        Settings(dialect_hosts=value)  # pyright: ignore[reportArgumentType]


def test_settings_know_every_dialect() -> None:
    known = Settings(dialect_hosts=",".join(f"{name}.test={name}" for name in DIALECTS))  # pyright: ignore[reportArgumentType]
    assert set(known.dialect_hosts.values()) == DIALECTS.keys()
