"""The settings: one frozen value, and the only reader of the environment."""

import os
import re
from collections.abc import Mapping
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shortmcp.settings.addresses import DEFAULT_PORTS, check_proxy, check_redis_url, check_smtp_url, read_address

__all__ = ["DEFAULT_PORT", "DEFAULT_PORTS", "PREFIX", "SECRET_LENGTH", "Settings", "export"]

PREFIX = "SHORTMCP_"
DEFAULT_PORT = 8000
DEFAULT_REDIS_PORT = 6379
SECRET_LENGTH = 32
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
# A host name and no address: its last label is not a number.
_NAME = re.compile(r"([A-Za-z0-9-]+\.)*[A-Za-z][A-Za-z0-9-]*")


class Settings(BaseSettings):
    """Every option of the command line has a field here and an environment variable `SHORTMCP_` + its name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(default=1, ge=1, le=64, description="Web processes.")
    base_url: str = Field(
        default="", description="Where the instance is reached from outside; short URLs begin with it."
    )
    domains: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="More short domains, as addresses separated by commas; each has codes of its own.",
    )
    data_dir: Path = Field(default=Path("shortmcp-data"), description="Database, click journal and keys.")
    database_url: str = Field(default="", description="`postgresql://...`; SQLite in the data dir if empty.")
    redis_url: SecretStr = Field(
        default=SecretStr(""),
        description="Redis that several nodes share, `redis://user:password@host:6379/0` or `rediss://...`; none if "
        "empty.",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="What the instance signs and encrypts with, at least 32 characters; `secret.key` in the data dir "
        "if empty. Several nodes must be given the same.",
    )
    plans: Path | None = Field(default=None, description="TOML file that redefines plans or adds some.")
    geoip: Path | None = Field(default=None, description="MMDB file that replaces the country data in the package.")
    suggest_codes: bool = Field(
        default=False, description="Tell visitors of unknown codes which public links they may have meant."
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(), description="Addresses or networks, separated by commas, whose X-Forwarded-For counts."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="More Host names, separated by commas, under which /mcp answers."
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="More browser origins, separated by commas, that may call /mcp."
    )
    dialect_hosts: Annotated[Mapping[str, Literal["slsh", "snipurl-click", "snipurl-live", "clipsend"]], NoDecode] = (
        Field(
            default={},
            description="Hosts on which another service's API answers at its original paths, such as "
            "`api.example.com=slsh`, separated by commas; see docs/dialects.",
        )
    )
    anonymous_workspace: str = Field(
        default="",
        description="Slug of the workspace for what SnipURL's clients make without a token; none if empty.",
    )
    clipsend_content: bool = Field(
        default=False, description="Show the contents of unread secrets in the list of ClipSend's clients."
    )
    metrics_public: bool = Field(default=False, description="Answer /metrics to other than loopback addresses.")
    journal_sync: float = Field(
        default=0.02,
        ge=0,
        le=10,
        description="Seconds between syncs of the click journal to disk; 0 leaves it to the system.",
    )
    http: Literal["auto", "plain"] = Field(
        default="auto", description="How redirects are answered: `auto` below ASGI where possible, `plain` through it."
    )
    smtp_url: str = Field(
        default="",
        description="Mail server, `smtp://user:password@host:587?starttls=true` or `smtps://...`; without one mails "
        "are only logged.",
    )
    mail_from: str = Field(
        default="", description="Sender of mails, `Name <address>`; made from the base URL if empty."
    )
    report_timezone: str = Field(
        default="UTC", description="Time zone of reports, such as Europe/Vienna: their days, and when they are sent."
    )
    report_mails: int = Field(
        default=200, ge=0, description="Mails to recipients of reports that a workspace may cause on a UTC day."
    )
    allow_private_webhooks: bool = Field(
        default=False, description="Let webhooks reach private addresses, any port, and plain http."
    )
    outbound_proxy: str = Field(
        default="",
        description="HTTP proxy for all outgoing requests, `http://user:password@host:3128`; the usual variables "
        "(`HTTPS_PROXY`, ...) are not read.",
    )
    blocklist: Path | None = Field(
        default=None, description="File of hosts that no link may lead to; `blocklist.txt` in the data dir if empty."
    )
    safety_feeds: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Hosts files to be fetched from URLs, separated by commas, that no link may lead to."
    )
    safe_browsing_key: SecretStr = Field(
        default=SecretStr(""), description="Key for Google Safe Browsing; without one it is not asked."
    )
    safe_browsing_version: Literal["v4", "v5"] = Field(default="v5", description="Version of its API.")
    safe_browsing_url: str = Field(
        default="https://safebrowsing.googleapis.com", description="Where Google Safe Browsing is asked."
    )
    urlhaus_key: SecretStr = Field(
        default=SecretStr(""), description="Auth-Key for URLhaus of abuse.ch; without one it is not asked."
    )
    urlhaus_url: str = Field(default="https://urlhaus-api.abuse.ch", description="Where URLhaus is asked.")
    worker: bool = Field(default=True, description="Run the background work inside `serve`.")
    log_format: Literal["text", "json"] = Field(default="text", description="How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged.")

    @field_validator("trusted_proxies", "allowed_hosts", "allowed_origins", "domains", "safety_feeds", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("dialect_hosts", mode="before")
    @classmethod
    def _split_pairs(cls, value: Any) -> Any:
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()] if isinstance(value, str) else None
        return value if pairs is None else {host.strip().lower(): name.strip() for host, _, name in pairs}

    @field_validator("dialect_hosts")
    @classmethod
    def _check_dialect_hosts(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if any(not re.fullmatch(r"[a-z0-9.-]+(:[0-9]{1,5})?", host) for host in value):
            raise ValueError("must be pairs such as api.example.com=slsh, separated by commas")
        return value

    @field_validator("safe_browsing_url", "urlhaus_url")
    @classmethod
    def _check_service(cls, value: str) -> str:
        return read_address(value)

    @field_validator("safety_feeds")
    @classmethod
    def _check_feeds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.fullmatch(r"https?://[^/?#@\s]+([/?][^\s]*)?", url) for url in value):
            raise ValueError("must be URLs such as https://lists.example.com/hosts.txt, separated by commas")
        return value

    @field_validator("safe_browsing_key", "urlhaus_key")
    @classmethod
    def _check_service_key(cls, value: SecretStr) -> SecretStr:
        # It goes into a header.
        if not re.fullmatch(r"[\x21-\x7e]*", value.get_secret_value()):
            raise ValueError("must be one word of printable ASCII characters")
        return value

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        return read_address(value) if value else value

    @field_validator("domains")
    @classmethod
    def _check_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(read_address(domain if "://" in domain else f"https://{domain}") for domain in value)

    @field_validator("secret_key")
    @classmethod
    def _check_secret_key(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"must have at least {SECRET_LENGTH} characters")
        return value

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"sqlite", "postgresql", "postgres"}:
            raise ValueError("must begin with postgresql:// or sqlite:///")
        return value.replace("postgres://", "postgresql://", 1)

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: SecretStr) -> SecretStr:
        check_redis_url(value.get_secret_value())
        return value

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: str) -> str:
        check_smtp_url(value)
        return value

    @field_validator("outbound_proxy")
    @classmethod
    def _check_outbound_proxy(cls, value: str) -> str:
        check_proxy(value)
        return value

    @field_validator("report_timezone")
    @classmethod
    def _check_report_timezone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("must be an IANA name, such as UTC or Europe/Vienna, in this spelling")
        return value

    @field_validator("mail_from")
    @classmethod
    def _check_mail_from(cls, value: str) -> str:
        address = parseaddr(value)[1]
        if value and (not _ADDRESS.fullmatch(address) or not value.isprintable()):
            raise ValueError("must be an e-mail address, such as links@example.com or Links <links@example.com>")
        return value

    @property
    def sender(self) -> str:
        """The sender of mails: `mail_from`, or an address at the host of short URLs."""
        host = urlsplit(self.public_url).hostname or ""
        return self.mail_from or f"shortmcp@{host if _NAME.fullmatch(host) else 'localhost'}"

    @property
    def public_url(self) -> str:
        """The base of short URLs: `base_url`, or the address that is listened on."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared, not bound
        return self.base_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'shortmcp.db').absolute()}"

    @property
    def redis_database(self) -> int:
        """The number of the database in Redis."""
        return int(urlsplit(self.redis_url.get_secret_value()).path.strip("/") or 0)

    @property
    def redis_place(self) -> str:
        """Where Redis is, without user name and password."""
        parts = urlsplit(self.redis_url.get_secret_value())
        return f"{parts.hostname}:{parts.port or DEFAULT_REDIS_PORT}, database {self.redis_database}"

    @property
    def journal_dir(self) -> Path:
        """Where this node's click journal lies."""
        return self.data_dir.absolute() / "clicks"

    @property
    def key_file(self) -> Path:
        """Where the instance's key lies, if `secret_key` does not give it."""
        return self.data_dir.absolute() / "secret.key"

    @property
    def blocklist_file(self) -> Path:
        """Where the operator's own blocklist lies, if there is one."""
        return self.blocklist or self.data_dir.absolute() / "blocklist.txt"


def export(options: dict[str, Any]) -> None:
    """Put command-line options into the environment, where this process and its web workers read them."""
    for name, value in options.items():
        if value is not None:
            os.environ[PREFIX + name.upper()] = str(value)
