"""What models send becomes requests, or one clear refusal."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workspace.edits.samples import block

from buildwright.workspace.edits import EditKind, EditRefused, parse, parse_diff

DIFF = """diff --git a/src/a.py b/src/a.py
index 1..2 100644
--- a/src/a.py
+++ b/src/a.py
@@ -9,9 +9,9 @@ def f():
 x = 1
-y = 2
+y = 3

 z = 4
"""


def test_blocks_of_one_file_share_the_path_and_prose_is_passed_over() -> None:
    first, second = block("src/a.py", "a\n", "b\n"), block("", "c\n", "d\n")
    answer = f"First:\n\n{first}\nThen this:\n{second}"
    requests = parse(answer)
    assert [r.path for r in requests] == ["src/a.py", "src/a.py"]
    assert [r.hunks[0].old for r in requests] == [("a",), ("c",)]


@pytest.mark.parametrize("line", ["a.py", "`a.py`", "**a.py**", "### a.py", "File: a.py", "a.py:",
                                  "1. `a.py`", "a.py\n```python", "```python a.py",
                                  "```python:a.py"])  # fmt: skip
def test_the_path_may_be_decorated(line: str) -> None:
    (request,) = parse(block(line, "a\n", "b\n"))
    assert request.path == "a.py"


def test_a_block_after_prose_about_another_file_is_refused() -> None:
    answer = block("a.py", "a\n", "b\n") + "\nNow the caller in b.py must change:\n"
    with pytest.raises(EditRefused, match="block 2 does not say which file"):
        parse(answer + block("", "c\n", "d\n"))


@pytest.mark.parametrize(
    "cut", ["a.py\n<<<<<<< SEARCH\nx\n", "a.py\n<<<<<<< SEARCH\nx\n=======\ny\n"]
)
def test_a_block_that_is_cut_off_is_refused(cut: str) -> None:
    with pytest.raises(EditRefused, match=r"block 1 .* has no end"):
        parse(cut)


def test_a_block_with_two_dividers_is_refused_and_longer_marks_help() -> None:
    body = "Title\n=======\n"
    with pytest.raises(EditRefused, match="has 2 lines"):
        parse(f"a.md\n<<<<<<< SEARCH\n{body}=======\nT\n>>>>>>> REPLACE\n")
    (request,) = parse(f"a.md\n<<<<<<<<< SEARCH\n{body}=========\nT\n>>>>>>>>> REPLACE\n")
    assert request.hunks[0].old == ("Title", "=======")


def test_an_empty_search_makes_a_new_file() -> None:
    (request,) = parse(block("new.py", "", "x = 1\n"))
    assert (request.kind, request.content) == (EditKind.CREATE, "x = 1\n")


def test_a_diff_with_wrong_counts_gives_its_lines() -> None:
    (request,) = parse(f"Here:\n```diff\n{DIFF}```\nDone.\n")
    assert request.path == "src/a.py"
    assert request.hunks[0].old == ("x = 1", "y = 2", "", "z = 4")
    assert request.hunks[0].new == ("x = 1", "y = 3", "", "z = 4")
    assert request.hunks[0].line is None


def test_diffs_make_delete_and_rename_files() -> None:
    answer = (
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1\n\\ No newline at end of file\n"
        "--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-y\n"
        "diff --git a/p.py b/q.py\nsimilarity index 100%\nrename from p.py\nrename to q.py\n"
    )
    made, gone, moved = parse(answer)
    assert (made.kind, made.path, made.content) == (EditKind.CREATE, "new.py", "x = 1")
    assert (gone.kind, gone.path) == (EditKind.DELETE, "old.py")
    assert (moved.kind, moved.path, moved.new_path) == (EditKind.RENAME, "p.py", "q.py")


@pytest.mark.parametrize("wrong", [
    "--- a/x.py\n+++ b/x.py\n@@ -1,4 +1,4 @@\n a\n-b\n",
    "```diff\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n a\n-b\n",
    "```diff\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n a\nb\n-c\n+d\n```\n",
    "--- a/x.py\n+++ b/x.py\nno hunk\n",
    "--- a/x.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n",
    "diff --git a/x.png b/x.png\nGIT binary patch\nliteral 1\n",
])  # fmt: skip
def test_a_diff_that_is_cut_off_or_unclear_is_refused(wrong: str) -> None:
    with pytest.raises(EditRefused):
        parse(wrong)


def test_content_that_looks_like_headers_is_told_by_the_counts() -> None:
    answer = "--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1,2 @@\n--- a\n+++ b\n c\n@@ -9 +9 @@\n-d\n+e\n"
    (request,) = parse_diff(answer)
    assert [h.old for h in request.hunks] == [("-- a", "c"), ("d",)]


def test_whole_files_are_fences_with_a_path() -> None:
    answer = "Two:\n\nsrc/a.py\n```python\nx = 1\n```\n\n```js src/b.js\ny()\n```\n\n```\nls\n```\n"
    first, second = parse(answer)
    assert (first.path, first.content) == ("src/a.py", "x = 1\n")
    assert (second.path, second.content) == ("src/b.js", "y()\n")


def test_a_fence_within_a_file_belongs_to_it() -> None:
    (request,) = parse("README.md\n```markdown\n# A\n```sh\nls\n```\nend\n```\n")
    assert request.content == "# A\n```sh\nls\n```\nend\n"


def test_a_fence_that_is_not_closed_is_refused() -> None:
    with pytest.raises(EditRefused, match="not closed"):
        parse("a.py\n```python\nx = 1\n")


@pytest.mark.parametrize("call", [
    {"path": "a.py", "old_text": "x\n", "new_text": "y\n"},
    {"file_path": "a.py", "old_string": "x", "new_string": "y"},
    {"function": {"name": "edit", "arguments": '{"path":"a.py","old_str":"x","new_str":"y"}'}},
    {"name": "edit", "input": {"path": "a.py", "edits": [{"old_text": "x", "new_text": "y"}]}},
])  # fmt: skip
def test_a_tool_call_is_read_in_its_usual_shapes(call: dict[str, Any]) -> None:
    (request,) = parse(call)
    assert (request.path, request.hunks[0].old, request.hunks[0].new) == ("a.py", ("x",), ("y",))


@pytest.mark.parametrize("call", [
    {}, {"path": 3, "content": "x"}, {"path": "a.py"}, {"path": "a.py", "old_text": "x"},
    {"path": "a.py", "content": "x", "old_text": "y", "new_text": "z"},
    {"path": "a.py", "content": "x\0"}, {"path": "a.py", "content": "\ud800"},
    {"path": "a.py", "old_text": "x", "new_text": "y", "replace_all": True},
    {"path": "a.py", "edits": "x"}, {"arguments": "[1"}, {"path": "a.py", "edits": [3]},
])  # fmt: skip
def test_a_wrong_tool_call_is_refused(call: dict[str, Any]) -> None:
    with pytest.raises(EditRefused) as error:
        parse(call)
    assert error.value.next_step


@pytest.mark.parametrize("answer", ["", "I cannot do that.", "```python\nx = 1\n```\n", "{}", "[3]",
                                    "x" * (10 * 1024 * 1024 + 1), "\n" * 200_001])  # fmt: skip
def test_an_answer_without_an_edit_or_too_large_is_refused(answer: str) -> None:
    with pytest.raises(EditRefused):
        parse(answer)


@given(st.text(alphabet="<>=SEARCHPLO@+-` \nabc./{}\"'\\:*#0,", max_size=400))
@settings(max_examples=400, deadline=None)
def test_whatever_a_model_sends_is_read_or_refused(answer: str) -> None:
    with suppress(EditRefused):
        assert parse(answer)


@pytest.mark.parametrize("piece", ["```python\n", "<<<<<<< SEARCH\n", "@@ -1 +1 @@\n",
                                   "--- a\n+++ b\n",
                                   "diff --git a/b b/ b/", "=======\n", "a b/", "`", "*- #", "  ",
                                   "a.py\n<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE\n"])  # fmt: skip
@pytest.mark.timeout(60)
def test_a_long_answer_of_one_piece_comes_to_an_end(piece: str) -> None:
    with suppress(EditRefused):
        assert parse((piece * 900_000)[:900_000])
