"""What covers an item is computed from marks and outcomes, and an outcome never says too much."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.samples import analysis, item

from buildwright.core.build import Attempt, ModelWork, Outcome
from buildwright.core.plan import Plan
from buildwright.core.report import ItemTrace
from buildwright.core.requirements import Priority
from buildwright.core.tree import FileEntry, Tree
from buildwright.core.verdict import CaseOutcome, CaseResult, TestRun, Verdict
from buildwright.design.planning import Choice, make_plan
from buildwright.workflow.outcome import judge
from buildwright.workflow.repair import Approach, approach, fingerprint
from buildwright.workflow.trace import evidence_of, marked_tests, trace_items

TESTS = {
    "tests/test_a.py": b"""
import pytest

@pytest.mark.covers("manage:Book", "open")
def test_book(): ...

@pytest.mark.covers("FR-2")
class TestMail:
    def test_sent(self): ...

def test_nothing(): ...
""",
    "tests/broken.py": b"def (",
}


def plan(*items: object) -> Plan:
    choice = Choice("t", "1", "T", "r", {}, {"manage:Book": ("src/b.py",), "open": ("src/a.py",)})
    return make_plan(analysis(), choice, (), {})


def run(**outcomes: str) -> TestRun:
    ids = {"book": "tests/test_a.py::test_book", "sent": "tests/test_a.py::TestMail::test_sent"}
    cases = tuple(CaseResult(ids[name], CaseOutcome(word)) for name, word in outcomes.items())
    bad = any(case.outcome is not CaseOutcome.PASSED for case in cases)
    return TestRun(Verdict.FAILED if bad else Verdict.PASSED, "", cases)


def trace(
    one: TestRun, needs: tuple[str, ...], number: int = 1, **more: tuple[str, ...]
) -> ItemTrace:
    evidence = evidence_of(plan(), one, TESTS, **more)
    return trace_items([item(number, needs)], evidence)[0]


def test_marks_are_read_from_functions_and_classes_without_importing() -> None:
    assert marked_tests(TESTS) == {
        "manage:Book": ("tests/test_a.py::test_book",),
        "open": ("tests/test_a.py::test_book",),
        "FR-2": ("tests/test_a.py::TestMail::test_sent",),
    }


def test_an_item_is_covered_when_all_its_needs_have_passing_tests() -> None:
    found = trace(run(book="passed"), ("manage:Book", "open"))
    assert (found.status, found.files) == ("covered", ("src/b.py", "src/a.py"))
    assert found.tests == ("tests/test_a.py::test_book",)


def test_a_failing_or_missing_test_makes_it_failing() -> None:
    assert trace(run(book="failed"), ("manage:Book",)).status == "failing"
    assert trace(run(), ("manage:Book",)).status == "failing"


def test_what_the_template_does_not_provide_is_uncovered_with_the_reason() -> None:
    found = trace(run(book="passed"), ("manage:Book", "export-csv"))
    assert (found.status, found.tests) == ("uncovered", ())
    assert "does not provide export-csv" in found.why
    assert "no rule knows" in trace(run(book="passed"), ()).why


def test_a_model_proves_an_item_by_its_id_unless_its_test_is_hollow() -> None:
    mail = "tests/test_a.py::TestMail::test_sent"
    assert trace(run(sent="passed"), (), 2).status == "covered"
    assert trace(run(sent="passed"), (), 2, hollow=(mail,)).status == "uncovered"


def test_tests_of_the_user_prove_what_no_template_covers() -> None:
    brought = ("tests/test_a.py",)
    assert trace(run(book="passed", sent="passed"), (), acceptance=brought).status == "covered"
    assert trace(run(book="passed", sent="failed"), (), acceptance=brought).status == "failing"


def test_what_the_text_rules_out_is_out_of_scope() -> None:
    wont = replace(item(needs=()), priority=Priority.WONT)
    assert trace_items([wont], evidence_of(plan(), run(), {}))[0].status == "out_of_scope"


@pytest.mark.parametrize(
    ("verdict", "status", "outcome"),
    [
        (Verdict.PASSED, "covered", Outcome.PASSED),
        (Verdict.PASSED, "uncovered", Outcome.PARTIAL),
        (Verdict.PASSED, "failing", Outcome.PARTIAL),
        (Verdict.PASSED, "out_of_scope", Outcome.PASSED),
        (Verdict.FLAKY, "covered", Outcome.PARTIAL),
        (Verdict.FAILED, "covered", Outcome.FAILED),
        (Verdict.INFRA, "covered", Outcome.ERROR),
        (Verdict.NOT_RUN, "covered", Outcome.ERROR),
    ],
)
def test_an_outcome_never_says_more_than_the_evidence(
    verdict: Verdict, status: str, outcome: Outcome
) -> None:
    found = replace(trace(run(book="passed"), ("manage:Book",)), status=status)  # type: ignore[arg-type]
    assert judge(TestRun(verdict, "why"), [found])[0] is outcome


def test_a_spent_budget_is_an_outcome_of_its_own_only_when_tests_fail() -> None:
    assert judge(run(book="failed"), [], "over_budget")[0] is Outcome.OVER_BUDGET
    assert judge(run(book="passed"), [], "over_budget")[0] is Outcome.PASSED


def attempt(number: int, failing: int, tree: str = "") -> Attempt:
    cases = tuple(CaseResult(f"t::{i}", CaseOutcome.FAILED, "x") for i in range(failing))
    verdict = Verdict.FAILED if failing else Verdict.PASSED
    mark = Tree((FileEntry("a", tree or str(number), 1, "m"),))
    from buildwright.core.assessment import Assessment

    work = ModelWork(1, 0.0, "done")
    return Attempt(number, mark, TestRun(verdict, "", cases), Assessment(()), Tree(), work)


def test_without_progress_the_approach_widens_step_by_step_to_the_end() -> None:
    rows = tuple(attempt(n, 3 + (n == 3)) for n in range(1, 6))
    found = [approach(rows[:n]) for n in range(1, 6)]
    steps = [Approach.FEEDBACK, Approach.WIDER, Approach.AFRESH, Approach.AFRESH, Approach.STOP]
    assert found == steps


def test_progress_starts_over_and_a_repeated_state_is_none() -> None:
    assert approach((attempt(1, 3), attempt(2, 3), attempt(3, 2))) is Approach.FEEDBACK
    assert approach((attempt(1, 3, "a"), attempt(2, 3, "a"))) is Approach.WIDER


def test_a_fingerprint_ignores_numbers_addresses_and_paths() -> None:
    def failed(message: str) -> TestRun:
        return TestRun(Verdict.FAILED, "", (CaseResult("t", CaseOutcome.FAILED, message),))

    same = {fingerprint(failed(f"at 0x{n:x} in /tmp/x{n}: took {n}.5 s")) for n in range(3)}
    assert len(same) == 1
    assert fingerprint(failed("other")) not in same
