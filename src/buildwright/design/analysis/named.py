"""Properties named by a noun phrase: "an optional due date", "weight in kg", "kind of food"."""

from __future__ import annotations

from dataclasses import replace

from buildwright.core.requirements import FieldType
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.groups import Marks, bounds_of
from buildwright.design.analysis.guess import Guess, make_guess
from buildwright.design.analysis.text import Token
from buildwright.design.words import singular


def noun_guess(tokens: list[Token], marks: Marks) -> Guess | None:
    """The field that a noun phrase names; None for counts ("164 seats") and what is no name."""
    if len(tokens) > 1 and tokens[-1].low in ("optional", "optionally"):
        tokens, marks = tokens[:-1], replace(marks, required=False)
    leading = tokens[0].low == "with"
    if "most" in [token.low for token in tokens[:3]]:
        return None
    if (
        tokens[0].low in ("one", "all", "each", "both")
        and len(tokens) > 1
        and _is_preposition(tokens[1].low)
    ):
        return None
    if tokens[-1].low == "not" and any(t.low == "or" for t in tokens):
        marks = replace(marks, kind="boolean")
    tokens, determiner, marks = _strip_front(tokens, marks)
    tokens, marks, unit = bounds_of(tokens, marks)
    words, many, kind = _name_words(tokens)
    words = words[1:] if len(words) > 1 and words[0] in _NO_PART else words
    words = words[:-1] if len(words) > 1 and words[-1] in _SAID_OF else words
    if not _is_name(words) or _is_count(determiner) or (leading and determiner == "one"):
        return None
    suffix = unit[0] if unit else ""
    hinted = unit[1] if unit else _hint(words, marks, kind)
    many = many or (hinted is None and lexicon.is_plural(words[-1]))
    fallback: FieldType = "list" if many else "string"
    final = (None if unit else marks.kind) or hinted or fallback
    name = types.snake((*words, suffix) if suffix else words)
    sure = bool(hinted or marks.kind or marks.minimum is not None)
    found = make_guess(name, final, words, marks, (tokens[0].start, tokens[-1].end))
    many = found.many or determiner in lexicon.words("many_words")
    return replace(found, determiner=determiner, many=many, sure=sure, leading_with=leading)


def _is_name(words: tuple[str, ...]) -> bool:
    return bool(words) and all(
        lexicon.is_nominal(w) or w in ("from", "to", "by", "on", "in") for w in words
    )


def _is_count(determiner: str) -> bool:
    numeral = determiner[:1].isdigit() and determiner != "1"
    return numeral or determiner in lexicon.words("counted_words")


def _hint(words: tuple[str, ...], marks: Marks, kind: FieldType | None) -> FieldType | None:
    hinted = kind or types.type_of(words)
    if marks.values and hinted in (None, "string", "text", "enum", "list", "boolean", "decimal"):
        return "enum"
    if len(words) == 1 and types.is_boolean_adjective(words[0]):
        return "boolean"
    if hinted == "string" and lexicon.is_plural(words[-1]) and not types.is_named(words[-1]):
        return "list"
    return hinted


def _strip_front(tokens: list[Token], marks: Marks) -> tuple[list[Token], str, Marks]:
    determiner = ""
    index = 0
    while index < len(tokens) - 1:
        low = tokens[index].low
        if low == "up" and [t.low for t in tokens[index + 1 : index + 2]] == ["to"]:
            determiner, index = "many", index + 2
        elif low in ("optional", "optionally", "possibly", "perhaps", "maybe"):
            marks = replace(marks, required=False)
        elif low == "unique":
            marks = replace(marks, unique=True)
        elif low in ("or", "more", "least") and determiner:
            determiner = "many"
        elif _is_determiner(low):
            determiner = low
        elif low not in lexicon.words("front_words") and low not in lexicon.words("adverbs"):
            break
        index += 1
    return tokens[index:], determiner, marks


def _is_determiner(low: str) -> bool:
    number = low.isdigit() or low in lexicon.words("number_words")
    return number or low in lexicon.words("determiners")


_ANYONE = (["person"], ["thing"], ["item"], ["object"])
_SAID_OF = frozenset({"charged", "used", "concerned", "involved"})
_NO_PART = frozenset({"present", "current", "own", "anonymous", "respective", "certain"})
_ABSTRACT = frozenset({"kind", "type", "sort"})


def _name_words(tokens: list[Token]) -> tuple[tuple[str, ...], bool, FieldType | None]:
    lows = [token.low.removesuffix("'s").rstrip("'") for token in tokens]
    cut = next((i for i, low in enumerate(lows) if i and _is_preposition(low)), len(lows))
    words = [_ABBREVIATED.get(low, low) for low in lows[:cut] if _is_word(low)]
    if words[-2:] in (["email", "address"], ["mail", "address"]):
        words.pop()
    tail = lows[cut:]
    if len(tail) == 2 and tail[1] in lexicon.words("stock_idioms"):
        return (*words, *tail), False, None
    if words == ["link"] and tail[:1] == ["to"]:
        linked = [low for low in tail[1:] if lexicon.is_nominal(low)]
        return (*linked[:2], "url"), False, "url"
    if tail[:1] != ["of"]:
        ending = tail if tail in (["from"], ["to"], ["by"]) else []
        return (*words, *ending), False, None
    owner = [low for low in tail[1:] if low not in lexicon.words("determiners")]
    stop = next((i for i, low in enumerate(owner) if not lexicon.is_nominal(low)), len(owner))
    return _of_phrase(words, owner[:stop])


def _is_word(low: str) -> bool:
    return lexicon.is_nominal(low) or low in ("no", "nr")


def _of_phrase(
    words: list[str], owner: list[str]
) -> tuple[tuple[str, ...], bool, FieldType | None]:
    if not words or not _tells(words, owner):
        return tuple(words), False, None
    inner = (*owner[:-1], singular(owner[-1]))
    fixed = _FIXED.get((singular(words[-1]), inner[-1]))
    if fixed:
        return (fixed,), False, "list" if words[-1].endswith("s") else None
    if words[-1] in ("number", "count") and lexicon.is_plural(owner[-1]):
        return (*words[:-1], *inner, "count"), False, "integer"
    if words[-1] in ("list", "set", "collection", "lists"):
        return tuple(owner), True, "list"
    if words[-1] in _ABSTRACT:
        return inner, False, "string"
    return (*inner, *words) if len(inner) <= 2 else tuple(words), False, None


def _tells(words: list[str], owner: list[str]) -> bool:
    """True if "of …" adds to the name: not "code of three letters", "name of the person"."""
    if not owner or owner[0] in lexicon.words("number_words") or owner[0].isdigit():
        return False
    return owner not in _ANYONE or not types.is_named(words[-1])


_FIXED = {
    ("time", "day"): "time-of-day",
    ("day", "week"): "weekdays",
    ("day", "month"): "day-of-month",
}
_ABBREVIATED = {
    "no": "number",
    "nr": "number",
    "num": "number",
    "qty": "quantity",
    "dob": "birth-date",
    "e-mail": "email",
    "e-mails": "emails",
    "tel": "phone",
}


def _is_preposition(low: str) -> bool:
    return low in lexicon.words("prepositions") or low in ("to", "not")
