"""Wiring: `open_app(settings)` and nothing else."""

from buildwright.app.application import App, open_app

__all__ = ["App", "open_app"]
