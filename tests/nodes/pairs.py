"""Two nodes as an operator runs them: two server processes, two data dirs, one database, and a Redis or none."""

import re
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from calls import call_tool, mcp_client
from factories import TLS, Access, Server
from journals import eventually
from processes import serve
from redises import RedisServer
from shortmcp.app.node import make_node
from shortmcp.settings import Settings

KEY = "a key that both nodes were given, 32 characters"


@dataclass(frozen=True)
class Pair:
    """Both nodes, as servers that can be asked; what tests make for them is made beside them, as the CLI does."""

    one: Server
    other: Server
    redis: RedisServer | None

    @property
    def nodes(self) -> tuple[Server, Server]:
        return self.one, self.other

    def wait_for_redis(self) -> None:
        """Until both nodes ask Redis."""
        if self.redis is not None:
            for node in self.nodes:
                eventually(lambda node=node: read_number(node, "shortmcp_redis_connected") == 1)

    def redis_failures(self) -> float:
        """How often Redis has not answered them."""
        return (
            0 if self.redis is None else sum(read_number(node, "shortmcp_redis_failures_total") for node in self.nodes)
        )


@contextmanager
def run_pair(folder: Path, database_url: str, redis: RedisServer | None) -> Generator[Pair]:
    """Two running nodes."""
    environment = {"SHORTMCP_SECRET_KEY": KEY, "SHORTMCP_REDIS_URL": redis.url if redis else ""}
    with ExitStack() as stack:
        node = make_node(Settings(data_dir=folder / "beside", database_url=database_url))
        stack.callback(node.database.close)
        servers: list[Server] = []
        for name in ("one", "other"):
            (folder / name).mkdir(parents=True)
            arguments = ("--database-url", database_url)
            process = stack.enter_context(serve(folder / name, *arguments, environment=environment))
            servers.append(Server(process.url, node))
        yield Pair(servers[0], servers[1], redis)


def read_number(server: Server, name: str) -> float:
    """A metric of a node."""
    page = httpx2.get(f"{server.url}/metrics", timeout=30, trust_env=False, verify=TLS).text
    found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
    assert found, page
    return float(found[1])


def ask_rest(server: Server, access: Access) -> bool:
    """Whether a request over REST is let in; anything but that and being asked to wait is a failure."""
    with server.client(access) as client:
        answer = client.get("/projects")
    assert answer.status_code in {200, 429}, answer.text
    return answer.status_code == 200


def ask_mcp(server: Server, access: Access) -> bool:
    """The same over MCP."""
    with mcp_client(server, access) as client:
        result: dict[str, Any] = call_tool(client, "list_projects", {})
    said = str(result["content"])
    assert not result.get("isError") or "try again in" in said, said
    return not result.get("isError")


FACES: tuple[Callable[[Server, Access], bool], ...] = (ask_rest, ask_mcp)
