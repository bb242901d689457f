"""Properties said as clauses: "whether it is billable", "how many", "the day it hatched"."""

from __future__ import annotations

from dataclasses import replace

from buildwright.core.requirements import FieldType
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.groups import Marks
from buildwright.design.analysis.guess import Guess, make_guess
from buildwright.design.analysis.named import noun_guess
from buildwright.design.analysis.text import Token
from buildwright.design.words import singular


def clause_guess(tokens: list[Token], marks: Marks) -> Guess | None:
    """The field that a clause names, None if the tokens are no such clause."""
    low = tokens[0].low
    if low in ("whether", "if"):
        return _boolean(tokens[1:], marks, tokens)
    if low == "how":
        return _how(tokens, marks)
    if low in ("when", "where", "who", "what"):
        return _question_word(tokens, marks)
    if low == "which" and len(tokens) > 1:
        end = next((i for i, t in enumerate(tokens) if i > 1 and _ends_which(t)), len(tokens))
        named = noun_guess(tokens[1:end], replace(marks, whole=True))
        return replace(named, many=False) if named else None
    return _flag(tokens, marks) or _moment(tokens, marks)


def _flag(tokens: list[Token], marks: Marks) -> Guess | None:
    """ "a flag for leap years", "is it electric y/n"."""
    if not any(types.is_yes_no(t.low) for t in tokens) and "flag" not in [
        t.low for t in tokens[:2]
    ]:
        return None
    said = next((i for i, t in enumerate(tokens) if t.low in ("if", "whether")), -1)
    rest = tokens[said + 1 :] if said > 0 else tokens
    return _boolean([t for t in rest if not types.is_yes_no(t.low)], marks, tokens)


def _ends_which(token: Token) -> bool:
    return _pronoun(token) or (not lexicon.is_nominal(token.low)) or lexicon.is_past(token.low)


def _pronoun(token: Token) -> bool:
    return token.low in ("it", "they", "he", "she", "we", "the")


def _boolean(tokens: list[Token], marks: Marks, whole: list[Token]) -> Guess | None:
    lows = [t.low for t in tokens if t.low not in ("'", '"')]
    at = next((i for i, low in enumerate(lows) if low in _AUXILIARY), -1)
    if 0 < at < len(lows) - 1:
        kept = _said_of(lows[:at], lows[at], lows[at + 1 :])
    else:
        kept = [low for low in lows if low not in lexicon.words("boolean_noise")]
        if "has" in lows and kept:
            kept.insert(0, "has")
    name = types.snake(tuple(kept[:4]))
    return make_guess(name, "boolean", tuple(kept), marks, _at(whole)) if name else None


_AUXILIARY = frozenset({"is", "are", "was", "were", "has", "have", "can", "may"})


def _said_of(subject: list[str], verb: str, rest: list[str]) -> list[str]:
    """ "it is billable" -> billable, "it can fly" -> can fly, "a visa is needed" -> visa needed."""
    rest = [low for low in rest if low not in ("not", "or", "already", "still", "been", "a", "an")]
    stop = next((i for i, low in enumerate(rest) if low in lexicon.words("determiners")), len(rest))
    if verb in ("can", "may"):
        return [verb, *rest[:stop]]
    if verb in ("has", "have") and rest and not rest[0].endswith(("ed", "en", "id")):
        return ["has", *rest]
    thing = subject[:1] not in (["the"], ["each"], ["this"], ["every"])
    named = [low for low in subject if lexicon.is_nominal(low) and low != "one"] if thing else []
    return [*named, *(low for low in rest if low not in lexicon.words("determiners"))]


