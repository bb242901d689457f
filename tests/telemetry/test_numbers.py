"""Numbers as Prometheus reads them."""

from __future__ import annotations

import re

import pytest

from buildwright.core.call_events import CallDone
from buildwright.core.ledger import TokenUsage
from buildwright.telemetry.build import build_info, commit_in
from buildwright.telemetry.calls import CallMetrics
from buildwright.telemetry.numbers import Counter, Histogram, exposition

LINE = re.compile(r'^[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? \S+$')


def done(**more: object) -> CallDone:
    usual = {
        "call_id": "c", "wire": "chat", "asked": "m", "provider": "p", "model": "m", "status": 200,
        "error": "", "stream": False, "cache": "fwd=miss", "usage": TokenUsage(10, output=5),
        "cost_nano": 2_000_000_000, "total_s": 0.02, "upstream_s": 0.01, "first_byte_s": 0.01,
        "queue_s": 0.0, "attempts": 1, "fallbacks": 0,
    }  # fmt: skip
    return CallDone(**{**usual, **more})  # type: ignore[arg-type]


def test_a_histogram_counts_up_to_each_bound() -> None:
    histogram = Histogram("h", "text", ("a",), (1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(("x",), value)
    lines = exposition([histogram]).splitlines()
    assert lines[2:] == [
        'h_bucket{a="x",le="1"} 2',
        'h_bucket{a="x",le="2"} 3',
        'h_bucket{a="x",le="+Inf"} 4',
        'h_sum{a="x"} 12',
        'h_count{a="x"} 4',
    ]


def test_labels_cannot_break_out() -> None:
    counter = Counter("c", "text", ("a",))
    counter.add(('"} 1\n\\evil',))
    (line,) = exposition([counter]).splitlines()[2:]
    assert LINE.match(line)


def test_every_line_is_well_formed_and_series_begin_at_zero() -> None:
    metrics = CallMetrics("1")
    lines = [line for line in exposition(metrics.all()).splitlines() if line[0] != "#"]
    assert all(LINE.match(line) for line in lines)
    assert 'buildwright_cache_requests_total{kind="exact",outcome="hit"} 0' in lines
    assert "buildwright_llm_in_doubt_total 0" in lines


def test_a_call_is_counted_with_its_tokens_and_cost() -> None:
    metrics = CallMetrics("1")
    metrics.observe(done())
    metrics.observe(done(cache="hit; ttl=5; detail=exact", attempts=0, cost_nano=0))
    text = exposition(metrics.all())
    assert 'buildwright_llm_cost_usd_total{provider="p",model="m"} 2' in text
    assert 'buildwright_cache_requests_total{kind="exact",outcome="hit"} 1' in text
    assert 'buildwright_cache_requests_total{kind="exact",outcome="miss"} 1' in text
    assert 'gen_ai_token_type="input"} 10' in text


def test_a_thousand_model_names_are_not_a_thousand_series() -> None:
    metrics = CallMetrics("1")
    for number in range(1000):
        metrics.observe(done(model=f"m{number}"))
    models = {values[1] for values in metrics.cost.values}
    assert len(models) == 201
    assert "other" in models


def test_a_build_tells_its_version_its_commit_and_its_sqlite() -> None:
    (line,) = exposition([build_info("1.2")]).splitlines()[2:]
    assert re.fullmatch(
        r'buildwright_build_info\{version="1.2",commit="\w+",sqlite_version="3\.[0-9.]+"\} 1', line
    )
    assert line in exposition(CallMetrics("1.2").all())


@pytest.mark.parametrize(
    ("origin", "commit"),
    [
        ('{"url": "https://x", "vcs_info": {"vcs": "git", "commit_id": "0abc12"}}', "0abc12"),
        ('{"url": "file:///x", "dir_info": {"editable": true}}', "unknown"),
        ("{}", "unknown"),
    ],
)
def test_a_commit_is_known_where_the_installer_wrote_it_down(origin: str, commit: str) -> None:
    assert commit_in(origin) == commit
