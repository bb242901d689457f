"""What a stage may use; handed to it, never reached for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from buildwright.core.build import BuildState, StageName, StageRecord, Update
from buildwright.core.chat import Gateway
from buildwright.core.clock import Clock
from buildwright.core.redact import Redactor
from buildwright.core.settings import AgentSettings
from buildwright.core.tree import Tree
from buildwright.sandbox import Limits, Sandbox

Record = Callable[[StageRecord, Update, str], Awaitable[None]]
Started = Callable[[StageName, int], Awaitable[None]]
NoteLine = Callable[[StageName, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kit:
    """Tools and places of one build.

    `record` stores a finished stage with its one-line summary, `started` and `note` store events;
    `past_s` are median seconds of each stage of earlier builds; `gateway` is None without a model,
    `tools` tells whether the model can call tools. `redact` goes over all foreign text before it is
    stored, shown or sent.
    """

    home: Path
    version: str
    clock: Clock
    sandbox: Sandbox
    limits: Limits
    template_folders: tuple[Path, ...]
    answers: Mapping[str, str]
    past_s: Mapping[str, float]
    agent: AgentSettings
    gateway: Gateway | None
    tools: bool
    record: Record
    started: Started
    note: NoteLine
    redact: Redactor = field(default_factory=Redactor)

    @property
    def snapshots(self) -> Path:
        """Folder of the content-addressed snapshots."""
        return self.home / "snapshots"

    @property
    def environments(self) -> Path:
        """Folder of the dependency environments of generated projects."""
        return self.home / "environments"

    def work_folder(self, state: BuildState, tree: Tree) -> Path:
        """Folder in which a tree of a build lies as plain files."""
        return self.home / "work" / state.build_id / tree.id[:16]
