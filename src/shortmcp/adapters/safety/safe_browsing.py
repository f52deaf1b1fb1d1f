"""Google Safe Browsing: its look-ups by URL, in version 4 and version 5."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from shortmcp import __version__
from shortmcp.adapters.outbound import Answer, Outbound
from shortmcp.adapters.safety.answers import NoAnswer, check_status, read_object, read_objects

NAME = "Google Safe Browsing"
# By the number that each has in version 5's protocol buffers.
THREATS = {
    1: ("MALWARE", "malware"),
    2: ("SOCIAL_ENGINEERING", "phishing"),
    3: ("UNWANTED_SOFTWARE", "unwanted software"),
    4: ("POTENTIALLY_HARMFUL_APPLICATION", "a harmful application"),
}
_WORDS = dict(THREATS.values())
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class SafeBrowsing4:
    """Asks `POST /v4/threatMatches:find`."""

    outbound: Outbound
    base_url: str
    key: str = field(repr=False)
    name: str = NAME
    is_local: bool = False

    def is_ready(self) -> bool:
        """Always: it is there only where it has a key."""
        return True

    def look_up(self, url: str) -> str:
        """The first threat that it matches."""
        asked = {
            "client": {"clientId": "shortmcp", "clientVersion": __version__},
            "threatInfo": {
                "threatTypes": list(_WORDS),
                "platformTypes": ["ANY_PLATFORM"],
                "threatEntryTypes": ["URL"],
                "threatEntries": [{"url": url}],
            },
        }
        headers = {"content-type": "application/json", **_key_header(self.key)}
        address = f"{self.base_url}/v4/threatMatches:find"
        said = read_object(self.outbound.send("POST", address, headers=headers, body=orjson.dumps(asked)))
        # Without a match the answer is an empty object; an error is an object too.
        if said.keys() - {"matches"}:
            raise NoAnswer("Its answer is not as documented.")
        return _first_threat(match.get("threatType") for match in read_objects(said.get("matches")))


@dataclass(frozen=True)
class SafeBrowsing5:
    """Asks `GET /v5/urls:search`. JSON is documented, and protocol buffers are what it is known to answer with."""

    outbound: Outbound
    base_url: str
    key: str = field(repr=False)
    name: str = NAME
    is_local: bool = False

    def is_ready(self) -> bool:
        """Always: it is there only where it has a key."""
        return True

    def look_up(self, url: str) -> str:
        """The first threat that it finds behind the URL or what the URL is part of."""
        address = f"{self.base_url}/v5/urls:search?{urlencode({'urls': url})}"
        answer = self.outbound.send("GET", address, headers=_key_header(self.key))
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return _first_threat(_read_protobuf(answer) if kind == PROTOBUF else _read_json(answer))


def _key_header(key: str) -> dict[str, str]:
    # Not in the URL, where proxies and logs would see it.
    return {"x-goog-api-key": key}


def _first_threat(names: Iterable[Any]) -> str:
    found = [name for name in names if name is not None]
    return _WORDS.get(found[0], "a threat") if found else ""


def _read_json(answer: Answer) -> list[Any]:
    said = read_object(answer)
    # It comes with every answer, also with one without threats.
    if not isinstance(said.get("cacheDuration"), str):
        raise NoAnswer("Its answer is not as documented.")
    return [name for threat in read_objects(said.get("threats")) for name in threat.get("threatTypes") or ["?"]]


def _read_protobuf(answer: Answer) -> list[str]:
    """SearchUrlsResponse: threats (1: url 1, threat_types 2), cache_duration (2)."""
    check_status(answer)
    parts = list(_read_fields(answer.body_start))
    if not any(number == 2 and isinstance(value, bytes) for number, value in parts):  # noqa: PLR2004 - as above
        raise NoAnswer("Its answer is not as documented.")
    names: list[str] = []
    for number, threat in parts:
        if number == 1:
            if not isinstance(threat, bytes):
                raise NoAnswer("Its answer is not as documented.")
            types = [value for field_number, value in _read_fields(threat) if field_number == 2]  # noqa: PLR2004
            # A repeated number comes one by one or packed into bytes.
            numbers = [one for value in types for one in (value if isinstance(value, bytes) else [value])]
            names += [THREATS.get(one, ("?", ""))[0] for one in numbers] or ["?"]
    return names


def _read_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(message):
        tag, position = _read_number(message, position)
        match tag & 7:
            case 0:
                value, position = _read_number(message, position)
                yield tag >> 3, value
            case 2:
                length, position = _read_number(message, position)
                position += length
                if position > len(message):
                    raise NoAnswer("Its answer is not as documented.")
                yield tag >> 3, message[position - length : position]
            case 1 | 5 as kind:
                # Fields of a fixed size, which may be added one day, are passed over.
                position += 8 if kind == 1 else 4
            case _:
                raise NoAnswer("Its answer is not as documented.")


def _read_number(message: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 64, 7):
        if position >= len(message):
            break
        byte, position = message[position], position + 1
        number |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - the last byte of a number has no high bit
            return number, position
    raise NoAnswer("Its answer is not as documented.")
