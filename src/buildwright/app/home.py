"""The folder where everything is kept."""

from __future__ import annotations

from pathlib import Path

from buildwright.core.errors import DiskError


def make_home(home: Path) -> Path:
    """Make the home folder if need be and return the database's path; raises DiskError."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DiskError(
            f"home folder {str(home)!r} cannot be made: {error.strerror or error}",
            next_step="set BUILDWRIGHT_HOME to a folder you may write",
        ) from error
    return home / "buildwright.db"
