"""The forms of addresses in the settings; ValueError with how one must look for anything else."""

import re
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIS_QUERY = re.compile(r"(ssl_ca_certs=[^&]+)?")


def read_address(value: str) -> str:
    """An http or https address as browsers name it: lower case, without the scheme's own port or a final slash."""
    sentence = "must be an address such as https://links.example.com, without user name, query or spaces"
    try:
        parts, port = urlsplit(value), urlsplit(value).port
    except ValueError:
        raise ValueError(sentence) from None
    host = parts.hostname
    plain = value.isascii() and not re.search(r"[\s@?#\\]", value)
    if parts.scheme not in DEFAULT_PORTS or not host or not plain:
        raise ValueError(sentence)
    shown = f"[{host}]" if ":" in host else host
    there = "" if port in {None, DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown}{there}{parts.path.rstrip('/')}"


def check_redis_url(value: str) -> None:
    """Where Redis is; "" for none."""
    parts = _split(value)
    good = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0 and not parts.fragment
    if value and not (good and re.fullmatch(r"(/[0-9]{0,3})?", parts.path) and _REDIS_QUERY.fullmatch(parts.query)):
        raise ValueError(
            "must look like redis://user:password@redis.example.com:6379/0 or rediss://..., with no more than "
            "ssl_ca_certs=/path/to/ca.pem as its query"
        )


def check_smtp_url(value: str) -> None:
    """A mail server; "" for none."""
    parts = _split(value)
    good = parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.port != 0 and parts.path in {"", "/"}
    if value and (not good or parts.query not in {"", "starttls=true", "starttls=false"}):
        raise ValueError("must look like smtp://user:password@mail.example.com:587?starttls=true or smtps://...")


def check_proxy(value: str) -> None:
    """An HTTP proxy; "" for none."""
    parts = _split(value)
    if value and (parts.scheme != "http" or not parts.hostname or not parts.port or parts.path not in {"", "/"}):
        raise ValueError("must look like http://proxy.example.com:3128")


def _split(value: str) -> SplitResult:
    # What has no form at all is as good as empty.
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts
