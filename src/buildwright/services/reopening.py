"""Going on with a build that is over: which ones can, with how much money, and into what folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

from buildwright.core.build import Build, BuildState, Outcome, StageName
from buildwright.core.errors import OutputError, UsageError
from buildwright.core.events import EventKind
from buildwright.core.ledger import NANO, Budget, nano_of, usd
from buildwright.core.tree import RenderedFile
from buildwright.core.verdict import Verdict
from buildwright.services.calls import is_own_total
from buildwright.services.request import walk_source
from buildwright.store.rows import Data, Note
from buildwright.workflow.repair import OVER_BUDGET, was_cut_off

AGAIN = (Outcome.ERROR, Outcome.CANCELLED, Outcome.OVER_BUDGET)
"""Outcomes that are no last word on the code."""
MOST_NAMED = 5


def refuse_finished(build: Build) -> None:
    """Raise UsageError for a build whose outcome stands."""
    if build.outcome is not None and build.outcome not in AGAIN:
        raise UsageError(
            f"build {build.id} is finished ({build.outcome.value}); there is nothing to resume",
            next_step=f"buildwright builds show {build.id}",
        )


def check_cap(build: Build, max_usd: float | None, spent_nano: int, caps: Sequence[Budget]) -> None:
    """Raise UsageError for a cap that lets a build which is over budget buy nothing more."""
    if _buys(max_usd, spent_nano):
        return
    given = "missing" if max_usd is None else usd(nano_of(max_usd))
    raise UsageError(
        f"--max-usd is {given}, and build {build.id} ended over budget with {usd(spent_nano)} USD "
        f"spent; expected an amount above that",
        next_step=with_more(build.id, caps),
    )


def with_more(build_id: str, caps: Sequence[Budget]) -> str:
    """Return the command that goes on with a build; `caps` are all that can stop it.

    The one with the least left refused the call, as it would any other that did: it is doubled.
    """
    own = [cap for cap in caps if is_own_total(cap, build_id)]
    others = [cap for cap in caps if cap not in own]
    tightest = min([*own, *others], key=lambda cap: cap.left_nano, default=None)
    had = max(map(_had, own), default=0)
    if tightest is None or tightest in own:
        return f"buildwright builds resume {build_id} --max-usd {usd(2 * had or NANO)}"
    period = "" if tightest.period == "total" else f" --period {tightest.period}"
    more = usd(2 * _had(tightest) or NANO)
    return (
        f"buildwright budgets set {tightest.scope} --usd {more}{period} && "
        f"buildwright builds resume {build_id} --max-usd {usd(had or NANO)}"
    )


def _had(cap: Budget) -> int:
    return max(cap.cap_nano, cap.spent_nano + cap.held_nano)


def refuse_changed(build: Build, delivered: Sequence[RenderedFile]) -> None:
    """Raise OutputError when a delivered project was worked on since: a resume replaces it."""
    out = Path(build.request.out)
    if build.request.into is not None or not out.is_dir():
        return
    known = {file.path: file.content for file in delivered}
    changed = [
        inner
        for path in sorted(walk_source(out))
        if known.get(inner := path.relative_to(out).as_posix()) != path.read_bytes()
    ]
    if changed:
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        raise OutputError(
            f"output folder {str(out)!r} was changed since build {build.id} delivered it: "
            f"{', '.join(changed[:MOST_NAMED])}{more}",
            next_step="move these files away, they would be replaced; then resume again",
        )


def reopening(state: BuildState, max_usd: float | None, spent_nano: int) -> tuple[Note, ...]:
    """Return the event of a build that the money stopped and that gets more; none for others."""
    last = state.attempts[-1] if state.attempts else None
    if last is None or last.number != state.attempt or not was_cut_off(last):
        return ()
    if not _buys(max_usd, spent_nano) or last.run.verdict is not Verdict.FAILED:
        return ()
    spent = usd(spent_nano)
    text = f"with a cap of {usd(nano_of(max_usd))} USD, of which {spent} are spent"
    data: Data = {"max_usd": max_usd, "spent_usd": spent, "summary": text}
    return (Note(EventKind.BUILD_REOPENED, attempt=last.number, data=data),)


def awaits_judgement(state: BuildState, max_usd: float | None, spent_nano: int) -> bool:
    """Tell whether the money ended an attempt that was not judged yet, and there is more of it.

    What it made is tested first, and may be enough.
    """
    judged = bool(state.attempts) and state.attempts[-1].number == state.attempt
    work = state.products.work if StageName.GENERATE in state.done else None
    cut_off = work is not None and work.ended == OVER_BUDGET
    return cut_off and not judged and _buys(max_usd, spent_nano)


def _buys(max_usd: float | None, spent_nano: int) -> TypeGuard[float]:
    return max_usd is not None and nano_of(max_usd) > spent_nano