def _how(tokens: list[Token], marks: Marks) -> Guess | None:
    """ "how many seats" -> seat count, "how much", "how long", "how sure I am (low, high)"."""
    kind = tokens[1].low if len(tokens) > 1 else ""
    after = [t.low for t in tokens[2:]]
    stop = next((i for i, low in enumerate(after) if not lexicon.is_nominal(low)), len(after))
    if kind == "many":
        counted = tuple(after[:stop])
        words = (*counted[:-1], singular(counted[-1]), "count") if counted else ("count",)
        return make_guess(types.snake(words), "integer", words, marks, _at(tokens))
    if kind == "much":
        return make_guess("amount", "money", ("amount",), marks, _at(tokens))
    if kind == "long":
        return make_guess("duration", "duration", ("duration",), marks, _at(tokens))
    if not lexicon.is_nominal(kind):
        return None
    return make_guess(
        types.snake((kind,)), "enum" if marks.values else "string", (kind,), marks, _at(tokens)
    )


def _question_word(tokens: list[Token], marks: Marks) -> Guess | None:
    low = tokens[0].low
    verb = next((t.low for t in tokens[1:] if t.low.endswith("ed") or lexicon.verb_stem(t.low)), "")
    if low == "when":
        name = f"{verb}_at" if verb else "occurred_at"
        return make_guess(types.snake((name,)), "datetime", ("when",), marks, _at(tokens))
    if low == "where":
        return make_guess(
            "location", "string", ("location",), replace(marks, whole=False), _at(tokens)
        )
    if low == "what" and len(tokens) > 1 and tokens[1].low == "for":
        return make_guess("purpose", "string", ("purpose",), marks, _at(tokens))
    if low == "who":
        if verb.endswith("s"):
            return None
        name = f"{verb}_by" if verb else "person"
        return make_guess(types.snake((name,)), "string", (), marks, _at(tokens))
    return make_guess(
        "description", "string", ("description",), replace(marks, whole=False), _at(tokens)
    )


def _moment(tokens: list[Token], marks: Marks) -> Guess | None:
    """ "the day it hatched", "the date on which they joined", "submitted on", "from"."""
    lows = [t.low for t in tokens if t.low not in lexicon.words("determiners")]
    named = _moment_of_deed(lows) or _short_moment(lows) or _ended_moment(lows)
    if named is None:
        return None
    name, kind = named
    return make_guess(name, kind, (lows[0],), marks, _at(tokens))


def _moment_of_deed(lows: list[str]) -> tuple[str, FieldType] | None:
    """ "day it hatched", "date on which they joined", "year it was built"."""
    if not 3 <= len(lows) < 7 or lows[0] not in ("day", "date", "time", "year"):
        return None
    if not any(low in ("it", "they", "he", "she", "which") for low in lows[1:-1]):
        return None
    if lows[0] == "year":
        return f"{lows[-1]}_year", "integer"
    if lows[0] == "time":
        return types.snake((lows[-1], "at")), "datetime"
    return types.snake((lows[-1], "on")), "date"


_EDGES = frozenset({"from", "to", "until", "till", "since"})


def _short_moment(lows: list[str]) -> tuple[str, FieldType] | None:
    """ "from", "until when", "from date", "returned when"."""
    first, second = lows[0] if lows else "", lows[1] if len(lows) > 1 else ""
    if len(lows) > 2 or (first not in _EDGES and second != "when"):
        return None
    if first in _EDGES and second in ("", "when"):
        return f"{'until' if first == 'till' else first}_date", "date"
    if second == "when" and lexicon.is_past(first):
        return types.snake((first, "at")), "datetime"
    if second in ("date", "time", "day"):
        return types.snake((first, second)), "datetime" if second == "time" else "date"
    return None


def _ended_moment(lows: list[str]) -> tuple[str, FieldType] | None:
    """ "submitted on", "licence valid until", "built in"."""
    if len(lows) == 2 and lows[1] == "in" and lexicon.is_past(lows[0]):
        return f"{types.snake((lows[0],))}_year", "integer"
    valid = lows[-2:] == ["valid", "until"] and len(lows) < 7
    if (len(lows) in (2, 3) or valid) and lows[-1] in ("on", "at", *_EDGES):
        return types.snake(tuple(lows)), "datetime" if lows[-1] == "at" else "date"
    return None


def _at(tokens: list[Token]) -> tuple[int, int]:
    return tokens[0].start, tokens[-1].end
