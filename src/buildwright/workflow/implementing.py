"""The part of `generate` that needs a model: what to work on, with what, and what came of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from buildwright.core.build import Attempt, BuildState, ModelWork, StageName, Update
from buildwright.core.errors import StoreError
from buildwright.core.tree import RenderedFile
from buildwright.core.verdict import TestRun
from buildwright.design.catalog import Template
from buildwright.sandbox import run_tests
from buildwright.workflow.agent import TEMPERATURE_STEP, Agent, Bounds
from buildwright.workflow.context import files_to_show, repair_prompt, task_prompt
from buildwright.workflow.jobs import job_of
from buildwright.workflow.kit import Kit
from buildwright.workflow.redacting import redacted_run
from buildwright.workflow.repair import Approach, approach, carried_on, uncut
from buildwright.workflow.tools import (
    CodeAnalysisTool,
    DocumentationTool,
    FileOperationTool,
    TestExecutionTool,
    Tool,
)
from buildwright.workflow.workbench import MODEL_TESTS, Workbench
from buildwright.workspace import delivery, edits, snapshots


def needs_model(state: BuildState, kit: Kit) -> bool:
    """Tell whether rules alone leave something to do and a model is there to do it."""
    plan = state.products.plan
    return kit.gateway is not None and plan is not None and bool(plan.uncovered or state.attempts)


async def implement(
    state: BuildState, kit: Kit, template: Template, rendered: Sequence[RenderedFile]
) -> tuple[tuple[RenderedFile, ...], ModelWork]:
    """Let the model work on the best tree so far, or afresh on the rendered one."""
    if kit.gateway is None or state.products.analysis is None or state.products.plan is None:
        raise StoreError("nothing to implement from", next_step="start the build again")
    attempts = uncut(state.attempts)
    how, best = approach(attempts), replace(state, attempts=attempts).best
    afresh = best is None or how is Approach.AFRESH
    files = rendered if best is None or afresh else snapshots.load(kit.snapshots, best.tree)
    bench = Workbench(files, policy_for(template, state.request.scope))
    shown = files_to_show(state, bench.files, how)
    for path in shown:
        bench.show(path)
    task = task_prompt(state.products.analysis, state.products.plan, bench.files, shown)
    if best is not None:
        task = f"{task}\n{repair_prompt(best, how)}"
    agent = Agent(state.request.model, kit.gateway, bench, tools_for(kit, template, bench))
    number = len(attempts) + 1
    bounds = Bounds(
        kit.agent.max_steps,
        temperature=TEMPERATURE_STEP * int(how),
        fresh=bool(attempts),
    )
    work = await agent.work(task, f"generate.{number}", bounds)
    if agent.refused:
        await kit.note(StageName.GENERATE, agent.refused)
    return bench.rendered(f"model {state.request.model}"), _without(
        work, carried_on(state.attempts)
    )


def _without(work: ModelWork, cut_off: Sequence[Attempt]) -> ModelWork:
    """Return the work less what attempts did that it carried on: it began with their answers."""
    done = [attempt.work for attempt in cut_off if attempt.work is not None]
    calls = work.calls - sum(one.calls for one in done)
    cost_usd = round(work.cost_usd - sum(one.cost_usd for one in done), 8)
    return replace(work, calls=max(0, calls), cost_usd=max(0.0, cost_usd))


def policy_for(template: Template, scope: Sequence[str] = ()) -> edits.Policy:
    """Return what a model may change: what is in scope, but no locked test and its settings."""
    return edits.Policy(allowed=tuple(scope) or ("**",), protected=template.tests)


def tools_for(kit: Kit, template: Template, bench: Workbench) -> dict[str, Tool]:
    """Return the tools of an attempt by name; none for a model that cannot call any."""
    if not kit.tools:
        return {}

    async def run(files: tuple[RenderedFile, ...]) -> TestRun:
        return await run_locked(kit, template, files)

    tools: tuple[Tool, ...] = (
        FileOperationTool(bench),
        TestExecutionTool(bench, run),
        CodeAnalysisTool(bench, template.source_dir),
        DocumentationTool(bench),
    )
    return {tool.spec.name: tool for tool in tools}


async def run_locked(
    kit: Kit, template: Template, files: Sequence[RenderedFile], folder: Path | None = None
) -> TestRun:
    """Run the locked tests of some files in the sandbox; `folder` holds them already, if given."""
    with tempfile.TemporaryDirectory(prefix="buildwright-tree-") as place:
        if folder is None:
            folder = Path(place, "tree")
            await asyncio.to_thread(delivery.materialise, files, folder)
        job = await job_of(kit, template, files, folder)
        return redacted_run(await run_tests(kit.sandbox, job), kit.redact)


async def hollow_tests(
    kit: Kit, template: Template, rendered: Sequence[RenderedFile], files: Sequence[RenderedFile]
) -> tuple[str, ...]:
    """Return ids of a model's own tests that pass without its work: they prove nothing."""
    mine = [f for f in files if fnmatch(f.path, MODEL_TESTS) and f.source.startswith("model")]
    if not mine:
        return ()
    kept = [file for file in rendered if not fnmatch(file.path, "tests/*")]
    support = [file for file in rendered if file.path.endswith(("conftest.py", "factories.py"))]
    run = await run_locked(kit, template, (*kept, *support, *mine))
    return tuple(sorted(run.passed_ids))


def acceptance(state: BuildState, kit: Kit) -> tuple[RenderedFile, ...]:
    """Return the tests that the user brought."""
    return snapshots.load(kit.snapshots, state.request.tests) if state.request.tests else ()


def update_of(tree_files: Sequence[RenderedFile], kit: Kit, work: ModelWork | None) -> Update:
    """Keep the files as a snapshot and return the update of `generate`."""
    return Update(tree=snapshots.save(kit.snapshots, tree_files), work=work)
