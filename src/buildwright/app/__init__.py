"""Wiring: `open_app(settings)`, and the gateway alone. What is not asked for is not loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from buildwright.app.application import App, open_app

__all__ = ["App", "open_app"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from buildwright.app import application

        return getattr(application, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
