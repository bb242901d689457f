"""Data written into other languages is read back as the same data, or as harmless text."""

from __future__ import annotations

import ast
import json
import tomllib

import yaml
from hypothesis import given
from hypothesis import strategies as st

from buildwright.design import formats

from .analyses import HOSTILE

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_a_python_literal_is_the_text_again(text: str) -> None:
    assert ast.literal_eval(formats.literal(text)) == text
    assert "\n" not in formats.literal(text)


@given(TEXT)
def test_a_long_literal_is_the_text_again_within_its_columns(text: str) -> None:
    written = formats.long_literal(text * 9, 40)
    assert ast.literal_eval(f"({written})") == text * 9
    assert all(formats.width(line.strip()) <= 41 for line in written.split("\n"))


@given(TEXT)
def test_toml_and_yaml_hold_the_text_again(text: str) -> None:
    assert tomllib.loads(f"x = {formats.toml(text)}")["x"] == text
    assert yaml.safe_load(f"x: {formats.yaml(text)}")["x"] == text


@given(TEXT)
def test_a_docstring_and_a_comment_stay_on_their_line(text: str) -> None:
    ast.parse(f'"""{formats.docstring(text)}"""')
    tree = ast.parse(f"# {formats.comment(text)}\nx = 1\n")
    assert len(tree.body) == 1


def test_a_quote_shows_hostile_text_and_runs_none_of_it() -> None:
    quoted = formats.quote(HOSTILE)
    assert all(line.startswith(">") for line in quoted.split("\n"))
    assert "<" not in quoted
    assert "\x00" not in quoted
    assert "\u202e" not in quoted
    assert "U+202E" in quoted
    assert "\n# heading" not in quoted.replace("> ", "")


def test_html_is_escaped_in_elements_and_attributes() -> None:
    assert formats.markup('<a href="x">\'&') == "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;"


def test_json_for_a_shell_holds_no_quote_that_ends_it() -> None:
    written = formats.shell_json({"a": "don't `id`"})
    assert "'" not in written
    assert "`" not in written
    assert json.loads(written) == {"a": "don't `id`"}


def test_imports_are_sorted_in_three_blocks() -> None:
    needed = ["mine.b:Item10", "mine.b:Item2", "os", "fastapi:APIRouter", "datetime as dt", "os"]
    assert formats.imports(needed, ["mine"]) == (
        "import datetime as dt\nimport os\n\nfrom fastapi import APIRouter\n\n"
        "from mine.b import Item2, Item10"
    )


def test_a_call_that_does_not_fit_has_one_argument_a_line() -> None:
    assert formats.fit("f(", ["a", "b"], ")") == "f(a, b)"
    long = ["a" * 50, "b" * 50]
    assert formats.fit("f(", long, ")", 4) == f"f(\n        {long[0]},\n        {long[1]},\n    )"
