"""Building blocks of tests: workspaces, tokens, running servers, visits."""

import socket
import ssl
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from random import SystemRandom
from threading import Thread
from uuid import uuid4

import httpx2
import uvicorn

from shortmcp.app.node import Node, make_node
from shortmcp.app.web import make_app
from shortmcp.core.context import OPERATOR, Caller, Context, Scope
from shortmcp.core.projects import ProjectCreate, create_project
from shortmcp.core.tokens import create_token
from shortmcp.core.workspaces import create_workspace
from shortmcp.faces.connections import GuardedProtocol
from shortmcp.faces.redirects import RedirectProtocol
from shortmcp.settings import Settings

# Made once: loading the authorities takes longer than a test, and everything here is plain HTTP.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# Of its own: tests are given the same seed in each of their processes.
CHANCE = SystemRandom()
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


@dataclass(frozen=True)
class Access:
    """A workspace and one of its tokens."""

    workspace_id: int
    slug: str
    token: str
    token_id: int


@dataclass(frozen=True)
class Server:
    """A running server: real sockets, in a thread of this process."""

    url: str
    node: Node

    def open_workspace(self, name: str = "Main", plan: str = "unlimited", scope: Scope = Scope.WRITE) -> Access:
        """A new workspace with a project `default-…` and a token."""
        with self.begin() as ctx:
            workspace = create_workspace(ctx, f"{name} {uuid4().hex[:8]}", plan)
            owner = Caller(workspace.id or 0, 0, Scope.WRITE, ctx.site.plans[plan])
            create_project(replace(ctx, caller=owner), ProjectCreate(name=name))
            token, shown = create_token(ctx, workspace.slug, "test", scope)
        return Access(workspace.id or 0, workspace.slug, shown, token.id or 0)

    def add_token(self, access: Access, scope: Scope) -> Access:
        """Another token of the same workspace."""
        with self.begin() as ctx:
            token, shown = create_token(ctx, access.slug, "another", scope)
        return Access(access.workspace_id, access.slug, shown, token.id or 0)

    def begin(self) -> AbstractContextManager[Context]:
        """A write transaction as the instance's operator."""
        return self.node.work().begin(OPERATOR, Scope.WRITE)

    def client(self, access: Access | None = None) -> httpx2.Client:
        """An HTTP client for the REST face; paths are below /api/v1."""
        headers = {} if access is None else {"Authorization": f"Bearer {access.token}"}
        return httpx2.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30, trust_env=False, verify=TLS)

    def visit(self, code: str, user_agent: str = CHROME, **headers: str) -> httpx2.Response:
        """Follow a short link as a browser would, without following where it leads."""
        sent = {"User-Agent": user_agent, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return httpx2.get(f"{self.url}/{code}", headers=sent, timeout=30, trust_env=False, verify=TLS)


def start_server(settings: Settings, stack: ExitStack) -> Server:
    """Start a server in a thread; `stack` stops it."""
    node = make_node(settings)
    config = uvicorn.Config(
        make_app(node),
        http=GuardedProtocol if settings.http == "plain" else RedirectProtocol,
        port=settings.port,
        log_config=None,
        proxy_headers=False,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=3,
    )
    running = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", settings.port))
    thread = Thread(target=running.run, args=([listener],), name="server")
    thread.start()
    stack.callback(listener.close)
    stack.callback(thread.join, 10)
    stack.callback(setattr, running, "should_exit", True)
    while not running.started:
        thread.join(0.005)
        assert thread.is_alive(), "the server did not start"
    return Server(settings.public_url, node)


def free_port() -> int:
    """A port that nothing listens on, below those that the system gives to clients: none of them takes it meanwhile."""
    while True:
        port = CHANCE.randrange(20_000, 32_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
