"""The matrix: what an upstream does, and what has to come of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.clients.answers import COST_NANO, DONE, answer, chunks, event, refusal, word
from tests.clients.model_server import Step
from tests.gateway.faults import faults as f

from buildwright.core.ledger import CallStatus

ERROR, AWAY, LATE = "upstream_error", "upstream_unavailable", "upstream_timeout"
LIMIT, SPENT = "rate_limit_exceeded", "insufficient_quota"
EMPTY_USAGE = 3 * COST_NANO


@dataclass(frozen=True)
class Row:
    """One fault: status and code the client sees, requests the upstream got, the ledger's row,
    dollars in nano that are spent, reservations that stay held, and faults the breaker counted.

    `retry_after_ms` is what the client is told, None for nothing.
    """

    name: str
    step: Step
    status: int
    code: str | None
    tries: int
    row: CallStatus
    spent: int = 0
    held: int = 0
    faults: int = 0
    retry_after_ms: str | None = None


def again(name: str, step: Step, status: int, code: str) -> Row:
    """A fault that is tried again in vain and costs nothing."""
    return Row(name, step, status, code, 3, "failed", faults=3)


def doubtful(name: str, step: Step, status: int = 502, code: str = ERROR) -> Row:
    """A fault that is tried again in vain, and each try may be on the bill."""
    return Row(name, step, status, code, 3, "in_doubt", held=3, faults=3)


def final(name: str, step: Step, status: int, code: str | None, faults: int = 0) -> Row:
    """A refusal that trying again would not change."""
    return Row(name, step, status, code, 1, "failed", faults=faults)


def limited(name: str, step: Step, told: str | None) -> Row:
    return Row(name, step, 429, LIMIT, 3, "failed", retry_after_ms=told)


REFUSALS = [
    again("500", f.refused(500), 500, ERROR),
    again("502", f.refused(502), 502, ERROR),
    again("503", f.refused(503), 503, AWAY),
    again("504", f.refused(504), 504, LATE),
    again("529", f.refused(529), 503, AWAY),
    again("an HTML page", f.refused(502, f.HTML, content_type="text/html"), 502, ERROR),
    limited("429", f.refused(429), None),
    limited("429 in seconds", f.refused(429, retry_after="0.01"), "10"),
    limited("429 in milliseconds", f.refused(429, retry_after_ms="5"), "5"),
    limited("429 with a date that is over", f.refused(429, retry_after=f.date_in(-9)), "1"),
    Row("429 for long", f.refused(429, retry_after="60"), 429, LIMIT, 1, "failed",
        retry_after_ms="60000"),
    final("429, money spent", f.refused(429, refusal(code=SPENT)), 429, SPENT),
    final("400", f.refused(400, refusal(code="bad")), 400, "bad"),
    final("401", f.refused(401), 502, "upstream_auth"),
    final("403", f.refused(403), 502, "upstream_auth"),
    final("404", f.refused(404), 404, "model_not_found"),
    final("413", f.refused(413, refusal(code="big")), 413, "big"),
    final("a redirection", f.refused(301, location="/v2"), 502, ERROR, faults=1),
    final("418", f.refused(418), 502, ERROR, faults=1),
]  # fmt: skip
BROKEN = [
    doubtful("reset", f.reset),
    doubtful("silence", f.silent, 504, LATE),
    doubtful("head cut", f.cut_head),
    doubtful("endless head", f.endless_head),
    doubtful("no HTTP", f.no_http),
]
WHOLE = [
    *REFUSALS,
    *BROKEN,
    again("an error within 200", f.constant(refusal("sorry")), 502, ERROR),
    doubtful("body stalls", f.stalled_body, 504, LATE),
    doubtful("body cut", f.cut_body),
    doubtful("an HTML page within 200", f.constant(f.HTML, content_type="text/html")),
    doubtful("malformed JSON", f.constant(b'{"choices": [')),
    doubtful("a list", f.constant(b"[1]")),
    doubtful("null", f.constant(b"null")),
    doubtful("nothing", f.constant(b"")),
    doubtful("JSON of another shape", f.constant(b'{"result": "ok"}')),
    doubtful("choices that are no list", f.constant(b'{"choices": "x"}')),
    doubtful("bad UTF-8", f.constant(b'{"choices": [{"message": {"content": "\xff"}}]}')),
    doubtful("no choices, no usage", f.whole(lambda b: answer(b, choices=[], usage=None))),
    Row("no choices, but a usage", f.whole(lambda b: answer(b, choices=[])), 502, ERROR, 3,
        "failed", spent=EMPTY_USAGE, faults=3),
    Row("100 MB", f.huge_body, 502, ERROR, 1, "in_doubt", held=1, faults=1),
    Row("100 MB in chunks", f.huge_chunked, 502, ERROR, 1, "in_doubt", held=1, faults=1),
]  # fmt: skip
FIRST = [
    *REFUSALS,
    *BROKEN,
    again("an error event first", f.stream(f.ERROR_EVENT, DONE), 502, ERROR),
    doubtful("an error event behind the first", f.stream(event({"choices": []}) + f.ERROR_EVENT)),
    doubtful("malformed first event", f.stream(b"data: {bad\n\n", DONE)),
    doubtful("bad UTF-8 in the first event", f.stream(b"data: \xff\xfe\n\n", DONE)),
    doubtful("a first event that is cut", f.stream(b'data: {"choi', end=False)),
    doubtful("no event", f.stream()),
    doubtful("only the end", f.stream(DONE)),
    Row("no stream", f.whole(answer), 502, ERROR, 1, "in_doubt", held=1, faults=1),
    Row("an HTML page within 200", f.constant(f.HTML, content_type="text/html"), 502, ERROR, 1,
        "in_doubt", held=1, faults=1),
]  # fmt: skip


def cut(name: str, rest: Step, code: str = ERROR) -> Row:
    """A fault after the first word: never tried again, told in the stream."""
    return Row(name, f.Later(rest), 200, code, 1, "in_doubt", held=1, faults=1)


def later() -> list[Row]:
    """Return the faults of streams that have begun."""
    return [
        cut("stall", f.silent, LATE),
        cut("cut", f.more(end=False)),
        cut("reset", f.reset),
        cut("an end without a finish", f.more()),
        cut("an error event", f.more(f.ERROR_EVENT, DONE)),
        cut("a malformed usage", f.more(b'data: {"usage": {bad\n\n', DONE)),
        cut("100 MB of events", f.endless_events),
        cut("one event of 100 MB", f.one_endless_event),
    ]


LATER = [row.name for row in later()]
GOOD_STREAMS = {
    "[DONE] is missing": f.streamed(lambda b: chunks(b)[:-1]),
    "comments and other fields": f.streamed(
        lambda b: [b": ping\n\n", b"event: x\nid: 7\nretry: 5\n\n", *chunks(b)]
    ),
    "CR LF": f.streamed(lambda b: [one.replace(b"\n", b"\r\n") for one in chunks(b)]),
    "byte by byte": f.streamed(
        lambda b: [bytes([byte]) for one in chunks(b) for byte in one]
    ),
    "usage with choices": f.streamed(
        lambda b: [word(0), event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                   "usage": {"prompt_tokens": 11, "completion_tokens": 7}}), DONE]
    ),
}  # fmt: skip
