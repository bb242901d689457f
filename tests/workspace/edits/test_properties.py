"""For any text before and after: an edit made from them gives exactly after."""

from __future__ import annotations

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workspace.edits.samples import hashes

from buildwright.workspace.edits import (
    Batch,
    EditKind,
    EditRefused,
    Request,
    apply_in_memory,
    parse,
    parse_diff,
    resolve,
)

LINES = st.lists(
    st.one_of(
        st.sampled_from(["", "a", "b", "    a", "\ta", "}", "=======", "--- x", "+++ y",
                         "@@ -1 +1 @@", "```", ">>>>>>> REPLACE", "x = 1  ",
                         "é\u2028ü\x0b", " \x1c"]),
        st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=8),
    ),
    max_size=12,
)  # fmt: skip
NEWLINE = st.sampled_from(["\n", "\r\n"])
MARK = st.sampled_from(["", "\ufeff"])


def file_of(lines: list[str], newline: str, *, closed: bool, mark: str = "") -> bytes:
    text = newline.join(lines) + (newline if closed and lines else "")
    return (mark + text).encode()


def unified(old: list[str], new: list[str], *, ends: tuple[bool, bool], context: int) -> str:
    """A diff as git writes it, also about the newline at the end."""
    texts = [
        [f"{line}\n" for line in lines[:-1]]
        + ([lines[-1] + ("\n" if end else "")] if lines else [])
        for lines, end in zip((old, new), ends, strict=True)
    ]
    rows = difflib.unified_diff(texts[0], texts[1], "a/f.txt", "b/f.txt", n=context)
    return "".join(
        row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows
    )


@given(LINES, LINES, NEWLINE, st.tuples(st.booleans(), st.booleans()), st.integers(0, 4))
@settings(max_examples=500, deadline=None)
def test_a_diff_by_a_program_gives_exactly_after(
    old: list[str], new: list[str], newline: str, closing: tuple[bool, bool], context: int
) -> None:
    closed, closed_after = closing
    lasting = [bool(lines) and not (lines == [""] and not end)
               for lines, end in ((old, closed), (new, closed_after))]  # fmt: skip
    ends = (closed or (old or [""])[-1] == "", closed_after or (new or [""])[-1] == "")
    before, after = (
        file_of(lines, newline, closed=end) for lines, end in zip((old, new), ends, strict=True)
    )
    answer = unified(old, new, ends=ends, context=context)
    shows_newline = newline.encode() in before or newline == "\n"
    if before == after or not all(lasting) or not shows_newline:
        return
    files = {"f.txt": before}
    batch = resolve(parse_diff(answer, trusted=True), files, hashes(files))
    assert isinstance(batch, Batch), batch.text
    assert apply_in_memory(batch, files) == {"f.txt": after}


@given(LINES, LINES, st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_a_diff_by_a_model_gives_exactly_after_or_is_refused(
    old: list[str], new: list[str], context: int
) -> None:
    before, after = (file_of(lines, "\n", closed=True) for lines in (old, new))
    files = {"f.txt": before}
    answer = unified(old, new, ends=(True, True), context=context)
    try:
        batch = resolve(parse(answer), files, hashes(files))
    except EditRefused:
        return
    if isinstance(batch, Batch) and batch.edits and not batch.already:
        assert apply_in_memory(batch, files) == {"f.txt": after}


@given(LINES, LINES, NEWLINE, st.sampled_from(["closed", "open"]), MARK)
@settings(max_examples=500, deadline=None)
def test_a_block_of_the_whole_file_gives_exactly_after(
    old: list[str], new: list[str], newline: str, end: str, mark: str
) -> None:
    closed = end == "closed"
    if not closed and (old[-1:] == [""] or new[-1:] == [""]):
        return
    before, after = (file_of(lines, newline, closed=closed, mark=mark) for lines in (old, new))
    if not old or (not new and not closed) or newline.encode() not in before:
        return
    body = [*(line + "\n" for line in old), "=" * 12 + "\n", *(line + "\n" for line in new)]
    answer = "f.txt\n" + "<" * 12 + " SEARCH\n" + "".join(body) + ">" * 12 + " REPLACE\n"
    files = {"f.txt": before}
    batch = resolve(parse(answer), files, hashes(files))
    assert isinstance(batch, Batch), batch.text
    assert apply_in_memory(batch, files) == {"f.txt": after}


@given(LINES, LINES)
@settings(max_examples=300, deadline=None)
def test_what_was_applied_changes_nothing_when_sent_again(old: list[str], new: list[str]) -> None:
    before, after = (file_of(lines, "\n", closed=True) for lines in (old, new))
    files, done = {"f.txt": before}, {"f.txt": after}
    request = Request("f.txt", EditKind.WRITE, content=after.decode(), exact_end=True)
    batch = resolve(request, files, hashes(files))
    assert isinstance(batch, Batch)
    assert apply_in_memory(batch, files) == done
    assert apply_in_memory(batch, done) == done
    again = resolve(request, done, hashes(files))
    assert isinstance(again, Batch)
    assert again.edits == ()


@given(st.text(max_size=40))
@settings(max_examples=500, deadline=None)
def test_no_path_leads_out_of_the_folder(path: str) -> None:
    batch = resolve(Request(path, EditKind.WRITE, content="x"), {}, {})
    if isinstance(batch, Batch):
        (made,) = apply_in_memory(batch, {})
        parts = made.split("/")
        assert not made.startswith("/")
        assert {"", ".", "..", ".git"}.isdisjoint(parts)


@given(st.lists(st.tuples(LINES, LINES), min_size=2, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_batch_lands_whole_or_not_at_all(pairs: list[tuple[list[str], list[str]]]) -> None:
    files = {f"{n}.txt": file_of(old, "\n", closed=True) for n, (old, _) in enumerate(pairs)}
    asked = [
        Request(f"{n}.txt", EditKind.WRITE, content="".join(f"{x}\n" for x in new), exact_end=True)
        for n, (_, new) in enumerate(pairs)
    ]
    whole = resolve(asked, files, hashes(files))
    assert isinstance(whole, Batch)
    wanted = {one.path: (one.content or "").encode() for one in asked}
    assert apply_in_memory(whole, files) == wanted
    stale = {**hashes(files), "0.txt": "0" * 64}
    refused = resolve(asked, files, stale)
    assert not isinstance(refused, Batch) or files["0.txt"] == wanted["0.txt"]
