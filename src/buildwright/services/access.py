"""Who may call the gateway over HTTP, and what a call of theirs counts as."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal, Protocol

from buildwright.core.keys import ApiKey, well_formed
from buildwright.gateway.call import LOCAL, Caller
from buildwright.gateway.errors import GatewayError

Auth = Literal["auto", "keys", "none"]


class KeyRing(Protocol):
    """Finds a usable or former key by its text."""

    def lookup(self, plaintext: str) -> ApiKey | None:
        """Return the usable key, None for one that is unknown, revoked or expired."""
        ...

    def empty(self) -> bool:
        """Return True while no key exists."""
        ...


class Access:
    """Turns request headers into a caller.

    `auth` "auto" asks for a key once one exists, and always beyond this machine (`local` False).
    """

    def __init__(self, ring: KeyRing, auth: Auth, *, local: bool) -> None:
        self._ring, self._auth, self._local = ring, auth, local
        self._callers: dict[str, tuple[ApiKey, Caller]] = {}

    def caller(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Return who calls; raises GatewayError 401 or 403."""
        if self._open():
            _refuse_pages(headers, by_name=not self._local)
            return LOCAL
        key = self._key(headers)
        if "gateway" not in key.scopes:
            raise _not_for(key, "call models", "gateway")
        known = self._callers.get(key.id)
        if known is not None and known[0] is key:
            return known[1]
        if len(self._callers) > 10_000:
            self._callers.clear()
        caller = caller_of(key)
        self._callers[key.id] = key, caller
        return caller

    def admin(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Return who administers; raises GatewayError 401 or 403.

        Without keys only this machine may: who can put answers into the cache decides what others
        are told.
        """
        if self._open() and self._local:
            _refuse_pages(headers, by_name=False)
            return LOCAL
        key = self._key(headers)
        if "admin" not in key.scopes:
            raise _not_for(key, "administer the gateway", "admin")
        return caller_of(key)

    def _key(self, headers: Mapping[bytes, bytes]) -> ApiKey:
        given = headers.get(b"authorization", b"")
        scheme, _, text = given.decode("latin-1").partition(" ")
        plaintext = text.strip() if scheme.lower() == "bearer" else ""
        plaintext = plaintext or headers.get(b"x-api-key", b"").decode("latin-1")
        key = self._ring.lookup(plaintext) if plaintext else None
        if key is None:
            raise _unauthorised(plaintext)
        return key

    def _open(self) -> bool:
        if self._auth == "none":
            return True
        return self._auth == "auto" and self._local and self._ring.empty()


def caller_of(key: ApiKey) -> Caller:
    """Return what a stored key's calls count as."""
    return Caller(
        tenant=f"org:{key.org}" if key.org else f"key:{key.id}",
        key_id=key.id,
        scopes=key.budget_scopes,
        requests_per_minute=key.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute,
        models=key.models,
    )


def may_use(caller: Caller, model: str) -> bool:
    """Return True when the caller's key is for this model."""
    return not caller.models or any(fnmatchcase(model, pattern) for pattern in caller.models)


def check_model(caller: Caller, model: str) -> None:
    """Raise GatewayError 403 when the caller's key is not for this model."""
    if not may_use(caller, model):
        raise GatewayError(
            403, "permission_error", "model_not_allowed",
            f"this API key is not for model {model!r}; it is for {', '.join(caller.models)}",
            param="model",
        )  # fmt: skip


@lru_cache(256)
def is_local(host: str) -> bool:
    """Return True for an address that only this machine reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_pages(headers: Mapping[bytes, bytes], *, by_name: bool) -> None:
    """Without keys a web page in the user's browser must not be able to spend money.

    `by_name`: whoever set auth to none beyond this machine wants to be reached by other names.
    """
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    known = by_name or is_local(name.strip("[]") or "localhost")
    if not known or (origin and _host_of(origin) != host):
        raise GatewayError(
            403, "permission_error", "foreign_page",
            "without API keys only programs on this machine are answered, no web pages",
            next_step="buildwright keys create NAME",
        )  # fmt: skip


def _host_of(origin: str) -> str:
    return origin.partition("://")[2]


def _not_for(key: ApiKey, what: str, scope: str) -> GatewayError:
    return GatewayError(
        403, "permission_error", "scope_missing",
        f"API key ...{key.tail} may not {what} (scope {scope})",
        next_step=f"buildwright keys create NAME --scope {scope}",
    )  # fmt: skip


def _unauthorised(plaintext: str) -> GatewayError:
    if not plaintext:
        return _invalid_key("no API key was sent; expected Authorization: Bearer bw_...")
    if not well_formed(plaintext):
        return _invalid_key("the API key is misspelt or no key of this gateway (bw_...)")
    return _invalid_key("this API key is unknown, revoked or expired")


def _invalid_key(message: str) -> GatewayError:
    return GatewayError(
        401, "invalid_request_error", "invalid_api_key", message,
        next_step="buildwright keys create NAME",
    )  # fmt: skip
