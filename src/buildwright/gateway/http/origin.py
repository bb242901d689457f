"""Where a pool connects to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from buildwright.core.errors import SettingsError

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_PATH = re.compile(r"(/[!$&'()*+,\-.0-9:;=@A-Z_a-z~%]*)*")
_EXPECTED = "expected http(s)://host[:port][/path] and nothing else"


@dataclass(frozen=True, slots=True)
class Origin:
    """One server: `base_path` is empty or starts with a slash and does not end with one."""

    scheme: str
    host: str
    port: int
    base_path: str = ""

    @property
    def authority(self) -> str:
        """The value of the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_origin(url: str) -> Origin:
    """Read `http(s)://host[:port][/base/path]`; raises SettingsError that says what is wrong.

    Credentials, a query or a fragment are refused, and never repeated in the message.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        raise _refused(url, "it holds a space, a control or a non-ASCII character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused(url, "its host or port cannot be read (ports are 1 to 65535)") from error
    reason = _defect(parts, port)
    if reason:
        raise _refused(url, reason)
    host = (parts.hostname or "").lower()
    return Origin(parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/"))


def _defect(parts: SplitResult, port: int | None) -> str:
    if parts.scheme not in _PORTS:
        return f"the scheme {parts.scheme!r} is neither http nor https"
    if "@" in parts.netloc:
        return "it holds credentials; give the key as a setting of its own"
    if parts.query or parts.fragment:
        return "it holds a query or a fragment"
    if port == 0:
        return "the port 0 is none (ports are 1 to 65535)"
    if not _is_host(parts.hostname or "", bracketed="[" in parts.netloc):
        return f"{parts.hostname or ''!r} is no host name or address"
    return "" if _PATH.fullmatch(parts.path) else "its path holds a character that must be encoded"


def _is_host(host: str, *, bracketed: bool) -> bool:
    if not bracketed:
        return _HOST.fullmatch(host) is not None and len(host) <= 253
    try:
        return ipaddress.ip_address(host).version == 6 and "%" not in host
    except ValueError:
        return False


def _refused(url: str, reason: str) -> SettingsError:
    shown = re.sub(r"//[^/]*@", "//…@", url, count=1)
    shown = re.sub(r"[?#].*", "?…", shown, flags=re.DOTALL)
    return SettingsError(
        f"url {shown!r} cannot be used: {reason}; {_EXPECTED}",
        next_step="correct the url of this provider in the configuration",
    )
