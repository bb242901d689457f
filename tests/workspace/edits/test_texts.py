"""Ends of lines, byte order marks, encodings and binary files."""

from __future__ import annotations

import pytest
from tests.workspace.edits.samples import batch_of, block, changed, landed, why

from buildwright.workspace.edits import Batch, Reason


def test_ends_of_lines_of_the_file_are_kept() -> None:
    data = b"a = 1\r\nb = 2\r\nc = 3\r\n"
    after = changed("b = 2\n", "b = 3\nbb = 4\n", data)
    assert after == b"a = 1\r\nb = 3\r\nbb = 4\r\nc = 3\r\n"


def test_mixed_ends_are_kept_line_by_line() -> None:
    data = b"a = 1\r\nb = 2\nc = 3\r\n"
    assert changed("a = 1\nb = 2\n", "a = 9\nb = 9\n", data) == b"a = 9\r\nb = 9\nc = 3\r\n"


def test_a_whole_file_takes_the_style_of_the_one_it_replaces() -> None:
    files = {"a.py": b"\xef\xbb\xbfa = 1\r\nb = 2"}
    assert landed("a.py\n```\na = 1\nb = 3\n```\n", files) == {
        "a.py": b"\xef\xbb\xbfa = 1\r\nb = 3"
    }


def test_a_missing_final_newline_stays_missing() -> None:
    assert changed("b\n", "c\n", b"a\nb") == b"a\nc"
    assert changed("a\nb\n", "a\n", b"a\nb") == b"a"
    assert changed("b\n", "b\nc = 1\n", b"a\nb") == b"a\nb\nc = 1"


def test_a_byte_order_mark_stays_the_first() -> None:
    assert changed("import os\n", "import re\n", b"\xef\xbb\xbfimport os\n") == (
        b"\xef\xbb\xbfimport re\n"
    )


def test_a_file_that_is_not_utf_8_takes_ascii_only() -> None:
    data = b"# caf\xe9\nx = 1\n"
    assert changed("x = 1\n", "x = 2\n", data) == b"# caf\xe9\nx = 2\n"
    assert why(block("a.py", "x = 1\n", "x = 'é'\n"), {"a.py": data}) == [Reason.ENCODING]


@pytest.mark.parametrize("data", [b"\x89PNG\0\x01", "x = 1\n".encode("utf-16")])
def test_a_binary_file_is_not_edited(data: bytes) -> None:
    assert why(block("a.py", "x = 1\n", "x = 2\n"), {"a.py": data}) == [Reason.BINARY]


def test_an_answer_with_other_ends_of_lines_is_read() -> None:
    answer = block("a.py", "x = 1\n", "x = 2\n").replace("\n", "\r\n")
    assert landed(answer, {"a.py": b"x = 1\n"}) == {"a.py": b"x = 2\n"}


def test_a_tool_call_may_quote_a_part_of_a_line() -> None:
    call = {"path": "a.py", "old_text": "price, 2", "new_text": "price, 3"}
    assert landed(call, {"a.py": b"x = round(price, 2)\n"}) == {"a.py": b"x = round(price, 3)\n"}


@pytest.mark.parametrize(("data", "old"), [(b"count = 1\n", "unt = 1"), (b"x = 10\n", "x = 1"),
                                           (b"f(x)\nf(x)\n", "f(x)")])  # fmt: skip
def test_a_part_that_splits_a_word_or_is_there_twice_is_refused(data: bytes, old: str) -> None:
    call = {"path": "a.py", "old_text": old, "new_text": "y"}
    assert why(call, {"a.py": data})[0] in (Reason.NOT_FOUND, Reason.AMBIGUOUS)


def test_a_part_whose_indentation_is_left_out_is_refused_where_more_lines_follow() -> None:
    call = {"path": "a.py", "old_text": "b()", "new_text": "b()\nc()"}
    assert why(call, {"a.py": b"if x:\n    b()\n"}) == [Reason.DOUBTFUL]


def test_files_are_made_deleted_and_renamed() -> None:
    files = {"a.py": b"x = 1\n", "b.py": b"y = 1\n"}
    calls = [
        {"path": "new/c.py", "content": "z = 1\n"},
        {"path": "a.py", "delete": True},
        {"path": "b.py", "new_path": "d.py", "old_text": "y = 1\n", "new_text": "y = 2\n"},
    ]
    assert landed(calls, files) == {"new/c.py": b"z = 1\n", "d.py": b"y = 2\n"}


@pytest.mark.parametrize("calls", [
    [{"path": "a.py", "delete": True}, {"path": "a.py", "content": "y\n"}],
    [{"path": "A.py", "content": "y\n"}],
    [{"path": "a.py/b.py", "content": "y\n"}],
    [{"path": "b.py", "new_path": "a.py"}],
    [{"path": "c/d.py", "content": "y\n"}, {"path": "c/D.py", "content": "y\n"}],
])  # fmt: skip
def test_two_fates_of_one_path_are_refused(calls: list[dict[str, object]]) -> None:
    assert why(calls, {"a.py": b"x\n", "b.py": b"z\n"})[0] is Reason.CONFLICT


@pytest.mark.parametrize("path", [
    "/etc/passwd", "../x", "a/../../x", "a\nb", "a\x1b[2J", "a\u202eb", "x" * 256, ".git/hooks/x",
    "sub/.GIT/config", ".vscode/tasks.json", "a\\b", "C:x", "~/x", " x", ".envrc", "\udcff", "",
])  # fmt: skip
def test_a_path_that_leaves_the_folder_or_is_the_hosts_is_refused(path: str) -> None:
    assert why([{"path": path, "content": "x"}], {}) == [Reason.PATH]


def test_a_file_that_is_there_with_this_content_is_success() -> None:
    batch = batch_of([{"path": "a.py", "content": "x\n"}], {"a.py": b"x\n"})
    assert isinstance(batch, Batch)
    assert batch.edits == ()
    assert batch.already == ("a.py has this content already",)


def test_a_diff_that_makes_a_file_that_exists_is_refused() -> None:
    answer = "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+y\n"
    assert why(answer, {"a.py": b"x\n"}) == [Reason.EXISTS]
