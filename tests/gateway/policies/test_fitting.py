"""What no model of the plan takes is refused before it is sent; what may fit is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.gateway.policies.making import call, target

from buildwright.gateway.call import Call
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies.spending import bound_call
from buildwright.gateway.pricing import estimate_tokens, least_tokens

PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def asked(*sizes: int | None, text: str = "hi", **body: Any) -> Call:
    """Return a call to models that take so many tokens."""
    plan = tuple(replace(target(f"m{n}"), context_tokens=size) for n, size in enumerate(sizes))
    return call(text, plan=plan, **body)


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        (asked(1000, text="word " * 9000), "the messages are more than 6000 tokens"),
        (asked(1000, max_tokens=1001), "the answer may have 1001, and 'm' takes 1000 for both"),
        (asked(1000, max_tokens=None, max_completion_tokens=1001), "may have 1001"),
        (asked(1000, text="word " * 1200, max_tokens=300), "more than 800 tokens and the answer"),
        (asked(900, 1000, max_tokens=1001), "takes 1000 for both"),
        (asked(1000, system="word " * 1200, max_tokens=300), "more than 800 tokens"),
    ],
)
def test_what_surely_does_not_fit_is_refused(mine: Call, said: str) -> None:
    with pytest.raises(GatewayError, match=said) as caught:
        bound_call(mine, 20)
    assert (caught.value.status, caught.value.error_code) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    "mine",
    [
        asked(1000, max_tokens=980),
        asked(1000, text="word " * 600, max_tokens=500),
        asked(1000, None, max_tokens=5000),
        asked(None, max_tokens=5000),
        asked(1000, 9000, max_tokens=5000),
        asked(1000, max_tokens=500, n=100),
        asked(1000, max_tokens=None),
        asked(1000, messages=[{"role": "user", "content": [PICTURE] * 50}], max_tokens=500),
    ],
)
def test_what_may_fit_is_left_to_the_provider(mine: Call) -> None:
    bound_call(mine, 20_000)
    assert mine.bound_nano > 0


def test_an_answer_that_our_own_calls_allow_by_default_is_no_reason_to_refuse() -> None:
    mine = asked(1000, max_tokens=4096)
    mine.repeats = True
    bound_call(mine, 20)
    assert mine.max_output == 4096


def test_of_many_texts_to_embed_each_one_has_to_fit() -> None:
    many = {"model": "m", "input": ["word " * 300] * 50}
    assert least_tokens(many) == least_tokens({"model": "m", "input": "word " * 300}) == 500
    assert least_tokens({"model": "m", "input": [[1, 2, 3]]}) == 0
    assert estimate_tokens(many) > 50 * 500
