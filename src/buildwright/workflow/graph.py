"""The order of the stages, run by LangGraph; the only file that imports it.

LangGraph keeps nothing: its one channel holds the updates that the store holds too. To resume,
the graph starts with the stored updates and every stage that has one is passed through.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, TypedDict

from buildwright.core.build import OF_AN_ATTEMPT, BuildState, StageName, StageRecord, Update
from buildwright.workflow.kit import Kit
from buildwright.workflow.repair import wants_repair
from buildwright.workflow.stages import STAGES
from buildwright.workflow.summarise import one_line

Finished = tuple[StageRecord, Update]
MOST_STEPS = 500
"""Bound of LangGraph's own loop; the attempts of the settings end a build long before."""
PARALLEL = (StageName.TEST, StageName.ASSESS, StageName.DOCUMENT)


class Flow(TypedDict):
    """What flows through the graph: the state at entry, the kit, and what was added since."""

    entry: BuildState
    kit: Kit
    added: Annotated[tuple[Finished, ...], operator.add]


async def run_build(state: BuildState, kit: Kit) -> BuildState:
    """Run the stages that are not done yet and return the state after the last one."""
    entry = {"entry": state, "kit": kit, "added": ()}
    flow: dict[str, Any] = await _graph().ainvoke(entry, {"recursion_limit": MOST_STEPS})
    return _after(state, flow["added"])


@cache
def _graph() -> Any:
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(Flow)
    for stage in StageName:
        graph.add_node(stage.value, _node(stage))
    graph.add_edge(START, StageName.ANALYZE.value)
    graph.add_edge(StageName.ANALYZE.value, StageName.PLAN.value)
    graph.add_edge(StageName.PLAN.value, StageName.GENERATE.value)
    for stage in PARALLEL:
        graph.add_edge(StageName.GENERATE.value, stage.value)
    graph.add_node("judge", _node(None))
    graph.add_edge([stage.value for stage in PARALLEL], "judge")
    graph.add_conditional_edges(
        "judge", _next, [StageName.GENERATE.value, StageName.FINALIZE.value]
    )
    graph.add_edge(StageName.FINALIZE.value, END)
    return graph.compile()


def _node(stage: StageName | None) -> Any:
    async def run(flow: Flow) -> dict[str, tuple[Finished, ...]]:
        state, kit = _after(flow["entry"], flow["added"]), flow["kit"]
        if stage is None or not is_due(stage, state, kit):
            return {"added": ()}
        return {"added": (await _run_stage(stage, state, kit),)}

    return run


def _next(flow: Flow) -> str:
    state = _after(flow["entry"], flow["added"])
    return (StageName.GENERATE if wants_repair(state, flow["kit"]) else StageName.FINALIZE).value


def is_due(stage: StageName, state: BuildState, kit: Kit) -> bool:
    """Tell whether a stage has still to run; a finished `generate` runs again to repair."""
    if stage is StageName.GENERATE and stage in state.done:
        return state.done >= OF_AN_ATTEMPT and wants_repair(state, kit)
    return stage not in state.done


async def _run_stage(stage: StageName, state: BuildState, kit: Kit) -> Finished:
    attempt = state.attempt + (stage is StageName.GENERATE and stage in state.done)
    await kit.started(stage, attempt)
    started_at, tick = kit.clock.now(), kit.clock.tick()
    update = await STAGES[stage](state, kit)
    finished_at = started_at + kit.clock.tick() - tick
    record = StageRecord(stage, attempt, started_at, finished_at)
    await kit.record(record, update, one_line(stage, update))
    return record, update


def _after(state: BuildState, added: Sequence[Finished]) -> BuildState:
    for record, update in added:
        state = state.after(record, update)
    return state
