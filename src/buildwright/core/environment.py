"""The environment of this process; read here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping

PREFIX = "BUILDWRIGHT_"


def variables() -> Mapping[str, str]:
    """Return the environment."""
    return os.environ


def secret(variable: str) -> str:
    """Return the value of an environment variable that holds a key, or an empty text."""
    return os.environ.get(variable, "") if variable else ""


def silence_tracing() -> None:
    """Keep LangGraph's tracing client from calling anybody, unless the user wants it."""
    os.environ.setdefault("LANGSMITH_TRACING", "false")
