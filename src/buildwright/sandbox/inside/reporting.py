"""A pytest plugin that turns what pytest does into events."""

from __future__ import annotations

import importlib
import os
import random
from collections.abc import Generator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

MESSAGE_CHARS = 1500
OUTPUT_CHARS = 4000
integrity = importlib.import_module("integrity")
equality = importlib.import_module("equality")
DECOY = "decoy: this must fail"
WORSE = ("passed", "skipped", "failed", "error")


def run_pytest(settings: dict[str, Any], emit: Any) -> int:
    """pytest's exit code over the files or node ids of `settings`; events go to `emit`."""
    tree = settings["tree"]
    arguments = [
        *("--rootdir", tree, "--confcutdir", tree, "-c", settings["configuration"]),
        *("-p", "no:cacheprovider", "--color=no", "--tb=short"),
        *(word for name in settings["plugins"] for word in ("-p", name)),
        *(f"{tree}/{name}" for name in settings["select"]),
    ]
    return int(pytest.main(arguments, plugins=[Reporter(settings, emit)]))


class Reporter:
    """Collects the phases of each test and reports one outcome for it."""

    def __init__(self, settings: dict[str, Any], emit: Any) -> None:
        self.settings = settings
        self.emit = emit
        self.decoys: set[str] = set()
        self.phases: dict[str, dict[str, Any]] = {}
        self.guard: Any = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Our events replace the terminal, which would show the decoys."""
        config.pluginmanager.unregister(name="terminalreporter")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """From here on foreign code is loaded."""
        equality.install(self.emit, _text_of(session.config.rootpath, self.settings["locked"]))
        self.guard = integrity.Guard(session.config, self.settings["locked"])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected."""
        if report.failed:
            self.emit("collect", id=report.nodeid, message=_end(report.longreprtext, MESSAGE_CHARS))
            _show(report.nodeid, report.longreprtext)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Mix decoys in and note what the tests are."""
        self.guard.seal(items)
        for path, name in self.settings["decoys"].items():
            module = next((_module(item) for item in items if _is_in(item, path)), None)
            if module is not None:
                decoy = pytest.Function.from_parent(module, name=name, callobj=_decoy(name))
                items.insert(random.SystemRandom().randrange(len(items) + 1), decoy)
                self.decoys.add(decoy.nodeid)
        self.emit("collected", ids=[item.nodeid for item in items])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self.phases[nodeid] = {"outcome": "", "message": "", "kind": "", "seconds": 0.0}
        self.emit("start", id=nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """One phase: setup, call or teardown."""
        report = yield
        phase = self.phases[item.nodeid]
        phase["seconds"] += call.duration
        outcome = report.outcome
        if outcome == "failed":
            outcome = "failed" if report.when == "call" else "error"
            if not phase["kind"]:
                phase["kind"] = _kind(call.excinfo)
                phase["message"] = _message(report)
            if item.nodeid not in self.decoys:
                _show(item.nodeid, report.longreprtext, report.sections)
        elif outcome == "skipped" and not phase["message"]:
            phase["message"] = _reason(report)
        if report.when == "call" or outcome != "passed":
            phase["outcome"] = max(phase["outcome"], outcome, key=_badness)
        return report

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        for what in self.guard.changes():
            self.emit("tampered", what=what)
        self.emit("done", id=nodeid, **self.phases.pop(nodeid))

    def pytest_sessionfinish(self) -> None:
        """Whatever was changed after the last test counts too."""
        if self.guard is not None:
            for what in self.guard.changes():
                self.emit("tampered", what=what)


def _text_of(root: Path, locked: list[str]) -> str:
    return "\n".join((root / name).read_text(errors="replace") for name in locked)


def _badness(outcome: str) -> int:
    return WORSE.index(outcome) if outcome in WORSE else -1


def _module(item: pytest.Item) -> pytest.Module | None:
    return item.getparent(pytest.Module)


def _is_in(item: pytest.Item, path: str) -> bool:
    return item.nodeid.partition("::")[0] == path and _module(item) is not None


def _decoy(name: str) -> FunctionType:
    def decoy() -> None:
        raise AssertionError(DECOY)

    code = decoy.__code__.replace(co_name=name, co_qualname=name)
    return FunctionType(code, globals(), name, None, decoy.__closure__)


def _kind(excinfo: Any) -> str:
    if excinfo is None:
        return "exception"
    kinds = (
        (RecursionError, "stack overflow"),
        (MemoryError, "out of memory"),
        ((AssertionError, pytest.fail.Exception), "assertion"),
    )
    return next((kind for types, kind in kinds if isinstance(excinfo.value, types)), "exception")


def _message(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    return str(text)[:MESSAGE_CHARS]


def _reason(report: Any) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])[:MESSAGE_CHARS]
    return str(getattr(report, "wasxfail", ""))[:MESSAGE_CHARS]


def _end(text: str, length: int) -> str:
    """The end of a text from a whole word on: half a key could not be told from a word."""
    end = text[-length:]
    whole = len(end) == len(text) or not any(character.isspace() for character in end)
    return end if whole else end[end.index(next(filter(str.isspace, end))) :].lstrip()


def _show(title: str, text: str, sections: Any = ()) -> None:
    captured = "".join(f"\n--- {name} ---\n{_end(words, 1000)}" for name, words in sections)
    data = f"=== {title} ===\n{_end(text, OUTPUT_CHARS)}{captured}\n".encode(errors="replace")
    os.write(1, data)
