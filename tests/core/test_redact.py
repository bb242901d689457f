"""Secrets do not get through, and other text does."""

from __future__ import annotations

import logging
import string
import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildwright.core.redact import (
    MARK,
    TOLD,
    RedactingFilter,
    Redactor,
    known_secrets,
    redact_shapes,
)

VALUE = "v3ry-S3cret/Canary+Value=0123456789"
SHAPED = {
    "openai": "sk-proj-abcdefGHIJKLmnopqrst0123456789",
    "ours": "bw_" + "a1B2c3" * 6,
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": "ghp_" + "abCD1234" * 5,
    "github fine": "github_pat_11ABCDEFG0abcdefghijkl",
    "slack": "xoxb-123456789012-abcdefABCDEF",
    "google": "AIza" + "Sy0123456789-abcdefghijklmnopqrstuv",
    "header": "Authorization: Bearer abcdef123456",
    "bearer": "bearer abcdefghijklmnopqrstuvwx",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijklmnop",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nMIIabc+/=\nMIIdef\n-----END RSA PRIVATE KEY-----",
}
BODY = {name: text[-12:] for name, text in SHAPED.items()} | {"pem": "MIIabc+/="}
PLAIN = st.text(alphabet=string.ascii_letters + string.digits + " .,:;()[]{}'\"\n=", max_size=300)
AROUND = st.text(alphabet=" .,;()[]{}'\"\n\té…", max_size=120)


@given(PLAIN)
def test_text_without_secrets_is_not_changed(text: str) -> None:
    assert Redactor((VALUE,))(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "skip-this-very-long-test-name-because-it-is-long",
        "task-0123456789abcdef0123",
        "the bearer of this letter; authorization: none",
        "import sklearn, risk-assessment-of-many-things",
        "sha256:0123456789abcdef0123456789abcdef",
        "-----BEGIN CERTIFICATE-----\nMIIabc\n-----END CERTIFICATE-----",
        "tests/sk_a_name_that_is_long/test_sk.py::test_sk_short",
        "sk-learn-based-classifier-of-things",
        "uuid 123e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_what_only_looks_like_a_key_stays(text: str) -> None:
    assert redact_shapes(text) == text


@given(AROUND, AROUND)
def test_a_known_value_is_gone_wherever_it_stands(before: str, after: str) -> None:
    assert Redactor((VALUE,))(before + VALUE + after) == before + MARK + after


@given(PLAIN, PLAIN, st.integers(0, len(VALUE)))
def test_a_cut_of_a_known_value_is_gone(before: str, after: str, place: int) -> None:
    redact = Redactor((VALUE,))
    for part, text in ((VALUE[:place], before + VALUE[:place]), (VALUE[place:], VALUE[place:])):
        told = redact(text + after if part == VALUE[place:] else text)
        runs = (part[i : i + TOLD] for i in range(len(part) - TOLD + 1))
        assert not any(run in told for run in runs)


@pytest.mark.parametrize("name", SHAPED)
@given(AROUND, AROUND)
def test_a_key_is_gone_by_its_shape(name: str, before: str, after: str) -> None:
    told = redact_shapes(before + " " + SHAPED[name] + " " + after)
    assert BODY[name] not in told
    assert MARK in told


def test_a_private_key_without_its_end_or_its_beginning_is_gone() -> None:
    body = "MIIabcdef0123456789\n" * 5
    assert "MII" not in redact_shapes(f"x -----BEGIN PRIVATE KEY-----\n{body}")
    assert "MII" not in redact_shapes(f"{body}-----END PRIVATE KEY----- x")


@pytest.mark.parametrize("form", ['a"secret\\value\n!', "söme/secret value&more"])
def test_a_value_is_found_as_json_and_in_an_address(form: str) -> None:
    import json
    from urllib.parse import quote

    redact = Redactor((form,))
    assert redact(json.dumps({"x": form})) == '{"x": "' + MARK + '"}'
    assert redact(f"http://h/?q={quote(form, safe='')}") == f"http://h/?q={MARK}"


def test_short_values_are_words() -> None:
    assert Redactor(("none", "local"))("none of the local ones") == "none of the local ones"


def test_a_redactor_does_not_show_what_it_knows() -> None:
    assert VALUE not in repr(Redactor((VALUE,)))


@pytest.mark.parametrize(
    "evil", ["sk-", "-----BEGIN PRIVATE KEY-----", "A" * 20, VALUE[:10], "bearer ", "eyJa.", "-"]
)
def test_hostile_text_takes_no_longer_than_its_length(evil: str) -> None:
    redact = Redactor((VALUE,))
    spent = []
    for size in (50_000, 400_000):
        text = evil * (size // len(evil))
        started = time.process_time()
        redact(text)
        spent.append(time.process_time() - started)
    # eight times the text; the square would be sixty-four times the time
    assert spent[1] < 24 * max(spent[0], 0.005)


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    more: tuple[str, ...] = ()
    number: int = 1


def test_every_text_of_a_value_is_redacted() -> None:
    redact = Redactor((VALUE,))
    given_ = Note(f"a {VALUE}", (VALUE, "plain"))
    assert redact.data(given_) == Note(f"a {MARK}", (MARK, "plain"))
    assert redact.data({"k": [given_, 1, None]})["k"][0] == redact.data(given_)
    same = Note("plain")
    assert redact.data(same) is same


def test_secrets_of_the_environment_are_known_by_name() -> None:
    variables = {
        "OPENAI_API_KEY": "one",
        "GITHUB_TOKEN": "two",
        "DB_PASSWORD": "three",
        "HOME": "/home/x",
        "MONKEY": "four",
        "KEYBOARD": "five",
        "MY_OWN": "six",
        "EMPTY_TOKEN": "",
    }
    assert known_secrets(variables, named=("MY_OWN", "ABSENT")) == ("one", "six", "three", "two")


def test_log_records_are_redacted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RedactingFilter(Redactor((VALUE,))))
    log = logging.getLogger("buildwright.test")
    try:
        raise ValueError(f"bad {VALUE}")
    except ValueError:
        log.exception("with %s", VALUE)
    assert VALUE not in caplog.text
    assert caplog.text.count(MARK) == 2
