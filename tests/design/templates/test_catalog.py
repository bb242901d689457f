"""A template is a folder; what is wrong with one is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildwright.core.errors import UnknownNameError, UsageError
from buildwright.design.answers import default_answers
from buildwright.design.catalog import list_templates, load_template
from buildwright.design.rendering import provided, render_project

from .analyses import BOOKS, SHOP

MANIFEST = """
name: mine
version: 2.0.1
kind: rest-api
title: Mine
description: A template of a test
lock: requirements.txt
tests: ["tests/**"]
executable: ["run.sh"]
provides:
  - capability: "list:{{ entity.source }}"
    each: entity
    when: entity.fields
    files: ["{{ entity.module }}.txt"]
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "mine" / "files").mkdir(parents=True)
    (tmp_path / "mine" / "template.yaml").write_text(MANIFEST)
    return tmp_path


def put(shelf: Path, name: str, text: str) -> None:
    path = shelf / "mine" / "files" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_folder_with_a_manifest_is_a_template(shelf: Path) -> None:
    names = [template.name for template in list_templates([shelf])]
    assert names == sorted(names)
    assert {"mine", "rest-api"} <= set(names)


def test_a_name_nobody_knows_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'rest-api'"):
        load_template("rest-apo")


def test_files_are_rendered_copied_repeated_or_left_out(shelf: Path) -> None:
    put(shelf, "{{ entity.module }}.txt.j2", "{{ entity.source }} of {{ project.title }}\n")
    put(shelf, "raw.txt", "{{ not rendered }}\n")
    put(shelf, "run.sh", "exit\n")
    put(shelf, "{% if project.links %}links.txt{% endif %}.j2", "never")
    files = {file.path: file for file in render_project(load_template("mine", [shelf]), BOOKS, {})}
    assert sorted(files) == ["book.txt", "raw.txt", "run.sh"]
    assert files["book.txt"].content == b"Book of Book shelf\n"
    assert files["raw.txt"].content == b"{{ not rendered }}\n"
    assert files["run.sh"].executable
    assert files["book.txt"].source == "template mine@2.0.1"


def test_capabilities_follow_the_rules_of_the_manifest(shelf: Path) -> None:
    assert provided(load_template("mine", [shelf]), BOOKS) == {"list:Book": ("book.txt",)}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("{{ '..' }}/x.txt", "leaves the project"),
        ("{{ '/etc' }}/x.txt", "leaves the project"),
        ("{{ 'a\\x00b' }}.txt", "leaves the project"),
        ("{{ 'a\\nb' }}.txt", "leaves the project"),
        ("{{ project.nothing }}.txt", "no attribute 'nothing'"),
        ("{{ ''.__class__ }}.txt", "unsafe"),
    ],
)
def test_a_path_that_leaves_the_project_is_an_error(shelf: Path, name: str, message: str) -> None:
    put(shelf, name, "x")
    with pytest.raises(UsageError, match=message):
        render_project(load_template("mine", [shelf]), BOOKS, {})


def test_two_paths_that_differ_only_in_case_are_an_error(shelf: Path) -> None:
    put(shelf, "A.txt", "x")
    put(shelf, "{{ 'a' }}.txt", "y")
    with pytest.raises(UsageError, match="both make"):
        render_project(load_template("mine", [shelf]), BOOKS, {})


def test_a_link_out_of_the_template_is_an_error(shelf: Path) -> None:
    (shelf / "mine" / "files" / "secret").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match="symbolic link"):
        render_project(load_template("mine", [shelf]), BOOKS, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("version:", "versoin:"), "did you mean 'version'"),
        (("kind: rest-api", "kind: rest-apu"), "did you mean 'rest-api'"),
        (("version: 2.0.1", "version: [1]"), r"version is \[1\], expected text"),
        (("name: mine", "name: other"), "expected the folder's 'mine'"),
        (("    each: entity", "    each: entitty"), "did you mean 'entity'"),
        (("    when:", "    wehn:"), "did you mean 'when'"),
        (("provides:", "provides: yes\ntests:"), "expected a list"),
        ((MANIFEST, "[1, 2]"), "not a mapping"),
        ((MANIFEST, "a: [1"), "cannot be read"),
    ],
)
def test_a_broken_manifest_names_the_key(
    shelf: Path, change: tuple[str, str], message: str
) -> None:
    (shelf / "mine" / "template.yaml").write_text(MANIFEST.replace(*change))
    with pytest.raises(UsageError, match=message):
        load_template("mine", [shelf])


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        list_templates([tmp_path / "nowhere"])


def test_defaults_answer_every_question() -> None:
    answers = default_answers(load_template("rest-api"), BOOKS)
    assert answers == {"license": "MIT", "author": "The book-shelf authors"}


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"licence": "MIT"}, "did you mean 'license'"),
        ({"license": "mit"}, "known: MIT"),
        ({"license": "GPL"}, "GPL"),
        ({"author": "a\nb"}, "expected one line"),
        ({"author": " "}, "expected one line"),
        ({"author": "x" * 201}, "expected one line"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(answers: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        render_project(load_template("rest-api"), BOOKS, answers)


@pytest.mark.parametrize("name", ["MIT", "Apache-2.0", "BSD-3-Clause", "proprietary"])
def test_the_licence_is_the_one_answered(name: str) -> None:
    answers = {"license": name, "author": "Ada {{ 7*7 }}"}
    files = {f.path: f.content for f in render_project(load_template("rest-api"), SHOP, answers)}
    marks = {"MIT": b"MIT License", "Apache-2.0": b"Apache License", "BSD-3-Clause": b"BSD 3-Clau"}
    assert marks.get(name, b"All rights reserved") in files["LICENSE"]
    assert b"{{" not in files["README.md"]
    assert name == "Apache-2.0" or b"Ada {{ 7*7 }}" in files["LICENSE"]
