"""What the cli-tool template writes, and that it runs: tests pass on the code and fail on stubs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildwright.core.requirements import CAPABILITIES, Analysis
from buildwright.core.tree import RenderedFile
from buildwright.design.catalog import load_template
from buildwright.design.rendering import provided, render_project

from .analyses import ALL, BOOKS, EVERY_TYPE, SHOP, drawn
from .conftest import run, write
from .test_rest_api_runs import Fault, Stub, outcomes, passed, raises, returns_nothing, stub

TEMPLATE = load_template("cli-tool")
MANY = [*ALL.values(), *(drawn(seed) for seed in range(8))]
RUNNING = {
    **{name: ALL[name] for name in ("shop", "circles", "hostile", "nothing")},
    "every_type": EVERY_TYPE,
    "drawn": drawn(1),
}


def proven(files: dict[str, RenderedFile]) -> Iterator[str]:
    for path, file in files.items():
        if path.startswith("tests/test_"):
            for node in ast.walk(ast.parse(file.content)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.covers":
                    yield from (ast.literal_eval(argument) for argument in node.args)


@pytest.mark.parametrize("number", range(len(MANY)))
def test_what_is_provided_is_in_the_vocabulary_and_proven_by_a_test(number: int) -> None:
    analysis = MANY[number]
    files = {file.path: file for file in render_project(TEMPLATE, analysis, {})}
    promised = provided(TEMPLATE, analysis)
    assert {name.partition(":")[0] for name in promised} <= CAPABILITIES.keys()
    assert promised.keys() - set(proven(files)) == set()
    assert {path for paths in promised.values() for path in paths} <= files.keys()


def test_every_project_is_linted_and_formatted_as_it_comes(tmp_path: Path) -> None:
    for number, analysis in enumerate(MANY):
        write(analysis, tmp_path / str(number), "cli-tool")
    for arguments in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "."],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]


def test_bandit_finds_nothing_of_medium_or_worse(tmp_path: Path) -> None:
    write(SHOP, tmp_path / "shop", "cli-tool")
    write(EVERY_TYPE, tmp_path / "types", "cli-tool")
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-r", "-ll", "-f", "json", "shop/src", "types/src"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["results"] == []


@pytest.mark.build
@pytest.mark.parametrize("name", RUNNING)
def test_the_tests_of_a_project_pass(tmp_path: Path, python: Path, name: str) -> None:
    counts = outcomes(python, write(RUNNING[name], tmp_path / "the project", "cli-tool"))
    assert set(counts) == {"passed"}


@pytest.mark.build
def test_records_with_reserved_and_foreign_names_are_kept(tmp_path: Path, python: Path) -> None:
    folder = write(ALL["names"], tmp_path / "project", "cli-tool")
    assert set(outcomes(python, folder, "-k", "read_back or help")) == {"passed", "deselected"}


@pytest.mark.build
@pytest.mark.parametrize("one", [BOOKS, EVERY_TYPE, SHOP], ids=["books", "every_type", "shop"])
def test_the_tests_reach_nearly_every_line(tmp_path: Path, python: Path, one: Analysis) -> None:
    folder = write(one, tmp_path / "project", "cli-tool")
    done = run(python, folder, "coverage", "run", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    run(python, folder, "coverage", "json", "-q")
    report = json.loads((folder / "coverage.json").read_text())
    assert report["totals"]["percent_covered"] >= 95


@pytest.mark.build
@pytest.mark.parametrize("make", [raises, returns_nothing])
def test_no_test_passes_on_a_stub_of_everything(tmp_path: Path, python: Path, make: Stub) -> None:
    folder = write(SHOP, tmp_path / "project", "cli-tool")
    stub(folder, make)
    assert passed(python, folder) == set()


FAULTS: list[Fault] = [
    ("review.py", "low=1, high=5", "low=1", "review_keeps_its_bounds"),
    ("storage.py", "raise RefusedError(_why", "return  # (_why", "own"),
    ("storage.py", "self._check_references(kind, values)", "pass", "refers_to_a_known"),
    ("storage.py", "foreign_keys = ON", "foreign_keys = OFF", "is_not_removed"),
    ("listing.py", "query.offset : end", "0 : end", "comes_in_pages"),
    ("listing.py", "wanted in str", "wanted == str", "found_by_a_part"),
    ("output.py", "writer.writerow(keys)", "pass", "exported_as_csv"),
]


@pytest.mark.build
def test_a_small_fault_is_noticed_by_the_test_of_that_behaviour(
    tmp_path: Path, python: Path
) -> None:
    folder = write(SHOP, tmp_path / "project", "cli-tool")
    for name, before, after, _test in FAULTS:
        path = next(folder.glob(f"src/*/**/{name}"))
        text = path.read_text()
        assert before in text, (name, before)
        path.write_text(text.replace(before, after))
    done = run(python, folder, "pytest", "-p", "no:cacheprovider", "-rf", "-q", "--tb=no")
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    unnoticed = [one for one in FAULTS if not any(re.search(one[3], test) for test in failed)]
    assert unnoticed == []
