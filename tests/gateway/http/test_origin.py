"""Where a provider's url may point."""

from __future__ import annotations

import pytest

from buildwright.core.errors import SettingsError
from buildwright.gateway.http import Origin, parse_origin


@pytest.mark.parametrize(
    ("url", "origin", "authority"),
    [
        ("http://Example.COM", Origin("http", "example.com", 80), "example.com"),
        ("https://a.b/v1/", Origin("https", "a.b", 443, "/v1"), "a.b"),
        ("HTTPS://a.b:8443/v1/x", Origin("https", "a.b", 8443, "/v1/x"), "a.b:8443"),
        ("http://127.0.0.1:11434/", Origin("http", "127.0.0.1", 11434), "127.0.0.1:11434"),
        ("http://[::1]:80", Origin("http", "::1", 80), "[::1]"),
        ("http://[fe80::1]:8000/v1", Origin("http", "fe80::1", 8000, "/v1"), "[fe80::1]:8000"),
    ],
)
def test_a_url_becomes_an_origin(url: str, origin: Origin, authority: str) -> None:
    assert parse_origin(url) == origin
    assert origin.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "http://",
        "http:///v1",
        "http://:80",
        "http://a:0",
        "http://a:65536",
        "http://a:-1",
        "http://a:port",
        "http://[::1",
        "http://[nonsense]",
        "http://[fe80::1%eth0]",
        "http://[127.0.0.1]",
        "http://a..b",
        "http://-a",
        "http://a b",
        "http://a/b c",
        "http://a\n",
        "http://a\t/",
        "http://a\x00",
        "http://a/\r\nHost: b",
        "http://\u00fcber.example",
        "http://a/v1?x=y",
        "http://a/#x",
        'http://a/"',
        f"http://{'a' * 64}.example",
    ],
)
def test_a_url_that_cannot_be_used_is_named_with_what_was_expected(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_origin(url)
    assert "expected http(s)://host[:port][/path]" in str(raised.value)
    assert raised.value.next_step


@pytest.mark.parametrize("url", ["https://key@a", "https://user:key@a:1/v1", "http://a/?api=key"])
def test_credentials_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_origin(url)
    assert "key@" not in str(raised.value)
    assert "api=key" not in str(raised.value)
    assert "user" not in str(raised.value)
