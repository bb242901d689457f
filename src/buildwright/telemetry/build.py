"""Which Buildwright this is: version, commit and the SQLite beneath."""

from __future__ import annotations

from functools import cache

from buildwright.telemetry.numbers import Gauge

UNKNOWN = "unknown"


def build_info(version: str) -> Gauge:
    """Return `buildwright_build_info`; read when it is asked for, because it loads metadata."""
    import sqlite3

    info = Gauge("buildwright_build_info", "This version.", ("version", "commit", "sqlite_version"))
    info.set((version, installed_commit(), sqlite3.sqlite_version), 1.0)
    return info


@cache
def installed_commit() -> str:
    """Return the commit this was installed from (PEP 610), "unknown" for a release."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        origin = distribution("buildwright").read_text("direct_url.json")
    except PackageNotFoundError:
        return UNKNOWN
    return commit_in(origin or "{}")


def commit_in(origin: str) -> str:
    """Return the commit in the text of a `direct_url.json`, "unknown" when it names none."""
    import json

    found = json.loads(origin).get("vcs_info", {}).get("commit_id")
    return found if isinstance(found, str) and found.isalnum() else UNKNOWN
