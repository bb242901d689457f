"""An edit lands where it should, or is refused with the lines in question."""

from __future__ import annotations

import pytest
from tests.workspace.edits.samples import (
    CODE,
    batch_of,
    block,
    changed,
    hashes,
    hunk_request,
    landed,
    refusal,
    why,
)

from buildwright.workspace.edits import Batch, Reason, Refusals, apply_in_memory, resolve
from buildwright.workspace.edits.forms import sha256

PRICE = "            result += item.price\n"


def test_an_exact_block_lands() -> None:
    new = PRICE.replace("price", "cost")
    assert changed(PRICE, new) == CODE.replace(b"item.price", b"item.cost")


@pytest.mark.parametrize("old", ["result += item.price\n", "result+=item.price\n",
                                 "\tresult += item.price  \n"])  # fmt: skip
def test_a_line_alone_but_for_white_space_lands_at_the_files_depth(old: str) -> None:
    depth = old[: len(old) - len(old.lstrip())]
    after = changed(old, f"{depth}result += item.cost\n")
    assert after == CODE.replace(b"item.price", b"item.cost")


def test_new_lines_take_the_shift_of_the_lines_around() -> None:
    old = "for item in items:\n    result += item.price\n"
    new = "for item in items:\n    if item:\n        result += item.price\n"
    after = changed(old, new)
    assert b"        for item in items:\n            if item:\n                result +=" in after


def test_tabs_of_the_file_are_kept_when_the_model_sends_spaces() -> None:
    data = b"def f(x):\n\tif x:\n\t\treturn 1\n\treturn 2\n"
    after = changed(
        "    if x:\n        return 1\n", "    if x:\n        x()\n        return 3\n", data
    )
    assert after == b"def f(x):\n\tif x:\n\t\tx()\n\t\treturn 3\n\treturn 2\n"


def test_kept_lines_stay_as_the_file_has_them() -> None:
    data = b"def f( a,b ):\n    x = a\n    return x\n"
    after = changed("def f(a, b):\n    x = a\n", "def f(a, b):\n    x = b\n", data)
    assert after == b"def f( a,b ):\n    x = b\n    return x\n"


def test_a_misquoted_line_that_stays_does_not_matter_between_two_anchors() -> None:
    old = "def largest(values):\n    top = values[0]\n    for value in values:\n"
    old += "        if value > best:\n            best = value\n"
    new = old.replace("value > best", "value >= best")
    assert changed(old, new) == CODE.replace(b"value > best", b"value >= best")


def test_a_misquoted_line_that_is_to_go_is_refused() -> None:
    old = "def largest(values):\n    best = values[1]\n    for value in values:\n"
    old += "        if value > best:\n"
    new = old.replace("values[1]", "None")
    assert refusal(old, new) is Reason.DOUBTFUL


def test_elisions_in_both_texts_stand_for_the_lines_between() -> None:
    old = "class Shop:\n    ...\n    def names(self, items):\n"
    old += "        return [item.name for item in items]\n"
    after = changed(old, old.replace("item.name for", "item.label for"))
    assert after == CODE.replace(b"item.name for", b"item.label for")


def test_an_ambiguous_text_is_refused_with_all_its_lines() -> None:
    data = b"x = 1\ny = 2\nx = 1\n    x  =  1\n"
    refused = batch_of(block("a.py", "x = 1\n", "x = 3\n"), {"a.py": data})
    assert isinstance(refused, Refusals)
    assert refused.items[0].reason is Reason.AMBIGUOUS
    assert refused.items[0].lines == (1, 3)


def test_a_text_that_stands_deeper_elsewhere_is_ambiguous() -> None:
    data = b"x = 1\nif y:\n    x = 1\n"
    assert refusal("x = 1\n", "x = 3\n", data) is Reason.AMBIGUOUS


def test_the_same_edit_twice_changes_nothing_more() -> None:
    old, new = "    best = values[0]\n", "    best = max(values[:1])\n"
    files = {"a.py": changed(old, new)}
    batch = batch_of(block("a.py", old, new), files)
    assert isinstance(batch, Batch)
    assert batch.already == ("a.py, edit 1: there already",)
    assert apply_in_memory(batch, files) == files


def test_lines_that_were_added_are_not_added_again() -> None:
    old, new = "import os\n", "import os\nimport sys\n"
    once = changed(old, new)
    assert changed(old, new, once) == once


