"""The one way out for every HTTP request that shortmcp makes: where to, how long, and how much."""

import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import unquote, urlsplit

import httpcore2
from ada_url import URL

from shortmcp import __version__
from shortmcp.adapters.outbound.network import (
    Connect,
    Deadline,
    GuardedBackend,
    Refused,
    Resolve,
    Unreachable,
    resolve,
)

__all__ = ["Answer", "Outbound", "Refused", "Unreachable"]

DEFAULT_PORTS = {"http:": 80, "https:": 443}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# For the headers, of which httpcore takes 100 KB, and for what stands around the pieces of a body.
HEADER_ALLOWANCE = 256 << 10


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are in lower case; those that came several times are joined with commas.

    `body_start` is as much of the body as the limit allows, as it came; `is_whole` says whether that is all of it.
    `url` is whose answer it is, redirects followed.
    """

    status: int
    headers: Mapping[str, str]
    body_start: bytes
    is_whole: bool
    url: str = field(default="", compare=False)


@dataclass(frozen=True)
class Outbound:
    """Sends requests to http and https URLs on ports 80 and 443 of public addresses.

    With `allow_private` every address and port will do: for URLs that the operator has set, or where the operator
    says that users may reach the operator's own network. `deadline` is in seconds and covers everything from the
    look-up to the last byte, redirects too; `limit` is in bytes. With a `proxy` (`http://user:password@host:port`) it
    is the proxy that connects, so that a name is judged here as far as it can be looked up here. `tls` says which
    certificates count; None for those of the public authorities.
    """

    allow_private: bool = False
    proxy: str = ""
    deadline: float = 15.0
    limit: int = 64 << 10
    resolve: Resolve = resolve
    connect: Connect = socket.create_connection
    tls: ssl.SSLContext | None = None

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        redirects: int = 0,
    ) -> Answer:
        """Make a request and follow at most `redirects` redirects, each judged like the first URL.

        Raises Refused for a URL that may not be reached, Unreachable where no HTTP answer came in time. A redirect too
        many is an answer like any other. Redirects of requests with a body are not followed; `headers` go to the first
        URL's origin alone.
        """
        deadline, given = Deadline(self.deadline), dict(headers or {})
        answer = self._send_once(method, _read_url(url), given, body, deadline)
        while redirects > 0 and not body and answer.status in REDIRECTS and "location" in answer.headers:
            target = _read_url(answer.headers["location"], url)
            given = given if target.origin == _read_url(url).origin else {}
            url, redirects = target.href, redirects - 1
            answer = self._send_once(method, target, given, body, deadline)
        return answer

    def _send_once(self, method: str, url: URL, given: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
        port = int(url.port or DEFAULT_PORTS[url.protocol])
        if not self.allow_private and port not in DEFAULT_PORTS.values():
            raise Refused("Only the ports 80 and 443 may be reached.")
        host = url.hostname.strip("[]")
        path = f"{url.pathname}{url.search}"
        given_port = int(url.port) if url.port else None
        target = httpcore2.URL(scheme=url.protocol.removesuffix(":"), host=host, port=given_port, target=path)
        sent = _headers(given, url.host)
        content = body if body or method not in {"GET", "HEAD"} else None
        try:
            with (
                self._open_pool(host, port, deadline) as pool,
                pool.stream(method, target, headers=sent, content=content) as response,
            ):
                start, is_whole = _read_start(response.iter_stream(), self.limit)
                return Answer(response.status, _joined(response.headers), start, is_whole, url.href)
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
            httpcore2.ProxyError,
        ) as error:
            deadline.left()
            raise Unreachable(f"The connection failed ({type(error).__name__}).") from error

    def _open_pool(self, host: str, port: int, deadline: Deadline) -> httpcore2.ConnectionPool:
        judges, allowance = not self.allow_private, self.limit + HEADER_ALLOWANCE
        guarded = GuardedBackend(self.resolve, self.connect, deadline, judges=judges, allowance=allowance)
        tls = self.tls or _public_authorities()
        if not self.proxy:
            return httpcore2.ConnectionPool(ssl_context=tls, network_backend=guarded)
        if judges:
            try:
                guarded.judge(host, port)
            except Unreachable:
                # Names that only the proxy knows are the proxy's to judge.
                deadline.left()
        return _open_proxy(
            self.proxy,
            tls,
            GuardedBackend(self.resolve, self.connect, deadline, judges=False, allowance=allowance),
        )


def _read_url(url: str, base: str | None = None) -> URL:
    try:
        read = URL(url, base)
    except ValueError:
        raise Refused("This is not a URL that can be opened.") from None
    if read.protocol not in DEFAULT_PORTS:
        raise Refused("Only http and https URLs may be reached.")
    if read.username or read.password:
        raise Refused("A URL with a user name or password may not be reached.")
    return read


def _headers(given: Mapping[str, str], host: str) -> list[tuple[str, str]]:
    # Compressed bodies are not asked for and never unpacked: a small one may become a huge one.
    own = {"host": host, "user-agent": f"shortmcp/{__version__}", "accept": "*/*", "accept-encoding": "identity"}
    lowered = {name.lower(): value for name, value in given.items()}
    return list({**own, "connection": "close", **lowered}.items())


def _read_start(parts: Iterable[bytes], limit: int) -> tuple[bytes, bool]:
    start = bytearray()
    for part in parts:
        start += part
        if len(start) > limit:
            return bytes(start[:limit]), False
    return bytes(start), True


def _joined(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


@cache
def _public_authorities() -> ssl.SSLContext:
    # Reading some hundred certificates takes longer than the rest of a start: once a process, when there is a request.
    return httpcore2.default_ssl_context()


def _open_proxy(url: str, tls: ssl.SSLContext, backend: GuardedBackend) -> httpcore2.ConnectionPool:
    parts = urlsplit(url)
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore2.HTTPProxy(
        f"http://{parts.netloc.rpartition('@')[2]}/", proxy_auth=login, ssl_context=tls, network_backend=backend
    )
