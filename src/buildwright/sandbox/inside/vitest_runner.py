"""The child of the harness for vitest: one Node process for each locked test file.

No foreign code is loaded here, nor by the bundler, which runs first and reads no configuration of
the project. What it makes of tests and sources is kept in this process and told to the Node
processes over a pipe, so that no file stands where the code of an earlier test could change it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

BUNDLER = Path(__file__).with_name("vitest") / "bundle.mjs"
HOLE = re.compile(r"%[sdifjoOc#$]|\\\$[\w.#]+|%%")
"""Where a title of `test.each` gets its values, after `re.escape`."""


def beside(name: str) -> ModuleType:
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
    """Bundle the files of `settings`, run one after the other, and leave."""
    node = beside("node_runner")
    # the keys are here, and what is started is a child of the same user
    beside("confine").close_memory()
    emit = beside("runner").make_emit(descriptor, bytes.fromhex(settings.pop("key")))
    emit("begin")
    emit("collected", ids=[])
    files = tuple(dict.fromkeys(name.partition("::")[0] for name in settings["select"]))
    bundled = bundle(settings, files)
    for path in files:
        told = {
            "decoy": settings["decoys"][path],
            "file": str(Path(settings["tree"], path)),
            **facts_of(settings),
            **bundled.get(path, {"error": "the bundler said nothing of this file"}),
        }
        program = Path(settings["tools"], "runtime.mjs")
        words = ["--experimental-vm-modules", str(program)]
        expected = tuple(settings["expected"])
        passing = with_tables(node.Passing, told["decoy"])
        node.follow(settings, words, told, passing(path, expected, emit))
    emit("end", code=0, coverage=None)
    os._exit(0)


def facts_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the locked texts allow."""
    tree = Path(settings["tree"])
    texts = "\n".join((tree / name).read_text(errors="replace") for name in settings["locked"])
    return {
        "tree": str(tree),
        "globals": True,
        "testers": "addEqualityTesters" in texts,
        "retries": re.search(r"\bretry\b", texts) is not None,
        "snapshots": [str(tree / name) for name in settings["locked"] if name.endswith(".snap")],
    }


def bundle(settings: Mapping[str, Any], files: tuple[str, ...]) -> dict[str, Any]:
    """Path -> its modules, or the error that stands in their way."""
    wanted = {
        "tree": settings["tree"],
        "files": files,
        "locked": settings["locked"],
        "modules": settings["modules"],
    }
    command = [settings["interpreter"], str(BUNDLER), "tests", settings["tools"]]
    # running what it is told is what this program is for
    ended = subprocess.run(  # noqa: S603
        command, input=json.dumps(wanted).encode(), capture_output=True, check=False
    )
    try:
        told: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        said = ended.stderr.decode(errors="replace").strip()[-1000:]
        error = f"the bundler ended with exit code {ended.returncode}: {said or 'no message'}"
        return {path: {"error": error} for path in files}
    return told


def with_tables(passing: Any, decoy: str) -> Any:
    """`Passing` that counts the rows of a table under the title it has in the text."""

    class WithTables(passing):  # type: ignore[misc]
        def __init__(self, path: str, expected: tuple[str, ...], emit: Any) -> None:
            super().__init__(path, expected, emit)
            self.patterns = {
                name: pattern_of(name) for name in expected if "%" in name or "$" in name
            }

        def take(self, event: dict[str, Any]) -> None:
            """One event, its test under the name that was expected."""
            if event["e"] in ("start", "done"):
                event = {**event, "id": self.expected_name(str(event["id"]))}
            super().take(event)

        def expected_name(self, told: str) -> str:
            name = f"{self.path}::{told.translate({91: 40, 93: 41})}"
            if name in self.expected or told == decoy:
                return told
            fits = (known for known, pattern in self.patterns.items() if pattern.fullmatch(name))
            return next(fits, name).partition("::")[2]

    return WithTables


def pattern_of(name: str) -> re.Pattern[str]:
    """What the titles of the rows look like."""
    parts = HOLE.split(re.escape(name).replace("\\%", "%"))
    return re.compile(".*".join(parts), re.DOTALL)
