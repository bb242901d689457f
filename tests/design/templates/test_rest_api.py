"""What the rest-api template writes, without running it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from buildwright.core.requirements import CAPABILITIES, Analysis
from buildwright.core.tree import RenderedFile
from buildwright.design.catalog import load_template
from buildwright.design.context import make_project
from buildwright.design.rendering import provided, render_project

from .analyses import ALL, BOOKS, CIRCLES, HOSTILE, HOSTILE_NAMES, SHOP, drawn
from .conftest import Write

TEMPLATE = load_template("rest-api")
MANY = [*ALL.values(), *(drawn(seed) for seed in range(12))]


def rendered(analysis: Analysis) -> dict[str, RenderedFile]:
    return {file.path: file for file in render_project(TEMPLATE, analysis, {})}


def proven(files: dict[str, RenderedFile]) -> Iterator[str]:
    """Read the capabilities from the marks of the tests, without running them."""
    for path, file in files.items():
        if path.startswith("tests/test_"):
            for node in ast.walk(ast.parse(file.content)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.covers":
                    yield from (ast.literal_eval(argument) for argument in node.args)


def test_the_same_analysis_gives_the_same_bytes_in_every_process() -> None:
    script = (
        "import hashlib, sys\n"
        "from tests.design.templates.test_rest_api import SHOP, rendered\n"
        "digest = hashlib.sha256()\n"
        "for path, file in rendered(SHOP).items():\n"
        "    digest.update(path.encode() + file.content)\n"
        "sys.stdout.write(digest.hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ".:src"},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop()) == 64


@pytest.mark.parametrize("analysis", MANY)
def test_every_capability_is_real_and_has_files_and_a_test(analysis: Analysis) -> None:
    files = rendered(analysis)
    capabilities = provided(TEMPLATE, analysis)
    assert set(capabilities) == set(proven(files))
    for name, paths in capabilities.items():
        assert name.partition(":")[0] in CAPABILITIES
        assert paths
        assert set(paths) <= set(files)


def test_capabilities_carry_the_names_of_the_analysis() -> None:
    assert {
        "manage:Order",
        "choice:Order.status",
        "relate:Order.customer",
        "link:Product.Tag",
        "filter:Product.price",
        "search:Product.name",
        "range:Review.stars",
        "unique:Tag.name",
        "required:Product.sku",
        "optional:Review.body",
        "sort:Review",
        *("paginate", "open", "health", "openapi", "errors", "validate", "sqlite", "headless"),
        *("migrations", "docker", "tests"),
    } <= set(provided(TEMPLATE, SHOP))


def test_every_text_file_is_python_or_ends_in_one_line_break() -> None:
    for analysis in MANY:
        for path, file in rendered(analysis).items():
            text = file.content.decode()
            assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), path
            if path.endswith(".py"):
                ast.parse(text)


def test_linter_and_formatter_find_nothing_to_change(project: Write, tmp_path: Path) -> None:
    for number, analysis in enumerate(MANY):
        project(analysis).rename(tmp_path / f"project-{number}")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]


def test_the_security_check_finds_nothing_of_weight(project: Write) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-r", "-ll", "-f", "json", "."],
        cwd=project(SHOP),
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["results"] == []
    assert report["metrics"]["_totals"]["loc"] > 500


def test_hostile_text_stays_text_and_only_in_the_readme() -> None:
    files = rendered(HOSTILE_NAMES)
    for path, file in files.items():
        text = file.content.decode()
        assert "\x00" not in text
        assert "\u202e" not in text
        if path.startswith(("src/", "migrations/")):
            assert "rm -rf /" not in text, path
    assert "49" not in files["README.md"].content.decode().split("## Run")[0]
    assert "\\{\\{ 7\\*7 \\}\\}" in files["README.md"].content.decode()
    assert "<b>" not in files["README.md"].content.decode()


def test_no_part_of_the_requirement_is_ever_compiled() -> None:
    plain = rendered(BOOKS)
    files = rendered(replace(BOOKS, text=HOSTILE))
    changed = {path for path in files if files[path] != plain[path]}
    assert changed == {"README.md"}


def test_the_locks_name_no_address_and_pin_every_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = rendered(BOOKS)[name].content.decode()
        assert "://" not in text
        pins = re.findall(r"^([\w.-]+)==", text, re.MULTILINE)
        assert len(pins) > 15
        assert text.count("--hash=sha256:") >= len(pins)


def test_the_manifest_names_files_that_exist() -> None:
    files = rendered(BOOKS)
    assert TEMPLATE.lock in files
    assert any(path.startswith(f"{TEMPLATE.source_dir}/") for path in files)
    assert TEMPLATE.tests == ("tests/**", "pyproject.toml")
    assert {file.source for file in files.values()} == {"template rest-api@1.0.0"}


def test_a_table_is_created_before_those_that_refer_to_it() -> None:
    migration = rendered(CIRCLES)["migrations/versions/0001_initial.py"].content.decode()
    made = re.findall(r'op\.create_table\(\n\s+"(\w+)"', migration)
    tables = {one.table for one in make_project(CIRCLES).entities}
    assert tables <= set(made)
    assert migration.count("batch.create_foreign_key") == migration.count("batch.drop_constraint")
    assert migration.count("batch.create_foreign_key") >= 1


def test_the_readme_shows_a_call_for_every_entity() -> None:
    readme = rendered(SHOP)["README.md"].content.decode()
    for one in make_project(SHOP).entities:
        assert f"`POST /{one.path}`" in readme
        assert f"curl -X POST http://127.0.0.1:8000/{one.path}" in readme
