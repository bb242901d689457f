"""API keys in the database, and a ring of them in memory for requests; standard library only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from buildwright.core.errors import UnknownNameError, UsageError
from buildwright.core.keys import ApiKey, key_hash, make_key
from buildwright.store.ledger import connecting

COLUMNS = tuple(field.name for field in fields(ApiKey))
QUOTED = ", ".join(f'"{name}"' for name in COLUMNS)
LISTS = ("models", "scopes")
NO_LIMITS = ApiKey("", "", "")


class KeyStore:
    """Makes, lists and ends keys. Blocking and short; the key itself is returned once, by `create`.

    The file has the newest schema already (`store.ledger.opening.ensure_schema`). `now` is seconds
    since the epoch; errors of the database leave as StoreError or DiskError.
    """

    def __init__(
        self, path: Path, now: Callable[[], float], new_key: Callable[[], str] = make_key
    ) -> None:
        self._path, self._now, self._new_key = path, now, new_key

    def create(self, name: str, allowed: ApiKey = NO_LIMITS) -> tuple[ApiKey, str]:
        """Store a new key with the rights and limits of `allowed`; return it and its plaintext.

        Raises UsageError when the name is empty or a usable key has it.
        """
        if not name or not name.isprintable():
            raise UsageError(f"key name {name!r} is not usable; expected printable text")
        plaintext = self._new_key()
        digest = key_hash(plaintext)
        key = replace(allowed, id=f"key_{digest[:12]}", name=name)
        key = self._fresh(key, plaintext)

        def insert(connection: sqlite3.Connection) -> None:
            self._check_name(connection, name)
            _insert(connection, key, digest)

        self._write(insert)
        return key, plaintext

    def list(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first, revoked and expired ones too."""
        return tuple(key for _, key in self.hashed())

    def hashed(self) -> tuple[tuple[str, ApiKey], ...]:
        """Return all keys with the hash each is found by."""
        query = f"SELECT hash, {QUOTED} FROM api_keys ORDER BY created_at, id"  # noqa: S608 - constant columns
        rows = self._run("BEGIN", lambda connection: connection.execute(query).fetchall())
        return tuple((row[0], _key(row[1:])) for row in rows)

    def generation(self) -> int:
        """Return a number that grows whenever a key is made or ended."""
        query = "SELECT COALESCE(MAX(n), 0) FROM api_key_changes"
        found = self._run("BEGIN", lambda connection: connection.execute(query).fetchone())
        return int(found[0])

    def revoke(self, id_or_name: str) -> ApiKey:
        """End a key now, its rotated forms too; raises UnknownNameError. Twice changes nothing."""
        key = self._find(id_or_name)
        query = "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
        now = self._now()
        self._write(lambda connection: connection.execute(query, (now, key.id)))
        return key if key.revoked_at is not None else replace(key, revoked_at=now)

    def rotate(self, id_or_name: str, overlap_s: float) -> tuple[ApiKey, str]:
        """Give a key a new secret; the old one works for `overlap_s` more seconds.

        Its id stays, and so do its budget and limits. Raises UnknownNameError, or UsageError for a
        key that is not usable any more or an overlap that is no time.
        """
        if not 0 <= overlap_s < float("inf"):
            raise UsageError(f"overlap is {overlap_s!r} seconds; expected zero or more")
        old, now = self._find(id_or_name), self._now()
        if not old.usable(now):
            raise UsageError(
                f"key {id_or_name!r} is revoked or expired", next_step="buildwright keys create"
            )
        plaintext = self._new_key()
        key = self._fresh(old, plaintext)
        ends = "UPDATE api_keys SET expires_at = ? WHERE id = ? AND COALESCE(expires_at, ?) >= ?"
        until = now + overlap_s

        def turn(connection: sqlite3.Connection) -> None:
            connection.execute(ends, (until, old.id, until, until))
            _insert(connection, key, key_hash(plaintext))

        self._write(turn)
        return key, plaintext

    def touch(self, used: dict[str, float]) -> None:
        """Note when keys were last used, by id, in one commit."""
        query = (
            "UPDATE api_keys SET last_used_at = ? "
            "WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)"
        )
        values = [(at, key_id, at) for key_id, at in used.items()]
        self._run("BEGIN IMMEDIATE", lambda connection: connection.executemany(query, values))

    def _fresh(self, key: ApiKey, plaintext: str) -> ApiKey:
        return replace(
            key,
            tail=plaintext[-4:],
            created_at=self._now(),
            revoked_at=None,
            last_used_at=None,
        )

    def _check_name(self, connection: sqlite3.Connection, name: str) -> None:
        query = f"SELECT {QUOTED} FROM api_keys WHERE name = ?"  # noqa: S608 - constant columns
        if any(_key(row).usable(self._now()) for row in connection.execute(query, (name,))):
            raise UsageError(
                f"a key named {name!r} is in use",
                next_step=f"buildwright keys revoke {name}, or choose another name",
            )

    def _find(self, id_or_name: str) -> ApiKey:
        keys = self.list()
        found = [key for key in keys if id_or_name in (key.id, key.name)]
        if not found:
            known = [name for key in keys for name in (key.id, key.name)]
            raise UnknownNameError("key", id_or_name, known, next_step="buildwright keys list")
        now, never = self._now(), float("inf")
        return max(found, key=lambda k: (k.usable(now), k.expires_at or never, k.created_at))

    def _write(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        """Change keys, and leave a mark that keys have changed."""

        def marked(connection: sqlite3.Connection) -> None:
            work(connection)
            connection.execute(
                "INSERT INTO api_key_changes (id, n) VALUES (1, 1) "
                "ON CONFLICT (id) DO UPDATE SET n = api_key_changes.n + 1"
            )

        self._run("BEGIN IMMEDIATE", marked)

    def _run(self, begin: str, work: Callable[[sqlite3.Connection], Any]) -> Any:
        try:
            with closing(connecting.connect(self._path)) as connection, connection:
                connection.execute(begin)
                return work(connection)
        except sqlite3.Error as error:
            raise connecting.translated(error) from error


class KeyRing:
    """All keys in memory, by their hash. A key that is not in it costs no look into the database.

    Its memory depends on the number of stored keys only. Call `refresh` from time to time (it looks
    for changes at most once a second); a revoked key is refused within that time.
    """

    def __init__(
        self, path: Path, now: Callable[[], float], tick: Callable[[], float], every_s: float = 1.0
    ) -> None:
        self._store, self._now, self._tick = KeyStore(path, now), now, tick
        self._every_s = every_s
        self._watch = connecting.connect(path)
        self._keys: dict[str, ApiKey] = {}
        self._used: dict[str, float] = {}
        self._version, self._generation, self._looked_at = -1, -1, -1.0
        self.refresh()

    def lookup(self, plaintext: str) -> ApiKey | None:
        """Return the usable key with this text; None for an unknown, revoked or expired one."""
        if self._tick() - self._looked_at >= self._every_s:
            self.refresh()
        key = self._keys.get(key_hash(plaintext))
        if key is None:
            return None
        now = self._now()
        if not key.usable(now):
            return None
        self._used[key.id] = now
        return key

    def empty(self) -> bool:
        """Return True while nobody ever made a key."""
        if self._tick() - self._looked_at >= self._every_s:
            self.refresh()
        return not self._keys

    def refresh(self) -> None:
        """Load the keys again if any was made or ended by anyone."""
        self._looked_at = self._tick()
        version = self._data_version()
        if version == self._version:
            return
        # The ledger commits to the same file all the time; most changes are none of keys.
        generation = self._store.generation()
        if generation != self._generation:
            self._keys = dict(self._store.hashed())
        self._version, self._generation = version, generation

    def flush(self) -> None:
        """Write when keys were last used."""
        used, self._used = self._used, {}
        if used:
            self._store.touch(used)

    def close(self) -> None:
        """Write what is left and close."""
        self.flush()
        self._watch.close()

    def _data_version(self) -> int:
        try:
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise connecting.translated(error) from error


def _insert(connection: sqlite3.Connection, key: ApiKey, digest: str) -> None:
    marks = ", ".join("?" * (len(COLUMNS) + 1))
    query = f"INSERT INTO api_keys (hash, {QUOTED}) VALUES ({marks})"  # noqa: S608 - constant columns
    connection.execute(query, (digest, *_values(key)))


def _key(row: Any) -> ApiKey:
    values = dict(zip(COLUMNS, row, strict=True))
    return ApiKey(**values | {name: tuple(json.loads(values[name])) for name in LISTS})


def _values(key: ApiKey) -> tuple[Any, ...]:
    return tuple(
        json.dumps(getattr(key, name)) if name in LISTS else getattr(key, name) for name in COLUMNS
    )
