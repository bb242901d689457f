"""The stages: each one async function from what is known to what it adds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from buildwright.assess import assess_tree
from buildwright.core.build import Attempt, BuildState, StageName, Update
from buildwright.core.errors import StoreError
from buildwright.core.plan import Plan
from buildwright.core.requirements import Analysis
from buildwright.core.tree import RenderedFile, Tree
from buildwright.design.answers import complete, default_answers
from buildwright.design.catalog import Template, load_template
from buildwright.design.documents import project_documents
from buildwright.design.planning import Choice, make_plan
from buildwright.design.rendering import provided, render_project
from buildwright.workflow.choose import BARE, choose_template, read_requirement
from buildwright.workflow.deliverable import hand_over
from buildwright.workflow.existing import NAME as EXISTING
from buildwright.workflow.existing import existing_template
from buildwright.workflow.implementing import (
    acceptance,
    hollow_tests,
    implement,
    needs_model,
    run_locked,
    update_of,
)
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
    request, extra = state.request, kit.template_folders
    if request.into is not None:
        return Update(plan=_plan_for_existing(analysis, state, kit))
    bare = request.tests is not None
    fit = choose_template(analysis, request.template, extra, bare=bare)
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
    """Render the template; where a model is configured it implements and repairs the rest."""
    template = template_of(state, kit)
    rendered = (*_rendered(state, kit, template), *acceptance(state, kit))
    if not needs_model(state, kit):
        return update_of(rendered, kit, None)
    files, work = await implement(state, kit, template, rendered)
    await kit.note(StageName.GENERATE, f"model: {work.calls} calls, {work.ended}")
    return update_of(files, kit, work)


async def test(state: BuildState, kit: Kit) -> Update:
    """Run the locked tests in the sandbox, and a model's own tests on the tree without its work."""
    tree, template = known(state.products.tree), template_of(state, kit)
    before = seen_before(state)
    if before is not None:
        return Update(run=before.run)
    files = await asyncio.to_thread(snapshots.load, kit.snapshots, tree)
    await kit.note(StageName.TEST, f"in {kit.sandbox.name}")
    run = await run_locked(kit, template, files, await lay_out(state, kit, tree))
    rendered = await asyncio.to_thread(_rendered, state, kit, template)
    return Update(run=run, hollow=await hollow_tests(kit, template, rendered, files))


async def assess(state: BuildState, kit: Kit) -> Update:
    """Score security, quality and maintainability of the source."""
    before = seen_before(state)
    if before is not None:
        return Update(assessment=before.assessment)
    template = template_of(state, kit)
    folder = await lay_out(state, kit, known(state.products.tree))
    found = await assess_tree(folder, template.source_dir)
    return Update(assessment=kit.redact.data(found))


async def document(state: BuildState, kit: Kit) -> Update:
    """Write the documents that are computed from the plan and the tree."""
    if state.request.into is not None:
        return Update(documents=snapshots.save(kit.snapshots, ()))
    return Update(documents=await asyncio.to_thread(_documents, state, kit))


async def finalize(state: BuildState, kit: Kit) -> Update:
    """Judge the best attempt, report, and put the project where the user asked for it, whole."""
    state = with_best(state)
    template = template_of(state, kit)
    tree = known(state.products.tree)
    files = (
        *snapshots.load(kit.snapshots, tree),
        *snapshots.load(kit.snapshots, known(state.products.documents)),
    )
    tests = {f.path: f.content for f in files if is_locked(f.path, template)}
    report = kit.redact.data(build_report(state, tests, files, kit.version, kit.clock.now()))
    done = replace(state, products=replace(state.products, report=report))
    await asyncio.to_thread(hand_over, done, kit.snapshots, kit.version)
    return replace(best_products(state), report=report)


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


def template_of(state: BuildState, kit: Kit) -> Template:
    """Return the template that the plan chose."""
    if state.request.into is not None:
        files = {f.path: f.content for f in snapshots.load(kit.snapshots, state.request.into)}
        return existing_template(files, BARE, kit.template_folders)
    return load_template(known(state.products.plan).template, kit.template_folders)


def seen_before(state: BuildState) -> Attempt | None:
    """Return the attempt that had this very tree: what was found of it is not found again."""
    tree = known(state.products.tree)
    return next((old for old in state.attempts if old.tree.id == tree.id), None)


def is_locked(path: str, template: Template) -> bool:
    """Tell whether the verdict rests on a file."""
    return any(fnmatch(path, pattern) for pattern in template.tests)


def with_best(state: BuildState) -> BuildState:
    """Return the state with the best attempt in place of the last."""
    return replace(state, products=best_products(state).over(state.products))


def best_products(state: BuildState) -> Update:
    """Return the tree, run, assessment and documents of the best attempt, if it is not the last."""
    best = state.best
    if best is None or best is state.attempts[-1]:
        return Update()
    return Update(
        tree=best.tree, run=best.run, assessment=best.assessment, documents=best.documents
    )


def _documents(state: BuildState, kit: Kit) -> Tree:
    files = snapshots.load(kit.snapshots, known(state.products.tree))
    analysis, decided = known(state.products.analysis), known(state.products.plan)
    pages = project_documents(analysis, decided, files, kit.version)
    return snapshots.save(kit.snapshots, pages)


def _plan_for_existing(analysis: Analysis, state: BuildState, kit: Kit) -> Plan:
    files = snapshots.load(kit.snapshots, known(state.request.into))
    choice = Choice(EXISTING, "1", "Existing project", "chosen by the user (--into)", {}, {})
    return make_plan(analysis, choice, files, kit.past_s)


def _rendered(state: BuildState, kit: Kit, template: Template) -> tuple[RenderedFile, ...]:
    if state.request.into is not None:
        return snapshots.load(kit.snapshots, state.request.into)
    plan = known(state.products.plan)
    return render_project(template, known(state.products.analysis), plan.answers)


async def lay_out(state: BuildState, kit: Kit, tree: Tree) -> Path:
    """Return a folder that holds the tree as plain files, written once."""
    folder = kit.work_folder(state, tree)
    if not folder.is_dir():
        files: Sequence[RenderedFile] = snapshots.load(kit.snapshots, tree)
        part = folder.with_suffix(".part")
        delivery.materialise(files, part)
        part.rename(folder)
    return folder
