"""What a build hands over: the tree, its documents and the reports."""

from __future__ import annotations

from pathlib import Path

from buildwright.core.build import BuildState
from buildwright.core.tree import RenderedFile
from buildwright.design.documents import design_pages, report_pages
from buildwright.workflow.existing import difference, land
from buildwright.workspace import delivery, snapshots


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


def hand_over(state: BuildState, folder: Path, version: str) -> None:
    """Put what was built where the user asked for it, whole or not at all.

    A project of the user's is changed only when the tests passed; its pages always say what was
    done, and `changes.diff` holds the difference.
    """
    out, request, got = Path(state.request.out), state.request, state.products
    files = deliverable(state, folder, version)
    if request.into is None or got.tree is None or got.report is None:
        delivery.deliver(files, out, state.build_id)
        return
    brought = {entry.path for entry in request.tests.files} if request.tests else set()
    before = snapshots.load(folder, request.into)
    after = [file for file in snapshots.load(folder, got.tree) if file.path not in brought]
    text = difference(before, after).encode()
    diff = RenderedFile(".buildwright/changes.diff", text, "buildwright")
    pages = [file for file in files if file.path.startswith(".buildwright/")]
    delivery.write_pages((*pages, diff), out)
    if got.report.outcome in ("passed", "partial"):
        land(before, after, out, folder.parent / "journals" / f"{state.build_id}.json")
