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
        return make_guess(types.snake((name,)), "string", ("person",), marks, _at(tokens))
    return make_guess(
        "description", "string", ("description",), replace(marks, whole=False), _at(tokens)
    )


def _moment(tokens: list[Token], marks: Marks) -> Guess | None:
    """ "the day it hatched", "the date on which they joined", "submitted on"."""
    lows = [t.low for t in tokens if t.low not in lexicon.words("determiners")]
    if len(lows) >= 3 and lows[0] in ("day", "date", "time", "year"):
        verb = lows[-1]
        if any(low in ("it", "they", "he", "she", "which") for low in lows[1:-1]) and len(lows) < 7:
            kind: FieldType = "datetime" if lows[0] == "time" else "date"
            suffix = "at" if lows[0] == "time" else "on"
            if lows[0] == "year":
                return make_guess(f"{verb}_year", "integer", (verb,), marks, _at(tokens))
            return make_guess(types.snake((verb, suffix)), kind, (verb,), marks, _at(tokens))
    if len(lows) == 1 and lows[0] in ("from", "to", "until", "till", "since"):
        name = "until" if lows[0] == "till" else lows[0]
        return make_guess(f"{name}_date", "date", (name,), marks, _at(tokens))
    if len(lows) == 2 and lexicon.is_past(lows[0]) and lows[1] == "when":
        return make_guess(types.snake((lows[0], "at")), "datetime", (lows[0],), marks, _at(tokens))
    if len(lows) == 2 and lows[0] in ("from", "until", "since") and lows[1] == "when":
        return make_guess(f"{lows[0]}_date", "date", (lows[0],), marks, _at(tokens))
    if len(lows) == 2 and lows[0] in ("from", "to", "until") and lows[1] in ("date", "time", "day"):
        kind = "date" if lows[1] != "time" else "datetime"
        return make_guess(types.snake(tuple(lows)), kind, (lows[0],), marks, _at(tokens))
    if len(lows) == 2 and lows[1] == "in" and lexicon.is_past(lows[0]):
        return make_guess(f"{types.snake((lows[0],))}_year", "integer", (), marks, _at(tokens))
    if len(lows) in (2, 3) and lows[-1] in ("on", "at", "from", "to", "until", "since"):
        kind = "datetime" if lows[-1] == "at" else "date"
        return make_guess(types.snake(tuple(lows)), kind, (lows[0],), marks, _at(tokens))
    return None


def _at(tokens: list[Token]) -> tuple[int, int]:
    return tokens[0].start, tokens[-1].end
