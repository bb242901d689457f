"""Where foreign text enters a build: what tests print, and what goes to a model and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from buildwright.core.chat import ChatReply, ChatRequest, Gateway
from buildwright.core.errors import BuildwrightError
from buildwright.core.redact import MARK, Redactor
from buildwright.core.verdict import TestRun


def redacted_run(run: TestRun, redact: Redactor) -> TestRun:
    """Return the run without secrets in what it says; ids are the locked text's own and stay."""
    return replace(
        run,
        reason=redact(run.reason),
        output_tail=redact(run.output_tail),
        cases=tuple(replace(case, message=redact(case.message)) for case in run.cases),
    )


class RedactedGateway:
    """A gateway that is sent no secret, and whose errors name none."""

    def __init__(self, inner: Gateway, redact: Redactor) -> None:
        self._inner, self._redact = inner, redact

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the answer to the redacted request; raises what the inner gateway raises."""
        messages = self._redact.data(request.messages)
        try:
            return await self._inner.complete(replace(request, messages=messages))
        except BuildwrightError as error:
            raise redacted_error(error, self._redact) from None


def redacted_error(error: BuildwrightError, redact: Redactor) -> BuildwrightError:
    """Return the error with its own texts redacted."""
    error.message, error.next_step = redact(error.message), redact(error.next_step)
    error.args = tuple(redact(part) if isinstance(part, str) else part for part in error.args)
    return error


def newly_marked(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """Return a path where an edit writes MARK in place of what it was not shown, or nothing."""
    mark = MARK.encode()
    return next(
        (
            path
            for path, content in after.items()
            if content.count(mark) > before.get(path, b"").count(mark)
        ),
        "",
    )
