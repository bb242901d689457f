"""Making and ending API keys, from what people type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from buildwright.core.errors import UnknownNameError, UsageError
from buildwright.core.keys import ApiKey
from buildwright.services.durations import seconds_of
from buildwright.store.keys import KeyStore

SCOPES = ("gateway", "admin")
LARGEST_LIMIT = 1_000_000_000
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key as asked for; `expires` is a span ("" = never), `models` names or patterns with `*`."""

    name: str
    org: str = ""
    user: str = ""
    models: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    expires: str = ""
    scopes: tuple[str, ...] = ("gateway",)


def create_key(store: KeyStore, wish: KeyWish, now: float) -> tuple[ApiKey, str]:
    """Store a key and return it with its text, which is never shown again; raises UsageError."""
    _check(wish)
    allowed = ApiKey(
        id="",
        name="",
        tail="",
        org=wish.org,
        user=wish.user,
        models=wish.models,
        scopes=wish.scopes,
        requests_per_minute=wish.requests_per_minute,
        tokens_per_minute=wish.tokens_per_minute,
        expires_at=now + seconds_of(wish.expires, "--expires") if wish.expires else None,
    )
    return store.create(wish.name, allowed)


def rotate_key(store: KeyStore, name: str, overlap: str) -> tuple[ApiKey, str]:
    """Give a key a new text; the old one works on for `overlap` ("0" = not at all)."""
    return store.rotate(name, 0.0 if overlap == "0" else seconds_of(overlap, "--overlap"))


def key_row(key: ApiKey, now: float) -> Mapping[str, Any]:
    """Return what is shown of a key, its state ("active", "revoked", "expired") with it."""
    return {**asdict(key), "state": _state(key, now)}


def _state(key: ApiKey, now: float) -> str:
    if key.usable(now):
        return "active"
    return "revoked" if key.revoked_at is not None and key.revoked_at <= now else "expired"


def _check(wish: KeyWish) -> None:
    if not wish.name.strip():
        raise UsageError("NAME is empty; expected a name for the key, e.g. my-laptop")
    if "" in wish.models:
        raise UsageError("--models names an empty model; expected e.g. gpt-4o,ollama/*")
    _check_text("--org", wish.org)
    _check_text("--user", wish.user)
    for model in wish.models:
        _check_text("--models", model)
    for scope in wish.scopes:
        if scope not in SCOPES:
            raise UnknownNameError("scope", scope, SCOPES)
    _check_limit("--rpm", wish.requests_per_minute)
    _check_limit("--tpm", wish.tokens_per_minute)


def _check_text(field: str, text: str) -> None:
    if not text.isprintable() or " " in text or len(text) > LONGEST_TEXT:
        raise UsageError(
            f"{field} is {text!r}; expected printable text without spaces, "
            f"at most {LONGEST_TEXT} characters"
        )


def _check_limit(field: str, limit: int | None) -> None:
    if limit is not None and not 1 <= limit <= LARGEST_LIMIT:
        raise UsageError(f"{field} is {limit}; expected 1 to {LARGEST_LIMIT}")
