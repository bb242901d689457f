"""Asking a running server to do something, over its admin routes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from buildwright.core.environment import secret
from buildwright.core.errors import MachineError, UsageError
from buildwright.core.gateway_settings import GatewayTree

KEY_VARIABLE = "BUILDWRIGHT_KEY"
TIMEOUT_S = 60.0
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - addresses to replace, not to listen on


@dataclass(frozen=True, slots=True)
class AdminClient:
    """A server's address, without a path, and the API key to show it ("" = none)."""

    url: str
    key: str = ""

    def ask(
        self, method: str, path: str, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> Any:
        """Return the server's JSON answer; raises MachineError when nobody answers, UsageError
        when it refuses."""
        address = f"{self.url}{path}{'?' + urlencode(query) if query else ''}"
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        request = Request(address, data=body, headers=headers, method=method)  # noqa: S310 - checked by client_of
        opener = build_opener(ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT_S) as response:
                return json.loads(response.read())
        except HTTPError as error:
            with error:
                raise _refused(self.url, error.code, error.read()) from None
        except (URLError, OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise MachineError(
                f"no gateway answers at {self.url}: {reason}",
                next_step="start it with `buildwright serve`, or give its address with --url",
            ) from error
        except ValueError as error:
            raise MachineError(
                f"what answers at {self.url} is no gateway of Buildwright",
                next_step="give the gateway's address with --url",
            ) from error


def client_of(tree: GatewayTree, url: str) -> AdminClient:
    """Return a client for an address, or for that of the settings; raises UsageError."""
    settings = tree.gateway
    if not url and not settings.port:
        raise UsageError("gateway.port is 0, so the server's port is not known", next_step="--url")
    host = "127.0.0.1" if settings.host in EVERYWHERE else settings.host
    url = url or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--url is {url!r}; expected e.g. http://127.0.0.1:4000")
    return AdminClient(f"{parts.scheme}://{parts.netloc}", secret(KEY_VARIABLE))


def _refused(url: str, status: int, raw: bytes) -> UsageError:
    try:
        message = str(json.loads(raw)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = "no gateway of Buildwright answers there"
    steps = {
        401: f"set {KEY_VARIABLE} to a key with scope admin: "
        "buildwright keys create NAME --scope admin",
        403: f"set {KEY_VARIABLE} to a key with scope admin",
    }
    return UsageError(f"{url} refused with {status}: {message}", next_step=steps.get(status, ""))
