"""What lands where it should, and is bounced all the same."""

from __future__ import annotations

import pytest
from tests.workspace.edits.samples import CODE, batch_of, block

from buildwright.workspace.edits import Batch, Objection, Policy, Tests, apply_in_memory, check

FREE = Policy(tests=Tests.FREE)


def objections(answer: object, files: dict[str, bytes], policy: Policy = FREE) -> list[Objection]:
    batch = batch_of(answer, files)
    assert isinstance(batch, Batch), batch.text
    return list(check(batch, files, apply_in_memory(batch, files), policy))


def rules(
    content: str, before: bytes = CODE, path: str = "a.py", policy: Policy = FREE
) -> list[str]:
    found = objections([{"path": path, "content": content}], {path: before}, policy)
    assert all(one.next_step and one.reason and one.path == path for one in found)
    return [one.rule for one in found]


def added(line: str) -> list[str]:
    return rules(CODE.decode() + line + "\n")


def test_a_good_edit_is_not_objected_to() -> None:
    assert added("\n\ndef more(x):\n    return x  # the rest is up to you...") == []


def test_lost_names_are_told_with_their_lines() -> None:
    found = objections(
        block(
            "a.py", CODE.decode(), "class Shop:\n    def total(self, items):\n        return 0\n"
        ),
        {"a.py": CODE},
    )
    assert [(one.rule, one.line) for one in found] == [("symbols", 11), ("symbols", 15)]
    assert "'Shop.names'" in found[0].reason
    assert "'largest'" in found[1].reason


def test_names_may_go_when_the_answer_says_so() -> None:
    old = CODE.decode()[CODE.index(b"def largest") :]
    answer = block("a.py", old, "")
    assert [one.rule for one in objections(answer, {"a.py": CODE})] == ["symbols"]
    assert objections("REMOVES: largest\n\n" + answer, {"a.py": CODE}) == []
    call = {"path": "a.py", "old_text": old, "new_text": "", "removes": ["a.py:largest"]}
    assert objections(call, {"a.py": CODE}) == []


def test_a_name_that_moved_and_is_imported_is_not_lost() -> None:
    call = {"path": "a.py", "content": "from b import Shop, largest\n"}
    assert objections(call, {"a.py": CODE}) == []


def test_a_file_that_is_deleted_by_name_takes_its_names_along() -> None:
    assert objections({"path": "a.py", "delete": True}, {"a.py": CODE}) == []


def test_lost_exports_of_scripts_are_told() -> None:
    before = b"export function a() {}\nexport const b = 1\nexport { c, d as e }\n"
    assert rules("export const b = 2\nexport { c }\n", before, "x.ts") == ["symbols", "symbols"]


@pytest.mark.parametrize("line", [
    "# ... rest of the code unchanged ...", "# ... existing code ...", "# rest of the file",
    "    pass  # rest", "# TODO: implement this", "# your code here", "# ...", "# …",
    "# (remaining methods stay the same)", "# Rest des Codes unverändert", "# 其余代码保持不变",
    "# implement the logic here", "# ... (other handlers) ...", "# existing imports ...",
    "def f():\n    ...", "def f():\n    x = 1\n    ...", "# code omitted for brevity",
    "# placeholder implementation",
])  # fmt: skip
def test_a_placeholder_is_bounced(line: str) -> None:
    assert "placeholder" in added(line)


@pytest.mark.parametrize("line", [
    "# loading the file...", "# TODO: ask the users about colours", "x = '... existing code ...'",
    "from typing import Protocol\nclass P(Protocol):\n    def f(self) -> int: ...",
    "# the rest are handled above by the caller", "x: tuple[int, ...] = ()",
    "class NotFoundError(Exception): ...", "# Add one to the total",
    "# Insert the row into the table",
])  # fmt: skip
def test_an_honest_comment_is_not(line: str) -> None:
    assert added(line) == []


