"""T28 and T57: what the pipeline of builds answers, tried on small projects in a real box."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from buildwright.core import codec
from buildwright.core.build import StageName, StageRecord, Update
from buildwright.core.chat import ChatReply, ChatRequest, Message
from buildwright.core.clock import Clock
from buildwright.core.errors import ModelError
from buildwright.core.redact import RedactingFilter, Redactor
from buildwright.core.requirements import Analysis, Item, Priority, Span
from buildwright.core.settings import Settings
from buildwright.core.tree import RenderedFile
from buildwright.core.verdict import CaseOutcome
from buildwright.design.catalog import Template
from buildwright.design.documents import report_pages
from buildwright.design.planning import Choice, make_plan
from buildwright.sandbox import Limits, Sandbox
from buildwright.sandbox.selftest import Answer, Outcome
from buildwright.sandbox.selftest.proving import LOCK
from buildwright.services.hostile_trees import filled
from buildwright.workflow.implementing import hollow_tests, run_locked
from buildwright.workflow.kit import Kit
from buildwright.workflow.redacting import RedactedGateway
from buildwright.workflow.trace import evidence_of, trace_items

CANARY = "canary-in-the-environment-4jX8qW"
SHAPED = "sk-proj-C4naryOfAKnownShape0123456789"
SAID = f"{CANARY} {SHAPED}"
TRACES = (CANARY, SHAPED[8:])
LIMITS = Limits(wall_s=20.0, cpu_s=15, memory_bytes=512 << 20)
EMPTY = Analysis("x", "en", "x", "X", "none", "", (), (), (), (), (), 1)
LEAKS = f"""
import sys
def test_it():
    print({CANARY!r}, {SHAPED!r})
    print({CANARY!r}, {SHAPED!r}, file=sys.stderr)
    raise ValueError({CANARY!r} + " " + {SHAPED!r})
"""
HOLLOW_TEST = """
import pytest

@pytest.mark.covers("FR-1")
def test_hollow():
    assert True
"""
REAL_TEST = """
@pytest.mark.covers("FR-1")
def test_real():
    from solution import add
    assert add(2, 3) == 5
"""
HOLLOW = "tests/test_item_1.py::test_hollow"
Try = Callable[[Sandbox, Settings], Awaitable[Answer]]


async def printed_secrets(box: Sandbox, settings: Settings) -> Answer:
    """T28: a canary and a key-shaped word, printed by a test, go to a report, a model and a log."""
    redact = Redactor((CANARY,))
    kit = replace(_kit(box, settings), redact=redact)
    run = await run_locked(kit, _template(), [*_project(), _file("tests/test_leak.py", LEAKS)])
    if not any(case.outcome is CaseOutcome.FAILED for case in run.cases):
        return Answer(Outcome.UNPROVEN, "", f"the leaking test did not run: {run.reason}")
    report = redact.data(filled(SAID))
    told = {
        "database": codec.dump(run),
        "pages": "".join(page.content.decode() for page in report_pages(report)),
        "prompts": await _prompted(redact),
        "logs": _logged(redact),
    }
    leaks = [name for name, text in told.items() if any(trace in text for trace in TRACES)]
    if leaks:
        return Answer(Outcome.NOT_HELD, "", f"a secret came through to: {', '.join(leaks)}")
    return Answer(Outcome.HELD, "redaction", f"not in {', '.join(told)}; no others are built yet")


async def hollow_tests_do_not_count(box: Sandbox, settings: Settings) -> Answer:
    """T57: a test that passes without the work it is for is found, and proves no item."""
    kit, own = _kit(box, settings), _file("tests/test_item_1.py", HOLLOW_TEST + REAL_TEST, "model")
    work = _file("src/solution.py", "def add(a, b):\n    return a + b\n", "model")
    files = [*_project(), work, own]
    run = await run_locked(kit, _template(), files)
    hollow = await hollow_tests(kit, _template(), _project(), files)
    if len(run.passed_ids) != 2:
        return Answer(Outcome.UNPROVEN, "", f"the tests did not run: {run.reason}")
    if hollow != (HOLLOW,):
        return Answer(Outcome.NOT_HELD, "", f"found hollow: {', '.join(hollow) or 'none'}")
    plan = make_plan(EMPTY, Choice("t", "1", "T", "", {}, {}), (), {})
    item = Item("FR-1", "x", Priority.MUST, "", Span(0, 1))
    alone = {own.path: HOLLOW_TEST.encode()}
    if trace_items([item], evidence_of(plan, run, alone, hollow=hollow))[0].status == "covered":
        return Answer(Outcome.NOT_HELD, "", "a hollow test covered an item")
    return Answer(Outcome.HELD, "a run without the work", "1 of 2 tests is hollow and not counted")


TRIES: tuple[tuple[str, str, Try], ...] = (
    ("T28", "a secret printed by a test", printed_secrets),
    ("T57", "generated tests that assert nothing", hollow_tests_do_not_count),
)


class _Echo:
    """A model that keeps what it was sent and fails with all of it."""

    def __init__(self) -> None:
        self.seen = ""

    async def complete(self, request: ChatRequest) -> ChatReply:
        self.seen = codec.dump(request)
        raise ModelError(f"refused: {SAID}")


async def _prompted(redact: Redactor) -> str:
    echo = _Echo()
    try:
        asked = ChatRequest("m", (Message("user", SAID),))
        await RedactedGateway(echo, redact).complete(asked)
    except ModelError as error:
        return f"{echo.seen} {error}"
    return echo.seen


def _logged(redact: Redactor) -> str:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s and %s", (CANARY, SHAPED), None)
    RedactingFilter(redact).filter(record)
    return record.getMessage()


def _kit(box: Sandbox, settings: Settings) -> Kit:
    async def kept(_done: StageRecord, _update: Update, _line: str) -> None:
        return None

    async def started(_stage: StageName, _attempt: int) -> None:
        return None

    async def noted(_stage: StageName, _line: str) -> None:
        return None

    return Kit(
        home=settings.home,
        version="",
        clock=Clock(),
        sandbox=box,
        limits=LIMITS,
        template_folders=(),
        answers={},
        past_s={},
        agent=settings.agent,
        gateway=None,
        tools=False,
        record=kept,
        started=started,
        note=noted,
    )


def _template() -> Template:
    return Template(
        name="self-test",
        version="1",
        kind="none",
        title="",
        description="",
        root=Path(tempfile.gettempdir()),
        lock="requirements-dev.txt",
        source_dir="",
        tests=("tests/*",),
        run=(),
        test=(),
        questions=(),
        provides=(),
    )


def _project() -> list[RenderedFile]:
    return [_file("requirements-dev.txt", LOCK.read_text())]


def _file(path: str, text: str, source: str = "user") -> RenderedFile:
    return RenderedFile(path, text.encode(), source)
