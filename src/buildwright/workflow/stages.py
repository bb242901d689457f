"""The stages: each one async function from what is known to what it adds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from buildwright.assess import assess_tree
from buildwright.core.build import BuildState, StageName, Update
from buildwright.core.errors import StoreError
from buildwright.core.tree import RenderedFile, Tree
from buildwright.core.verdict import TestRun
from buildwright.design.answers import complete, default_answers
from buildwright.design.catalog import Template, load_template
from buildwright.design.documents import project_documents
from buildwright.design.planning import Choice, make_plan
from buildwright.design.rendering import provided, render_project
from buildwright.sandbox import TestJob, ensure_environment, expected_tests, run_tests
from buildwright.workflow.choose import choose_template, read_requirement
from buildwright.workflow.deliverable import deliverable
from buildwright.workflow.kit import Kit
from buildwright.workflow.summarise import build_report
from buildwright.workspace import delivery, snapshots

T = TypeVar("T")
Stage = Callable[[BuildState, Kit], Awaitable[Update]]


async def analyze(state: BuildState, kit: Kit) -> Update:
    """Read the requirement into items, entities, relations and open questions."""
    return Update(analysis=await asyncio.to_thread(read_requirement, state.request.text))


async def plan(state: BuildState, kit: Kit) -> Update:
    """Choose the template, decide, and list the files that will come out."""
    analysis = known(state.products.analysis)
    fit = choose_template(analysis, state.request.template, kit.template_folders)
    defaults = default_answers(fit.template, analysis)
    settled = {key: value for key, value in kit.answers.items() if key in defaults}
    answers = complete(fit.template, analysis, {**settled, **state.request.answers})
    files = render_project(fit.template, analysis, answers)
    choice = Choice(
        fit.template.name,
        fit.template.version,
        fit.template.title,
        fit.reason,
        answers,
        provided(fit.template, analysis),
    )
    return Update(plan=make_plan(analysis, choice, files, kit.past_s))


async def generate(state: BuildState, kit: Kit) -> Update:
    """Render the template and keep the tree as a snapshot."""
    decided = known(state.products.plan)
    template = load_template(decided.template, kit.template_folders)
    files = render_project(template, known(state.products.analysis), decided.answers)
    tree = snapshots.save(kit.snapshots, files)
    await lay_out(state, kit, tree)
    return Update(tree=tree)


async def test(state: BuildState, kit: Kit) -> Update:
    """Run the locked tests in the sandbox."""
    tree = known(state.products.tree)
    template = load_template(known(state.products.plan).template, kit.template_folders)
    files = {file.path: file.content for file in snapshots.load(kit.snapshots, tree)}
    environment = await ensure_environment(files[template.lock], root=kit.environments)
    locked = locked_files(tree, template)
    job = TestJob(
        tree=await lay_out(state, kit, tree),
        python=environment.python,
        locked=locked,
        expected=expected_tests({path: files[path] for path in locked if path.endswith(".py")}),
        source_dir=template.source_dir,
        env={},
        limits=kit.limits,
    )
    await kit.note(StageName.TEST, f"{len(job.expected)} tests in {kit.sandbox.name}")
    run: TestRun = await run_tests(kit.sandbox, job)
    return Update(run=run)


async def assess(state: BuildState, kit: Kit) -> Update:
    """Score security, quality and maintainability of the source."""
    template = load_template(known(state.products.plan).template, kit.template_folders)
    folder = await lay_out(state, kit, known(state.products.tree))
    return Update(assessment=await assess_tree(folder, template.source_dir))


async def document(state: BuildState, kit: Kit) -> Update:
    """Write the documents that are computed from the plan and the tree."""
    files = snapshots.load(kit.snapshots, known(state.products.tree))
    pages = project_documents(
        known(state.products.analysis), known(state.products.plan), files, kit.version
    )
    return Update(documents=snapshots.save(kit.snapshots, pages))


async def finalize(state: BuildState, kit: Kit) -> Update:
    """Judge, report, and put the project where the user asked for it, whole."""
    decided, tree = known(state.products.plan), known(state.products.tree)
    template = load_template(decided.template, kit.template_folders)
    files = (
        *snapshots.load(kit.snapshots, tree),
        *snapshots.load(kit.snapshots, known(state.products.documents)),
    )
    locked = locked_files(tree, template)
    tests = {file.path: file.content for file in files if file.path in locked}
    report = build_report(state, tests, files, kit.version, kit.clock.now())
    done = state.after(StageName.FINALIZE, Update(report=report))
    pages = deliverable(done, kit.snapshots, kit.version)
    await asyncio.to_thread(delivery.deliver, pages, Path(state.request.out), state.build_id)
    return Update(report=report)


STAGES: Mapping[StageName, Stage] = {
    StageName.ANALYZE: analyze,
    StageName.PLAN: plan,
    StageName.GENERATE: generate,
    StageName.TEST: test,
    StageName.ASSESS: assess,
    StageName.DOCUMENT: document,
    StageName.FINALIZE: finalize,
}


def known(value: T | None) -> T:
    """Return a product that an earlier stage must have left."""
    if value is None:
        raise StoreError("an earlier stage left no result", next_step="start the build again")
    return value


def locked_files(tree: Tree, template: Template) -> dict[str, str]:
    """Return path -> SHA-256 of every file of the tree that the verdict rests on."""
    return {
        entry.path: entry.sha256
        for entry in tree.files
        if any(fnmatch(entry.path, pattern) for pattern in template.tests)
    }


async def lay_out(state: BuildState, kit: Kit, tree: Tree) -> Path:
    """Return a folder that holds the tree as plain files, written once."""
    folder = kit.work_folder(state, tree)
    if not folder.is_dir():
        files: Sequence[RenderedFile] = snapshots.load(kit.snapshots, tree)
        part = folder.with_suffix(".part")
        delivery.materialise(files, part)
        part.rename(folder)
    return folder
