"""Services that know unsafe URLs, on loopback: they speak as Google and abuse.ch document it, or misbehave."""

import json
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

KEY = "a-key-that-nobody-may-see"
# As ThreatType is numbered in version 5's protocol buffers.
NUMBERS = {"MALWARE": 1, "SOCIAL_ENGINEERING": 2, "UNWANTED_SOFTWARE": 3, "POTENTIALLY_HARMFUL_APPLICATION": 4}
MALFORMED = (400, "application/json", b'{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}')
FORBIDDEN = (403, "application/json", b'{"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}')
Said = tuple[int, str, bytes]


@dataclass
class Services:
    """What they know: URLs with their threats, in Google's words, and feeds by their path.

    `says` is answered instead of what they know. While `hangs`, whoever asks waits until `go_on` is set. `asked` are
    the URLs that they were asked about.
    """

    url: str
    threats: dict[str, str] = field(default_factory=dict[str, str])
    feeds: dict[str, str] = field(default_factory=dict[str, str])
    says: Said | None = None
    speaks_protobuf: bool = False
    url_status: str = "online"
    hangs: bool = False
    go_on: Event = field(default_factory=Event)
    asked: list[str] = field(default_factory=list[str])

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Said:
        """The answer to a request, as documented."""
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        match method, parts.path:
            case "POST", "/v4/threatMatches:find":
                return self._find_matches(headers, json.loads(body))
            case "GET", "/v5/urls:search" if list(query) == ["urls"]:
                return self._search_urls(headers, query["urls"])
            case "POST", "/v1/url/":
                return self._find_url(headers, parse_qs(body.decode()))
            case "GET", path if path in self.feeds:
                return 200, "text/plain", self.feeds[path].encode()
            case _:
                return 404, "text/plain", b"not found"

    def _find_matches(self, headers: dict[str, str], asked: dict[str, Any]) -> Said:
        info = asked["threatInfo"]
        if set(asked) != {"client", "threatInfo"} or set(asked["client"]) != {"clientId", "clientVersion"}:
            return MALFORMED
        if headers["x-goog-api-key"] != KEY or info["threatEntryTypes"] != ["URL"] or not info["platformTypes"]:
            return FORBIDDEN
        matches = [
            {
                "threatType": self.threats[entry["url"]],
                "platformType": "ANY_PLATFORM",
                "threatEntryType": "URL",
                "threat": {"url": entry["url"]},
                "cacheDuration": "300.000s",
            }
            for entry in self._note(info["threatEntries"])
            if self.threats.get(entry["url"]) in info["threatTypes"]
        ]
        return 200, "application/json; charset=UTF-8", json.dumps({"matches": matches} if matches else {}).encode()

    def _search_urls(self, headers: dict[str, str], urls: list[str]) -> Said:
        if headers["x-goog-api-key"] != KEY:
            return FORBIDDEN
        found = [(url, self.threats[url]) for url in urls if url in self.threats]
        self.asked += urls
        if self.speaks_protobuf:
            threats = (_pack(1, url.encode()) + _pack(2, bytes([NUMBERS[threat]])) for url, threat in found)
            return (
                200,
                "application/x-protobuf",
                b"".join(_pack(1, threat) for threat in threats) + _pack(2, b"\x08\x3c"),
            )
        said: dict[str, Any] = {"cacheDuration": "60s"}
        if found:
            said["threats"] = [{"url": url, "threatTypes": [threat]} for url, threat in found]
        return 200, "application/json; charset=UTF-8", json.dumps(said).encode()

    def _find_url(self, headers: dict[str, str], form: dict[str, list[str]]) -> Said:
        if headers.get("auth-key") != KEY:
            return 401, "application/json", b'{"query_status": "unknown_auth_key"}'
        [url] = form["url"]
        self.asked.append(url)
        known: dict[str, Any] = {
            "query_status": "ok",
            "id": "105821",
            "urlhaus_reference": "https://urlhaus.example/url/105821/",
            "url": url,
            "url_status": self.url_status,
            "host": urlsplit(url).hostname,
            "date_added": "2026-01-19 01:33:26 UTC",
            "threat": "malware_download",
            "blacklists": {"spamhaus_dbl": "not listed", "surbl": "not listed"},
            "tags": ["emotet"],
        }
        said = known if url in self.threats else {"query_status": "no_results"}
        return 200, "application/json", json.dumps(said).encode()

    def _note(self, entries: list[dict[str, str]]) -> list[dict[str, str]]:
        self.asked += [entry["url"] for entry in entries]
        return entries


@contextmanager
def open_services() -> Generator[Services]:
    """All of them, on one port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        services = Services(f"http://127.0.0.1:{server.server_port}")
        setattr(server, "services", services)  # noqa: B010 - the handler finds it there
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield services
        finally:
            services.go_on.set()
            server.shutdown()
            thread.join()


def _pack(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        services = cast(Services, getattr(self.server, "services"))  # noqa: B009 - see above
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if services.hangs:
            services.go_on.wait(30)
        status, kind, said = services.says or services.answer(self.command, self.path, headers, body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(said)))
        # Whoever asks may hang up at any time.
        with suppress(OSError):
            self.end_headers()
            self.wfile.write(said)

    do_GET = do_POST = _answer  # noqa: N815 - names that the base class looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class'
        """Nothing."""
