"""State is the fold of stored updates; the codec keeps every one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.samples import analysis, request

from buildwright.core import codec
from buildwright.core.assessment import Assessment
from buildwright.core.build import Build, Outcome, StageName, StageRecord, Status, Update, fold
from buildwright.core.clock import Clock, new_build_id
from buildwright.core.errors import StoreError, UnknownNameError
from buildwright.core.tree import FileEntry, Tree
from buildwright.core.verdict import CaseOutcome, CaseResult, TestRun, Verdict


def build() -> Build:
    return Build("b1", "book-api", request(), Status.QUEUED, None, "", 1.0, 1.0)


def test_a_later_update_replaces_only_what_it_names() -> None:
    first = Update(analysis=analysis(), tree=Tree())
    second = Update(tree=Tree((FileEntry("a.py", "00", 1, "user"),)))
    rows = [
        (StageRecord(StageName.ANALYZE, 1, 0.0, 1.0), first),
        (StageRecord(StageName.GENERATE, 1, 1.0, 3.0), second),
    ]
    state = fold(build(), rows)
    assert state.products.analysis == analysis()
    assert state.products.tree == second.tree
    assert state.done == {StageName.ANALYZE, StageName.GENERATE}
    assert state.timings[StageName.GENERATE] == 2.0


def test_an_update_survives_the_codec() -> None:
    case = CaseResult("tests/test_a.py::test_b", CaseOutcome.FAILED, "why", 0.5)
    update = Update(analysis=analysis(), run=TestRun(Verdict.FLAKY, "r", (case,), 0.5))
    assert codec.load(Update, codec.dump(update)) == update


def test_a_row_of_another_shape_is_named() -> None:
    with pytest.raises(StoreError, match="stored Update cannot be read: tree"):
        codec.load(Update, '{"tree": 3}')


@given(st.lists(st.tuples(st.text(), st.booleans(), st.text()), unique_by=lambda row: row[0]))
def test_a_tree_id_depends_on_path_mode_and_digest_only(rows: list[tuple[str, bool, str]]) -> None:
    def tree(source: str) -> Tree:
        return Tree(tuple(FileEntry(p, d, 1, source, x) for p, x, d in rows))

    assert tree("user").id == tree("model x").id
    changed = Tree((*tree("user").files, FileEntry("more", "ff", 1, "user")))
    assert changed.id != tree("user").id


def test_ids_sort_by_time_and_do_not_repeat() -> None:
    ids = [new_build_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert all(len(one) == 14 for one in ids)
    assert Clock().now() > 0


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("passed", 0), ("partial", 0), ("failed", 1), ("error", 3), ("over_budget", 4),
     ("cancelled", 130)],
)  # fmt: skip
def test_outcomes_have_the_exit_codes_of_the_design(outcome: str, code: int) -> None:
    assert Outcome(outcome).exit_code == code


def test_an_unknown_name_suggests_the_nearest_or_lists_all() -> None:
    assert "did you mean 'rest-api'" in str(UnknownNameError("template", "restapi", ["rest-api"]))
    assert "known: cli, web" in str(UnknownNameError("template", "zzz", ["web", "cli"]))


def attempt_rows(number: int, failing: int) -> list[tuple[StageRecord, Update]]:
    cases = tuple(CaseResult(f"t::{i}", CaseOutcome.FAILED) for i in range(failing))
    run = TestRun(Verdict.FAILED if failing else Verdict.PASSED, "", cases)
    tree = Tree((FileEntry("a.py", str(number), 1, "model"),))
    return [
        (StageRecord(StageName.GENERATE, number, 0.0, 1.0), Update(tree=tree)),
        (StageRecord(StageName.DOCUMENT, number, 1.0, 2.0), Update(documents=Tree())),
        (StageRecord(StageName.ASSESS, number, 1.0, 2.0), Update(assessment=Assessment(()))),
        (StageRecord(StageName.TEST, number, 1.0, 2.0), Update(run=run)),
    ]


def test_the_best_attempt_is_kept_and_not_just_the_last() -> None:
    rows = [row for n, failing in ((1, 3), (2, 1), (3, 2)) for row in attempt_rows(n, failing)]
    state = fold(build(), rows)
    assert [attempt.number for attempt in state.attempts] == [1, 2, 3]
    assert state.best is not None
    assert state.best.number == 2
    assert state.timings[StageName.GENERATE] == 3.0


def test_a_new_attempt_opens_its_stages_again() -> None:
    rows = [*attempt_rows(1, 2), attempt_rows(2, 1)[0]]
    state = fold(build(), rows)
    assert state.attempt == 2
    assert state.done == {StageName.GENERATE}
