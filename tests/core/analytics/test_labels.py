"""Names of values."""

import pytest

from shortmcp.core.analytics.labels import name_value


@pytest.mark.parametrize(
    ("dimension", "code", "expected"),
    [
        ("country", "AT", "Austria"),
        ("country", "NP", "Nepal"),
        ("country", "QQ", "QQ"),
        ("country", "unverified", "Unverified"),
        ("language", "de", "German"),
        ("language", "he", "Hebrew"),
        ("language", "xxx", "xxx"),
        ("device", "mobile", "Mobile"),
        ("device", "tv", "TV"),
        ("os", "ios", "iOS"),
        ("os", "macos", "macOS"),
        ("os", "chrome-os", "Chrome OS"),
        ("os", "windows", "Windows"),
        ("browser", "internet-explorer", "Internet Explorer"),
        ("browser", "uc-browser", "UC Browser"),
        ("browser", "something-new-2", "Something New 2"),
    ],
)
def test_a_value_has_the_name_that_people_know(dimension: str, code: str, expected: str) -> None:
    assert name_value(dimension, code) == expected
