"""The child of the harness for `node --test`: one Node process for each locked test file.

No foreign code is loaded here. Each Node process gets a key of its own and the descriptors 3
(events out) and 4 (configuration in); its events are verified here and passed on, signed with the
key of the run. A process that ends without its last event leaves its tests unreported.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import importlib
import importlib.util
import json
import os
import secrets
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

REPORTER = Path(__file__).with_name("nodeside.mjs")
START = Path(__file__).with_name("nodestart.mjs")
READ_BYTES = 1 << 16
UNSIGNED = "the report holds events that the runner did not sign"
EVENT_BYTES = 4 << 20


def beside(name: str) -> Any:
    """A module that lies beside this one; nothing of it is found by name."""
    spec = importlib.util.spec_from_file_location(
        f"_{name}", Path(__file__).with_name(f"{name}.py")
    )
    if spec is None or spec.loader is None:
        os._exit(70)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(settings: dict[str, Any], descriptor: int) -> None:
    """Run the files of `settings`, one after the other, and leave."""
    # the keys are here, and what is started is a child of the same user
    beside("confine").close_memory()
    emit = beside("runner").make_emit(descriptor, bytes.fromhex(settings.pop("key")))
    emit("begin")
    emit("collected", ids=[])
    for path in dict.fromkeys(name.partition("::")[0] for name in settings["select"]):
        run_file(settings, path, emit)
    emit("end", code=0, coverage=None)
    os._exit(0)


def run_file(settings: dict[str, Any], path: str, emit: Any) -> None:
    """One Node process; what it says is verified and passed on under `path::` as it comes."""
    file = Path(settings["tree"], path).as_uri()
    told = {"decoy": settings["decoys"][path], "file": file}
    words = ["--test-reporter", REPORTER.as_uri(), "--test-reporter-destination", "stdout"]
    follow(settings, [*words, str(START)], told, Passing(path, tuple(settings["expected"]), emit))


KEY_BYTES = 32
PERMITTED = (
    "--experimental-permission",
    "--allow-fs-read=*",
    "--allow-fs-write=*",
    "--allow-child-process",
    "--disable-warning=ExperimentalWarning",
    "--disable-warning=SecurityWarning",
)
"""Node without its inspector, threads and native code: each of them reads what is kept from it."""


def follow(
    settings: dict[str, Any], words: list[str], told: dict[str, Any], passing: Passing
) -> None:
    """Start Node with `words`, tell it its configuration, and pass on what it says to its end."""
    key = secrets.token_bytes(KEY_BYTES)
    pid, events = start_node(settings, words, key + json.dumps(told).encode())
    for event in verified(lines_of(events), key):
        passing.take(event)
    os.close(events)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not passing.began:
        passing.emit("broken", why=f"Node ended with exit code {status} before any test was loaded")
    elif not passing.ended:
        passing.tell_end(status)


class Passing:
    """Events of one Node process on their way to the harness."""

    def __init__(self, path: str, expected: tuple[str, ...], emit: Any) -> None:
        self.path = path
        self.expected = expected
        self.emit = emit
        self.done: Counter[str] = Counter()
        self.open: list[str] = []
        self.began = self.ended = False

    def take(self, event: dict[str, Any]) -> None:
        """One event; suites are not tests, and a second test of one name gets a number."""
        kind = event["e"]
        if kind == "begin":
            self.began = True
        elif kind == "tampered":
            self.emit("tampered", what=str(event["what"]))
        elif kind == "end":
            self.ended = True
        elif kind == "start":
            self.begin(named("", event))
        elif kind == "collect":
            self.emit("collect", id=self.path, message=str(event["message"]))
        elif kind == "done" and not event["suite"]:
            self.finish(named(self.path, event), event)

    def begin(self, name: str) -> None:
        """Tell of an expected test that began; only its own name is known, not its suites."""
        ends = (name, f" > {name.removeprefix('::')}")
        waiting = (
            expected
            for expected in self.expected
            if expected.startswith(f"{self.path}::") and expected.endswith(ends)
            if expected not in self.open and not self.done[expected]
        )
        for expected in islice(waiting, 1):
            self.open.append(expected)
            self.emit("start", id=expected)

    def finish(self, name: str, event: dict[str, Any]) -> None:
        """Tell of a test that is over."""
        node = name if not self.done[name] else f"{name}[{self.done[name] + 1}]"
        if name in self.open:
            self.open.remove(name)
        else:
            self.emit("start", id=node)
        self.done[name] += 1
        fields = ("outcome", "kind", "message", "seconds")
        self.emit("done", id=node, **{field: event[field] for field in fields})

    def tell_end(self, status: int) -> None:
        """How a Node process ended that did not say so itself, told of the test it was in."""
        number = -status if status < 0 else 0
        kind, why = "crash", f"the process left with exit code {status} in the middle of the run"
        if number == signal.SIGXCPU:
            kind, why = "timeout", "it used up its processor time"
        elif number:
            why = signal.Signals(number).name
        for name in self.open:
            told = {"outcome": "failed", "kind": kind, "message": why, "seconds": 0.0}
            self.emit("done", id=name, **told)
        if not self.open:
            self.emit("collect", id=self.path, message=f"{kind}: {why}")


def named(path: str, event: dict[str, Any]) -> str:
    """`path::suite > test`; brackets become round, because ours mark parameters."""
    return f"{path}::{str(event['id']).translate({91: 40, 93: 41})}"


def start_node(settings: dict[str, Any], words: list[str], told: bytes) -> tuple[int, int]:
    """Start Node, which reads `told` (a key, then JSON) on descriptor 4; its pid and its events."""
    events, events_in = os.pipe()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.dup(reader), 250)
        os.dup2(events_in, 3)
        os.dup2(250, 4)
        os.closerange(5, 256)
        os.chdir(settings["tree"])
        beside("confine").close_proc(used_by(settings))
        # running what it is told is what this program is for
        os.execv(settings["interpreter"], ["node", *PERMITTED, *words])  # noqa: S606
    os.close(events_in)
    os.close(reader)
    with contextlib.suppress(BrokenPipeError):
        while told:
            told = told[os.write(writer, told) :]
    os.close(writer)
    return pid, events


def used_by(settings: dict[str, Any]) -> list[str]:
    """Paths that Node and the tests need."""
    names = ("tree", "interpreter", "tools", "modules")
    return [*(str(settings[name]) for name in names), __file__, os.environ.get("TMPDIR", "")]


def lines_of(events: int) -> Iterator[str]:
    """Whole lines as they come, EVENT_BYTES of them; what comes after is read and dropped."""
    rest, room = b"", EVENT_BYTES
    while part := os.read(events, READ_BYTES):
        room -= len(part)
        if room < 0:
            continue
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", errors="replace")


def verified(lines: Iterator[str], key: bytes) -> Iterator[dict[str, Any]]:
    """Events whose digest and number are right; from the first wrong one on only `tampered`."""
    good, told = True, False
    for number, line in enumerate(lines):
        row, _, mark = line.rpartition("\t")
        digest = hmac.new(key, row.encode(), "sha256").hexdigest()
        good = good and hmac.compare_digest(digest.encode(), mark.encode())
        event = json.loads(row) if good else {}
        if good and event.get("n") == number:
            yield event
        elif not told:
            yield {"e": "tampered", "what": UNSIGNED}
            good, told = False, True
        key = hashlib.sha256(key).digest()
