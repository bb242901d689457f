"""API keys: shown once, found in memory, revoked within a second, rotated with overlap."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.store.ledger_samples import NOON

from buildwright.core.errors import StoreError, UnknownNameError, UsageError
from buildwright.core.keys import ApiKey, make_key, well_formed
from buildwright.store.keys import KeyRing, KeyStore

ALLOWED = ApiKey("", "", "", "acme", "ann", ("openai/*",), ("gateway", "admin"), 60, 9000)


@dataclass
class Time:
    """Two clocks that tests set."""

    now: float = NOON
    tick: float = 0.0


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "keys.db"))


@pytest.fixture
def store(path: Path, time: Time) -> KeyStore:
    return KeyStore(path, lambda: time.now)


@pytest.fixture
def ring(path: Path, time: Time) -> Iterator[KeyRing]:
    ring = KeyRing(path, lambda: time.now, lambda: time.tick)
    yield ring
    ring.close()


def test_a_key_is_shown_once_and_only_its_hash_is_stored(store: KeyStore, path: Path) -> None:
    key, plaintext = store.create("ci", ALLOWED)
    assert well_formed(plaintext)
    assert key == replace(ALLOWED, id=key.id, name="ci", tail=plaintext[-4:], created_at=NOON)
    assert store.list() == (key,)
    stored = (
        path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()
        if path.with_name(path.name + "-wal").exists()
        else path.read_bytes()
    )
    assert plaintext.encode() not in stored
    assert plaintext[3:-6].encode() not in stored


def test_a_key_is_found_by_its_text_only(store: KeyStore, ring: KeyRing, time: Time) -> None:
    key, plaintext = store.create("ci")
    time.tick = 1.0
    assert ring.lookup(plaintext) == key
    assert ring.lookup(plaintext[:-1]) is None
    assert ring.lookup(make_key()) is None
    assert ring.lookup("") is None
    assert ring.lookup("\ud800") is None


def test_a_revoked_key_is_refused_at_the_next_look(
    store: KeyStore, ring: KeyRing, time: Time
) -> None:
    _, plaintext = store.create("ci")
    ring.refresh()
    assert ring.lookup(plaintext)
    revoked = store.revoke("ci")
    assert revoked.revoked_at == NOON
    time.tick = 1.0
    assert ring.lookup(plaintext) is None
    time.now += 5
    assert store.revoke(revoked.id).revoked_at == NOON


def test_a_rotated_key_keeps_its_id_and_the_old_text_works_for_the_overlap(
    store: KeyStore, ring: KeyRing, time: Time
) -> None:
    key, old = store.create("ci", ALLOWED)
    rotated, new = store.rotate("ci", 60)
    ring.refresh()
    assert rotated.id == key.id
    assert rotated.budget_scopes == ("org:acme", "user:ann", f"key:{key.id}")
    assert ring.lookup(old)
    assert ring.lookup(new)
    time.now += 60
    assert ring.lookup(old) is None
    assert ring.lookup(new)
    _, newest = store.rotate(key.id, 0)
    ring.refresh()
    assert [ring.lookup(text) is not None for text in (old, new, newest)] == [False, False, True]
    store.revoke("ci")
    ring.refresh()
    assert ring.lookup(newest) is None
    with pytest.raises(UsageError, match="revoked or expired"):
        store.rotate("ci", 60)


def test_an_expired_key_is_refused_without_a_look(
    store: KeyStore, ring: KeyRing, time: Time
) -> None:
    _, plaintext = store.create("ci", replace(ALLOWED, expires_at=NOON + 10))
    ring.refresh()
    assert ring.lookup(plaintext)
    time.now += 10
    assert ring.lookup(plaintext) is None


def test_last_use_is_written_in_batches_and_never_goes_back(
    store: KeyStore, ring: KeyRing, time: Time
) -> None:
    key, plaintext = store.create("ci")
    ring.refresh()
    ring.lookup(plaintext)
    assert store.list()[0].last_used_at is None
    ring.flush()
    assert store.list()[0].last_used_at == NOON
    store.touch({key.id: NOON - 5, "nobody": NOON})
    assert store.list()[0].last_used_at == NOON


def test_wrong_keys_leave_nothing_in_memory(store: KeyStore, ring: KeyRing) -> None:
    store.create("ci")
    ring.refresh()
    before = (len(ring._keys), len(ring._used))
    for _ in range(1000):
        ring.lookup(make_key())
    assert (len(ring._keys), len(ring._used)) == before


def test_commits_that_are_none_of_keys_do_not_load_them_again(
    store: KeyStore, ring: KeyRing, path: Path, time: Time
) -> None:
    store.create("ci")
    ring.refresh()
    loaded = ring._keys
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO budgets VALUES ('org:x', 'total', 5)")
    time.tick = 5.0
    ring.lookup("x")
    assert ring._keys is loaded


def test_a_name_in_use_an_empty_name_and_an_unknown_one_are_refused(store: KeyStore) -> None:
    key, _ = store.create("ci")
    with pytest.raises(UsageError, match="'ci' is in use"):
        store.create("ci")
    store.rotate("ci", 60)
    with pytest.raises(UsageError, match="'ci' is in use"):
        store.create("ci")
    for name in ("", "a\nb"):
        with pytest.raises(UsageError, match="not usable"):
            store.create(name)
    with pytest.raises(UnknownNameError, match="did you mean 'ci'"):
        store.revoke("cj")
    with pytest.raises(UsageError, match="expected zero or more"):
        store.rotate("ci", float("nan"))
    store.revoke(key.id)
    assert store.create("ci")[0].id != key.id


def test_a_file_without_keys_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such table"):
        KeyStore(tmp_path / "empty.db", lambda: NOON).list()
