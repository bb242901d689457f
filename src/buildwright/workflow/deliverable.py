"""What a build hands over: the tree, its documents and the reports."""

from __future__ import annotations

from pathlib import Path

from buildwright.core.build import BuildState
from buildwright.core.tree import RenderedFile
from buildwright.design.documents import design_pages, report_pages
from buildwright.workspace import snapshots


def deliverable(state: BuildState, folder: Path, version: str) -> tuple[RenderedFile, ...]:
    """Return all files of a build as far as it has come; `folder` holds the snapshots."""
    got = state.products
    files: list[RenderedFile] = []
    for tree in (got.tree, got.documents):
        if tree is not None:
            files += snapshots.load(folder, tree)
    if got.analysis is not None and got.plan is not None:
        files += design_pages(got.analysis, got.plan, version)
    if got.report is not None:
        files += report_pages(got.report)
    return tuple(files)
