"""Word lists of the analysis, read once from `data/*.toml`, and the tests that use them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from buildwright.design.words import singular

_DATA = Path(__file__).with_name("data")


@cache
def table(name: str) -> dict[str, Any]:
    """The parsed file `data/NAME.toml`."""
    return tomllib.loads((_DATA / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def words(name: str) -> frozenset[str]:
    """The word list `name` of `data/lexicon.toml`; a string value is split at white space."""
    value = table("lexicon")[name]
    return frozenset(value.split() if isinstance(value, str) else value)


@cache
def is_function_word(low: str) -> bool:
    """True for determiners, prepositions, pronouns, auxiliaries, conjunctions and the like."""
    return any(low in words(name) for name in _CLOSED)


_CLOSED = (
    "determiners",
    "prepositions",
    "pronouns",
    "modals",
    "be",
    "have",
    "do",
    "conjunctions",
    "subordinators",
    "negators",
    "adverbs",
)


@cache
def verb_stem(low: str) -> str:
    """The base form if `low` is a form of a verb in the list, else an empty string."""
    for stem in _stems(low):
        if stem in words("verbs"):
            return stem
    irregular = table("lexicon")["irregular_verbs"]
    return str(irregular.get(low, ""))


@cache
def is_past(low: str) -> bool:
    """True for a past form or participle: "found", "charged"."""
    return low.endswith("ed") or low in table("lexicon")["irregular_verbs"]


def _stems(low: str) -> tuple[str, ...]:
    found = [low]
    for ending, replacements in _ENDINGS:
        if low.endswith(ending) and len(low) > len(ending) + 1:
            base = low[: -len(ending)]
            found += [base + new for new in replacements]
            if ending in ("ing", "ed") and base[-1:] == base[-2:-1]:
                found.append(base[:-1])
    return tuple(found)


_ENDINGS = (
    ("ies", ("y",)),
    ("ied", ("y",)),
    ("es", ("", "e")),
    ("s", ("",)),
    ("ed", ("", "e")),
    ("ing", ("", "e")),
)


@cache
def is_verb_like(low: str) -> bool:
    """True for auxiliaries and any form of a known verb."""
    return (
        low in words("be") or low in words("have") or low in words("modals") or bool(verb_stem(low))
    )


@cache
def is_nominal(low: str) -> bool:
    """True if a word can stand inside a noun phrase."""
    if not low[:1].isalnum() or is_function_word(low):
        return False
    if low in words("only_verbs"):
        return False
    return not (low.endswith("ly") and low not in words("ly_nouns"))


@cache
def is_plural(low: str) -> bool:
    """True if the word looks like a plural (or is the same in both numbers)."""
    head = low.rsplit("-", 1)[-1]
    return singular(head) != head or head in words("uncountable_plurals")