def test_a_stale_file_is_refused_by_name() -> None:
    files = {"a.py": CODE}
    refused = resolve(hunk_request("import os", "import sys"), files, {"a.py": sha256(b"old")})
    assert isinstance(refused, Refusals)
    assert refused.items[0].reason is Reason.STALE
    assert "'a.py' has changed since it was shown" in refused.text


def test_a_file_that_was_not_shown_is_not_edited() -> None:
    refused = resolve(hunk_request("import os", "import sys"), {"a.py": CODE}, {})
    assert isinstance(refused, Refusals)
    assert refused.items[0].reason is Reason.NOT_SHOWN


def test_an_unknown_file_is_refused_with_the_nearest_name() -> None:
    files = {"src/app.py": CODE}
    refused = batch_of(block("app.py", "import os\n", "import sys\n"), files)
    assert isinstance(refused, Refusals)
    assert "did you mean 'src/app.py'?" in refused.text


def test_overlapping_edits_are_refused_and_nothing_lands() -> None:
    answer = block("a.py", PRICE, "            result += 1\n") + block(
        "a.py", "        for item in items:\n" + PRICE, "        result = 5\n"
    )
    assert why(answer, {"a.py": CODE}) == [Reason.OVERLAP]


def test_edits_may_share_lines_that_stay() -> None:
    answer = block("a.py", "import os\n\n\nclass Shop:\n", "import re\n\n\nclass Shop:\n") + block(
        "a.py",
        "class Shop:\n    def total(self, items):\n",
        "class Shop:\n    def sum(self, items):\n",
    )
    after = landed(answer, {"a.py": CODE})["a.py"]
    assert after == CODE.replace(b"import os", b"import re").replace(b"def total", b"def sum")


def test_a_search_that_lost_its_last_lines_is_refused() -> None:
    old = "    best = values[0]\n"
    new = "    best = None\n    for value in values:\n        if value > best:\n"
    new += "            best = value\n"
    assert refusal(old, new) is Reason.DOUBTFUL


def test_search_without_depth_and_replacement_with_it_are_told_apart() -> None:
    old = "for item in items:\n    result += item.price\n"
    new = "        for item in items:\n            result += item.cost\n"
    assert changed(old, new) == CODE.replace(b"item.price", b"item.cost")
    assert refusal("result += item.price\n", "      result += 1\n") is Reason.DOUBTFUL


def test_a_refusal_shows_the_edit_and_few_real_lines() -> None:
    lines = "".join(f"value_{n} = {n}\n" for n in range(500))
    old = "".join(f"value_{n} = {n}0\n" for n in range(300, 360)) + "value_360 = 360\n"
    refused = batch_of(block("a.py", old, "x = 1\n"), {"a.py": lines.encode()})
    assert isinstance(refused, Refusals)
    shown = [line for line in refused.text.splitlines() if "|" in line]
    assert 0 < len(shown) <= 20
    assert len(refused.text.splitlines()) < 50


def test_one_bad_edit_keeps_the_good_ones_from_landing() -> None:
    answer = block("a.py", "import os\n", "import re\n") + block("a.py", "nowhere\n", "x\n")
    assert why(answer, {"a.py": CODE}) == [Reason.NOT_FOUND]


def test_hunks_of_two_files_are_one_batch() -> None:
    files = {"a.py": CODE, "b.py": b"x = 1\n"}
    answer = block("a.py", "import os\n", "import re\n") + block("b.py", "x = 1\n", "x = 2\n")
    after = landed(answer, files)
    assert after == {"a.py": CODE.replace(b"import os", b"import re"), "b.py": b"x = 2\n"}
    assert hashes(after) != hashes(files)


def test_like_lines_at_two_depths_quoted_too_deep_are_refused() -> None:
    data = b"def f(x):\n    if x:\n        return g(x)\n    return g(x)\n"
    old = "            return g(x)\n        return g(x)\n"
    assert refusal(old, "        return g(x)\n", data) is Reason.DOUBTFUL


def test_only_the_quoted_lines_are_too_deep() -> None:
    data = b"def f(x):\n    if x:\n        return 1\n    for y in x:\n        if y:\n"
    data += b"            return 1\n"
    old = "        if x:\n            return 1\n        for y in x:\n            if y:\n"
    new = "    if x:\n        return 1\n    for y in x[1:]:\n        if y:\n"
    assert changed(old, new, data) == data.replace(b"in x:", b"in x[1:]:")
