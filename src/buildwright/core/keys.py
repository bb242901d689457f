"""API keys of the gateway: their form, and what one may do. The key itself is never stored."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX = "bw_"
RANDOM_DIGITS = 30
CHECK_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key. `id` is public; `tail` its last four characters, for people.

    `models` are names or patterns with `*` ("" = all); times are seconds since the epoch, None =
    never. The limits are per minute, None = only those of the settings.
    """

    id: str
    name: str
    tail: str
    org: str = ""
    user: str = ""
    models: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("gateway",)
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None

    def usable(self, now: float) -> bool:
        """True when neither revoked nor expired; both may lie ahead (overlap on rotation)."""
        if self.expires_at is not None and now >= self.expires_at:
            return False
        return self.revoked_at is None or now < self.revoked_at

    @property
    def budget_scopes(self) -> tuple[str, ...]:
        """Budgets that its calls count against, widest first."""
        named = (f"org:{self.org}" if self.org else "", f"user:{self.user}" if self.user else "")
        return (*(name for name in named if name), f"key:{self.id}")


def make_key(random_below: Callable[[int], int] = secrets.randbelow) -> str:
    """Return a new key: `bw_`, 30 random base62 digits (178 bits), 6 of their CRC-32."""
    body = "".join(ALPHABET[random_below(62)] for _ in range(RANDOM_DIGITS))
    return f"{PREFIX}{body}{_check_digits(body)}"


def well_formed(key: str) -> bool:
    """True when prefix, length, alphabet and checksum fit: a typing error is told offline."""
    body = key[len(PREFIX) : -CHECK_DIGITS]
    if not key.startswith(PREFIX) or len(body) != RANDOM_DIGITS or not set(body) <= set(ALPHABET):
        return False
    return key[-CHECK_DIGITS:] == _check_digits(body)


def key_hash(key: str) -> str:
    """Return what is stored of a key: SHA-256 in hex. 178 random bits need no slow hash."""
    return sha256(key.encode("utf-8", "replace")).hexdigest()


def _check_digits(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), []
    for _ in range(CHECK_DIGITS):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))
