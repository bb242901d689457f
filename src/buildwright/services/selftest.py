"""The self-test as a use case: both backends, and the threats that are answered outside a box."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from time import monotonic

from buildwright.core.errors import SandboxUnavailableError
from buildwright.core.settings import Settings
from buildwright.sandbox import Sandbox, available_backends, open_sandbox
from buildwright.sandbox.selftest import (
    Answer,
    Outcome,
    Result,
    make_ground,
    proven,
    remember,
    self_test,
)
from buildwright.services import hostile_trees
from buildwright.services.pipeline_threats import TRIES
from buildwright.services.swap_race import swap_race

SELFTEST_RESULTS = "sandbox-selftest.json"
"""File in the home folder that keeps the results of this machine."""

HOST = "host"


def planted_links() -> Answer:
    """T36: links that stand there before, and links that come and go meanwhile."""
    standing = hostile_trees.planted_links()
    if standing.outcome is not Outcome.HELD:
        return standing
    racing = swap_race()
    return replace(racing, reason=f"{standing.reason}; {racing.reason}")


Check = Callable[[], Answer]
CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("T35", "absolute and '..' paths", hostile_trees.leaving_paths),
    ("T36", "planted links are written through", planted_links),
    ("T37", "links, pipes and sockets in the tree", hostile_trees.special_files),
    ("T39", "names with control characters, length, case", hostile_trees.odd_names),
    ("T40", "an archive that leaves its folder", hostile_trees.hostile_archive),
    ("T42", "git hooks and editor tasks", hostile_trees.tool_metadata),
    ("T46", "markup in pages", hostile_trees.hostile_pages),
)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """`backend` is the one a build would use, empty when there is none; `why_not` says why."""

    backend: str
    results: tuple[Result, ...]
    why_not: str = ""

    @property
    def holds(self) -> bool:
        """True when a build may start: a backend, and every required threat held on it."""
        seen = [row for row in self.results if row.backend in (self.backend, HOST)]
        return bool(self.backend) and bool(seen) and not any(row.counts_against for row in seen)


async def run_self_test(settings: Settings) -> SelfTest:
    """Try the whole list on every backend of this machine and keep the results for builds."""
    boxes = await available_backends()
    ground = await make_ground(settings.home / "environments")
    results = (*await self_test(boxes, ground), *await outside(boxes, settings))
    await asyncio.to_thread(settings.home.mkdir, parents=True, exist_ok=True, mode=0o700)
    remember(settings.home / SELFTEST_RESULTS, results)
    backend, why_not = await _backend_of_builds(settings, boxes)
    return SelfTest(backend, results, why_not)


async def sandbox_of_builds(settings: Settings, backend: str, *, unsafe: bool = False) -> Sandbox:
    """The box a build runs in: proven on this machine, or the bare one where it was asked for.

    Raises SandboxUnavailableError with what does not hold and how to go on.
    """
    if unsafe:
        return await open_sandbox("unsafe", allow_unsafe=True)
    return await proven(backend, settings.home / SELFTEST_RESULTS)


def as_rows(test: SelfTest) -> list[dict[str, object]]:
    """Results as plain data, for `--json`."""
    return [{**asdict(row), "outcome": row.outcome.value} for row in test.results]


async def outside(boxes: Sequence[Sandbox], settings: Settings) -> tuple[Result, ...]:
    """Threats that are answered by code outside of any box; the pipeline's need one to be tried."""
    rows = [
        await _tried(threat, title, asyncio.to_thread(check)) for threat, title, check in CHECKS
    ]
    for threat, title, attempt in TRIES:
        answering = attempt(boxes[0], settings) if boxes else _no_box()
        rows.append(await _tried(threat, title, answering))
    return tuple(sorted(rows, key=lambda row: int(row.threat[1:])))


async def _no_box() -> Answer:
    return Answer(Outcome.UNPROVEN, "", "no backend holds here to try it in")


async def _tried(threat: str, title: str, answering: Awaitable[Answer]) -> Result:
    started = monotonic()
    try:
        answer = await answering
    except Exception as error:  # noqa: BLE001 - whatever breaks here, it is no proof
        answer = Answer(Outcome.UNPROVEN, "", f"{type(error).__name__}: {error}"[:200])
    seconds = round(monotonic() - started, 3)
    return Result(threat, title, HOST, answer.outcome, answer.layer, True, seconds, answer.reason)


async def _backend_of_builds(settings: Settings, boxes: Sequence[Sandbox]) -> tuple[str, str]:
    """Name of the backend that builds would use now; the first installed one if none holds."""
    try:
        box = await proven(settings.sandbox.backend, settings.home / SELFTEST_RESULTS)
    except SandboxUnavailableError as error:
        wanted = settings.sandbox.backend
        named = [box.name for box in boxes if wanted in ("auto", box.name)]
        return (named[0] if named else ""), error.message
    return box.name, ""
