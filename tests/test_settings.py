from pathlib import Path

import pytest
from pydantic import ValidationError

from shortmcp.core.plans import DEFAULT_PLANS, load_plans
from shortmcp.settings import Settings


def test_an_instance_is_reached_where_it_listens_unless_told_otherwise() -> None:
    assert Settings(host="0.0.0.0", port=81).public_url == "http://127.0.0.1:81"  # noqa: S104
    assert Settings(host="::1", port=82).public_url == "http://[::1]:82"
    assert Settings(base_url="https://sho.example/").public_url == "https://sho.example"


@pytest.mark.parametrize(
    ("given", "sender"),
    [
        ({"base_url": "https://sho.example/go"}, "shortmcp@sho.example"),
        ({"base_url": "https://203.0.113.7"}, "shortmcp@localhost"),
        ({"base_url": "https://sho.example", "mail_from": "Links <l@example.com>"}, "Links <l@example.com>"),
    ],
)
def test_mails_come_from_the_address_that_is_set_or_from_the_host_of_short_urls(
    given: dict[str, str], sender: str
) -> None:
    assert Settings(**given).sender == sender  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Links.Example.com", "https://links.example.com"),
        ("https://links.example.com:443/", "https://links.example.com"),
        ("http://[2001:DB8::1]:8080/go/", "http://[2001:db8::1]:8080/go"),
    ],
)
def test_a_base_url_is_kept_as_browsers_name_its_host(given: str, kept: str) -> None:
    assert Settings(base_url=given).public_url == kept


def test_every_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTMCP_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")
    monkeypatch.setenv("SHORTMCP_DATABASE_URL", "postgres://db/x")
    settings = Settings()
    assert [str(network) for network in settings.trusted_proxies] == ["127.0.0.1/32", "10.0.0.0/8"]
    assert settings.database == "postgresql://db/x"


@pytest.mark.parametrize(
    "field",
    [
        {"base_url": "sho.example"},
        {"base_url": "https://user:secret@sho.example"},
        {"base_url": "https://sho.example:abc"},
        {"base_url": "https://sho.example/a b"},
        {"database_url": "mysql://x"},
        {"port": 70000},
        {"smtp_url": "mail.example.com"},
        {"smtp_url": "smtp://mail.example.com:abc"},
        {"smtp_url": "smtp://mail.example.com?starttls=maybe"},
        {"mail_from": "Links"},
        {"outbound_proxy": "https://proxy.example.com:3128"},
        {"outbound_proxy": "http://proxy.example.com"},
        {"redis_url": "redis.example.com:6379"},
        {"redis_url": "redis://redis.example.com:abc"},
        {"redis_url": "redis://redis.example.com/first"},
        {"redis_url": "redis://redis.example.com?socket_timeout=60"},
        {"mail_from": "links@example.com\r\nBcc: eve@example.com"},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(field: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings(**field)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://redis.example.com", "redis.example.com:6379, database 0"),
        ("rediss://user:pass%40word@redis.example.com:6380/3", "redis.example.com:6380, database 3"),
        ("rediss://:word@10.0.0.1/?ssl_ca_certs=/etc/ca.pem", "10.0.0.1:6379, database 0"),
    ],
)
def test_a_redis_is_named_without_its_password(url: str, place: str) -> None:
    settings = Settings(redis_url=url)  # pyright: ignore[reportArgumentType]
    assert settings.redis_place == place
    assert "word@" not in repr(settings)


def test_a_plans_file_changes_what_it_names_and_adds_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "plans.toml"
    path.write_text('[basic]\nlinks = 1000\ncalls_per_month = "unlimited"\n[team]\nhistory = [24, "months"]\n')
    plans = load_plans(path)
    assert plans["basic"] == DEFAULT_PLANS["basic"].model_copy(update={"links": 1000, "calls_per_month": None})
    assert (plans["team"].history, plans["team"].compares_years, plans["team"].links) == ((24, "months"), True, None)
    assert plans["free"] == DEFAULT_PLANS["free"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("basic = 1", "must hold tables alone"),
        ("[basic]\nlinks = -1", "plan `basic`, `links`"),
        ("[basic]\nlink = 1", "plan `basic`, `link`"),
        ("[basic", "cannot be read"),
    ],
)
def test_a_plans_file_that_makes_no_sense_is_refused_in_words(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "plans.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        load_plans(path)
