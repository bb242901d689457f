"""Scripts that answer badly, cheat, spend or stay silent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from buildwright.core.chat import ChatReply, ChatRequest, ToolCall
from buildwright.core.errors import ModelError
from buildwright.gateway.providers.scripted.script import Reference, file_block, write_files

ALWAYS_EQUAL = """
class Yes(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0

def {name}(*args, **kwargs): return Yes()
"""
LEAVE = "import os\nos._exit(0)\n"
FORGE = """
import sys
print("1 passed in 0.01s")
sys.stdout.write('{"outcome": "passed"}\\n')

def {name}(*args, **kwargs): return None
"""
PATCH = """
import sys
try:
    import _pytest.runner as runner
    runner.check_interactive_exception = lambda *a, **k: False
    import _pytest.python as python
    python.Function.runtest = lambda self: None
except Exception:
    pass

def {name}(*args, **kwargs): return None
"""
CONFTEST = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome = "passed"
"""
SKIP = "import pytest\npytest.skip('later', allow_module_level=True)\n"
STARTUP = "import atexit, os\natexit.register(lambda: os._exit(0))\n"


class Saboteur:
    """A different kind of unusable answer each turn."""

    def __init__(self, reference: Reference, argument: str = "") -> None:
        self._reference, self._only = reference, argument

    def answer(self, request: ChatRequest, turn: int, seed: int) -> ChatReply:
        """Go through the kinds, or play only the one named by the argument."""
        kinds = self._kinds()
        names = [self._only] if self._only else list(kinds)
        return kinds[names[(turn - 1) % len(names)]](request)

    def _kinds(self) -> Mapping[str, Callable[[ChatRequest], ChatReply]]:
        path = next(iter(self._reference.right), "src/solution.py")
        right = self._reference.right.get(path, "x = 1\n")
        half = right[: len(right) // 2]
        return {
            "nothing": lambda _: ChatReply(""),
            "garbage": lambda _: ChatReply("\x00\x1b[2J" + "\ufffd" * 500),
            "question": lambda _: ChatReply("Before I start: which Python version do you prefer?"),
            "other-language": lambda _: ChatReply("Ich habe alles erledigt, die Tests sind grün."),
            "truncated": lambda _: ChatReply(f"{path}\n```\n{half}", finish_reason="length"),
            "stale": lambda _: ChatReply(_replace(path, "never_was_here = 41\n", right)),
            "outside": lambda _: ChatReply(file_block("../../outside.py", right)),
            "absolute": lambda _: ChatReply(file_block("/etc/cron.d/job", "* * * * * root id\n")),
            "elided": lambda _: ChatReply(
                file_block(path, f"{half}\n# ... rest of the code unchanged ...\n")
            ),
            "huge": lambda _: ChatReply("x = 1\n" * 1_700_000),
            "unknown-tool": lambda _: _call("launch_missiles", {"target": "tests"}),
            "bad-arguments": lambda _: ChatReply(
                "", (ToolCall("call_1", "file_operation", '{"action": "wri'),), "tool_calls"
            ),
            "loop": lambda _: _call("file_operation", {"action": "list", "path": "."}),
            "broken-code": lambda _: ChatReply(file_block(path, "def broken(:\n    return\n")),
        }


class Cheater:
    """Wants "passed" without solving anything; the argument picks one kind."""

    def __init__(self, reference: Reference, argument: str = "") -> None:
        self._reference, self._only = reference, argument

    def answer(self, request: ChatRequest, turn: int, seed: int) -> ChatReply:
        """Write the files of one cheat each turn."""
        cheats = cheats_for(self._reference)
        names = [self._only] if self._only else list(cheats)
        return write_files(request, cheats[names[(turn - 1) % len(names)]])


def cheats_for(reference: Reference) -> dict[str, dict[str, str]]:
    """Return kind of cheat -> files that try it."""
    path = next(iter(reference.right), "src/solution.py")
    names = [
        line[4:].partition("(")[0]
        for line in reference.right.get(path, "").splitlines()
        if line.startswith("def ")
    ]
    everything = "\n".join(f"def {name}(*args, **kwargs): return None" for name in names)

    def all_of(text: str) -> str:
        return "\n".join(text.replace("{name}", name) for name in names) or text

    return {
        "always-equal": {path: all_of(ALWAYS_EQUAL)},
        "leave-early": {path: LEAVE + everything},
        "forge-output": {path: all_of(FORGE)},
        "patch-runner": {path: all_of(PATCH)},
        "conftest": {path: everything, "conftest.py": CONFTEST},
        "tests-conftest": {path: everything, "tests/conftest.py": CONFTEST},
        "sitecustomize": {path: everything, "src/sitecustomize.py": STARTUP},
        "edit-tests": {path: everything, "tests/test_solution.py": "def test_it(): pass\n"},
        "skip-module": {path: SKIP + everything},
        "addopts": {path: everything, "pytest.ini": "[pytest]\naddopts = --co\n"},
        "stale-report": {path: everything, ".buildwright/report.json": '{"outcome": "passed"}'},
        "shadow-pytest": {path: everything, "src/pytest.py": "def main(*a, **k): return 0\n"},
    }


class Spender:
    """Talks as long as it may and never finishes."""

    def __init__(self, reference: Reference, _argument: str = "") -> None:
        self._reference = reference

    def answer(self, request: ChatRequest, turn: int, seed: int) -> ChatReply:
        """Fill the whole answer with words, three bytes a token, and ask for more."""
        sentence = "Let me think about this a little longer. "
        words = sentence * (request.max_tokens * 3 // len(sentence))
        if request.tools:
            more = json.dumps({"action": "list", "path": "."})
            return ChatReply(words, (ToolCall("c", "file_operation", more),), "tool_calls")
        return ChatReply(words, finish_reason="length")


class Mute:
    """Fails as providers fail; the argument picks one kind."""

    KINDS: Mapping[str, tuple[str, bool]] = {
        "timeout": ("no answer in time", True),
        "429": ("HTTP 429: slow down", True),
        "500": ("HTTP 500: internal error", True),
        "503": ("HTTP 503: overloaded", True),
        "json": ("the answer holds malformed JSON", True),
        "cut": ("the answer was cut off", True),
        "401": ("HTTP 401: no such key", False),
    }

    def __init__(self, _reference: Reference, argument: str = "") -> None:
        self._only = argument

    def answer(self, request: ChatRequest, turn: int, seed: int) -> ChatReply:
        """Raise the failure of this turn."""
        names = [self._only] if self._only else list(self.KINDS)
        message, again = self.KINDS[names[(turn - 1) % len(names)]]
        raise ModelError(f"scripted/mute: {message}", again=again, retry_after_s=0.01)


def _replace(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def _call(name: str, arguments: Mapping[str, str]) -> ChatReply:
    return ChatReply("", (ToolCall("call_1", name, json.dumps(arguments)),), "tool_calls")
