"""Measuring code: security, quality and maintainability, each by a real analyser."""

from __future__ import annotations

import asyncio
from pathlib import Path

from buildwright.assess.maintainability import assess_maintainability
from buildwright.assess.quality import assess_quality
from buildwright.assess.security import assess_security
from buildwright.core.assessment import Assessment

__all__ = ["assess_maintainability", "assess_quality", "assess_security", "assess_tree"]


async def assess_tree(tree: Path, source_dir: str = "src") -> Assessment:
    """Return the three scores of a project's source; `tree` is absolute.

    Raises MachineError when a tool fails.
    """
    scores = await asyncio.gather(
        assess_security(tree, source_dir),
        assess_quality(tree, source_dir),
        assess_maintainability(tree, source_dir),
    )
    return Assessment(tuple(scores))