@pytest.mark.parametrize(("path", "line"), [
    ("a.js", "// ... existing code ..."), ("a.html", "<!-- rest of the file unchanged -->"),
    ("a.sql", "-- ... rest of the code ..."), ("a.css", "/* ... */"),
    ("a.jsx", "{/* ... existing code ... */}"),
])  # fmt: skip
def test_placeholders_are_known_in_other_languages(path: str, line: str) -> None:
    assert rules(f"x\n{line}\n", b"x\n", path) == ["placeholder"]


def test_a_placeholder_that_was_there_before_is_no_objection() -> None:
    before = b"def f():\n    pass  # TODO: implement\n"
    assert rules(before.decode() + "\n\nx = 1\n", before) == []


@pytest.mark.parametrize(("path", "good", "bad", "line"), [
    ("a.py", "x = 1\n", "x = (\n", 1), ("a.py", "x = 1\n", "return 1\n", 1),
    ("a.json", '{"a": 1}', '{"a": 1,}', 1), ("a.toml", "a = 1\n", "a = 1\nb = \n", 2),
    ("a.py", "x = 1\n", "x = 1\n" + "(" * 100_000, None),
])  # fmt: skip
def test_syntax_errors_are_told_when_they_are_new(
    path: str, good: str, bad: str, line: int | None
) -> None:
    told = objections([{"path": path, "content": bad}], {path: good.encode()})
    (found,) = (one for one in told if one.rule == "syntax")
    assert line in (None, found.line)
    assert objections([{"path": path, "content": bad + "\n"}], {path: bad.encode()}) == []


@pytest.mark.parametrize("path", ["tests/test_a.py", "pkg/test/x.py", "test_a.py", "conftest.py",
                                  "src/a.test.ts", "src/__tests__/a.js"])  # fmt: skip
def test_tests_are_locked_unless_said_otherwise(path: str) -> None:
    assert rules("x = 2\n", b"x = 1\n", path, Policy()) == ["tests"]
    assert rules("x = 2\n", b"x = 1\n", path) == []
    made = objections([{"path": path, "content": "x = 2\n"}], {}, Policy())
    assert [one.rule for one in made] == ["tests"]


@pytest.mark.parametrize("after", [
    "def test_a():\n    assert f(1) == 2\n",
    "def test_a():\n    assert f(1) == 2\n\n\ndef test_b():\n    f(2)\n",
    "@pytest.mark.skip\ndef test_a():\n    assert f(1) == 2\n\n\n"
    "def test_b():\n    assert f(2) == 3\n",
    "def test_a():\n    assert f(1) == 2\n\n\ndef test_b():\n    assert True\n",
])  # fmt: skip
def test_tests_that_may_grow_may_not_be_weakened(after: str) -> None:
    before = b"def test_a():\n    assert f(1) == 2\n\n\ndef test_b():\n    assert f(2) == 3\n"
    grow = Policy(tests=Tests.GROW)
    assert "tests" in rules(after, before, "tests/test_f.py", grow)
    more = before.decode() + "\n\ndef test_c():\n    assert f(3) == 4\n"
    assert rules(more, before, "tests/test_f.py", grow) == []


def test_a_test_file_that_may_grow_may_not_be_deleted() -> None:
    call = {"path": "tests/test_f.py", "delete": True}
    found = objections(call, {"tests/test_f.py": b"x\n"}, Policy(tests=Tests.GROW))
    assert [one.rule for one in found] == ["tests"]


def test_files_out_of_scope_are_told() -> None:
    policy = Policy(allowed=("src/**", "*.toml"))
    assert rules("x = 2\n", b"x = 1\n", "lib/a.py", policy) == ["scope"]
    assert rules("x = 2\n", b"x = 1\n", "src/deep/a.py", policy) == []
    assert rules("x = 2\n", b"x = 1\n", "a.toml", policy) == []
    assert rules("x = 2\n", b"x = 1\n", "sub/a.toml", policy) == ["scope"]


def test_explosions_are_told() -> None:
    assert rules("x = 1\n" * 200_000, b"x = 1\n") == ["size"]
    assert rules("x = 1\n" * 50_000, b"x = 1\n" * 100) == ["size"]
    many = [{"path": f"f{n}.py", "content": "x = 1\n"} for n in range(201)]
    assert [one.rule for one in objections(many, {})] == ["size"]
