"""One element of a list ("an optional due date", "grade from 1 to 4") as a guess at a field."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buildwright.core.requirements import FieldType
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.groups import Marks, bounds_of, enum_values, marks_of
from buildwright.design.analysis.phrases import ENUM_HEADS, Element, Noun, names_value
from buildwright.design.analysis.text import Token
from buildwright.design.words import singular


@dataclass(frozen=True, slots=True)
class Guess:
    """What an element may be: a field, or a reference if its `words` turn out to name an entity.

    `sure` is False where the type is only the fallback; `known` where the whole element was read.
    """

    name: str
    type: FieldType
    words: tuple[str, ...]
    start: int
    end: int
    marks: Marks
    determiner: str = ""
    many: bool = False
    sure: bool = True
    leading_with: bool = False


def guesses(element: Element) -> list[Guess]:
    """Fields named by one list element; empty if it names none."""
    if not element.tokens:
        return []
    head, values, marks = _values(element)
    for group in element.groups:
        marks = marks_of(group, marks)
    head, marks = _cut_tail(head, marks)
    if not head:
        return []
    found = _clause_guess(head, marks) or _noun_guess(head, marks)
    if found is None or not found.name:
        return []
    if values:
        joined = tuple(dict.fromkeys((*found.marks.values, *values)))
        found = replace(found, type="enum", marks=replace(found.marks, values=joined), sure=True)
    return [found, *_alternatives(element, values, marks)]


def _alternatives(element: Element, values: tuple[str, ...], marks: Marks) -> list[Guess]:
    """ "a phone number or email": two fields that may each be missing."""
    if values or not element.values:
        return []
    optional = replace(marks, required=False, values=())
    found = (_noun_guess(tokens, optional) for tokens in element.values)
    return [guess for guess in found if guess and guess.name]


def _values(element: Element) -> tuple[list[Token], tuple[str, ...], Marks]:
    tokens, marks = element.tokens, Marks()
    if not element.values:
        return tokens, (), marks
    rest = enum_values(element.values)
    if element.colon:
        return tokens, rest, marks
    lows = element.lows
    for index, low in enumerate(lows):
        if low in ("of", "is", "as", "either", "being", "like") and 0 < index < len(lows) - 1:
            head = tokens[: index - 1] if lows[index - 1] in ("such", "is") else tokens[:index]
            return head, _first_values(tokens[index + 1 :]) + rest, marks
    named = [0] if names_value(tokens) else []
    start = next(iter(named or [i for i, low in enumerate(lows) if low in ENUM_HEADS]), None)
    if start is not None and start < len(lows) - 1:
        return tokens[: start + 1], _first_values(tokens[start + 1 :]) + rest, marks
    return tokens, (), marks


def _first_values(tokens: list[Token]) -> tuple[str, ...]:
    tokens = [t for t in tokens if t.low not in ("either", "one", "of")]
    if len(tokens) > 1 and all(len(token.text) <= 2 for token in tokens):
        return tuple(token.text for token in tokens)
    return enum_values([tokens])


_TAILS = frozenset({"that", "which", "who", "if", "unless", "because", "so", "e.g", "such", "when"})


def _cut_tail(tokens: list[Token], marks: Marks) -> tuple[list[Token], Marks]:
    for index, token in enumerate(tokens):
        if index and token.low in _TAILS and not _names_moment(tokens[:index]):
            tail = [t.low for t in tokens[index:]]
            optional = token.low in ("if", "when") or "optional" in tail or "empty" in tail
            marks = replace(
                marks,
                required=marks.required and not optional,
                unique=marks.unique or "unique" in tail,
                whole=marks.whole and (optional or "unique" in tail),
            )
            return tokens[:index], marks
    return tokens, marks


def _names_moment(tokens: list[Token]) -> bool:
    return tokens[-1].low in ("date", "day", "time", "on", "flag", "for") and len(tokens) <= 3


def _clause_guess(tokens: list[Token], marks: Marks) -> Guess | None:
    low = tokens[0].low
    if low in ("whether", "if"):
        return _boolean(tokens[1:], marks, tokens)
    if low == "how":
        return _how(tokens, marks)
    if low in ("when", "where", "who", "what"):
        return _question_word(tokens, marks)
    if low == "which" and len(tokens) > 1:
        end = next((i for i, t in enumerate(tokens) if i > 1 and _pronoun(t)), len(tokens))
        return _noun_guess(tokens[1:end], replace(marks, whole=True))
    if any(types.is_yes_no(t.low) for t in tokens) or "flag" in (t.low for t in tokens[:2]):
        return _boolean([t for t in tokens if not types.is_yes_no(t.low)], marks, tokens)
    return _moment(tokens, marks)


def _pronoun(token: Token) -> bool:
    return token.low in ("it", "they", "he", "she", "we", "the")


_SKIP = frozenset(
    [
        "it",
        "they",
        "he",
        "she",
        "we",
        "the",
        "is",
        "are",
        "was",
        "were",
        "has",
        "been",
        "have",
        "or",
        "not",
        "a",
        "an",
        "flag",
        "for",
        "whether",
        "if",
        "this",
        "to",
        "in",
        "be",
        "already",
        "still",
        "currently",
    ]
)


_TO_BE = frozenset({"is", "are", "was", "were", "can", "may", "must", "been"})


def _boolean(tokens: list[Token], marks: Marks, whole: list[Token]) -> Guess | None:
    lows = [t.low for t in tokens if t.low not in ("'", '"')]
    kept = [low for low in lows if low not in _SKIP]
    at = next((i for i, low in enumerate(lows) if low in _TO_BE), -1)
    if 0 < at < len(lows) - 1:
        kept = [low for low in lows[at + 1 :] if low not in lexicon.words("determiners")]
        kept = [low for low in kept if low not in ("not", "or", "already", "still", "currently")]
    if "has" in lows and kept and not kept[0].endswith(("ed", "en")):
        kept.insert(0, "has")
    name = types.snake(tuple(kept[:4]))
    return _guess(name, "boolean", tuple(kept), marks, whole) if name else None


def _how(tokens: list[Token], marks: Marks) -> Guess | None:
    kind = tokens[1].low if len(tokens) > 1 else ""
    rest = tuple(t.low for t in tokens[2:] if lexicon.is_nominal(t.low))[:2]
    if kind == "many":
        words = (*rest[:-1], singular(rest[-1]), "count") if rest else ("count",)
        return _guess(types.snake(words), "integer", words, marks, tokens)
    if kind == "much":
        words = rest or ("amount",)
        return _guess("amount", "money", words, marks, tokens)
    if kind == "long":
        return _guess("duration", "duration", ("duration",), marks, tokens)
    return None


def _question_word(tokens: list[Token], marks: Marks) -> Guess | None:
    low = tokens[0].low
    verb = next((t.low for t in tokens[1:] if t.low.endswith("ed") or lexicon.verb_stem(t.low)), "")
    if low == "when":
        name = f"{verb}_at" if verb else "occurred_at"
        return _guess(types.snake((name,)), "datetime", ("when",), marks, tokens)
    if low == "where":
        return _guess("location", "string", ("location",), replace(marks, whole=False), tokens)
    if low == "what" and len(tokens) > 1 and tokens[1].low == "for":
        return _guess("purpose", "string", ("purpose",), marks, tokens)
    if low == "who":
        if verb.endswith("s"):
            return None
        name = f"{verb}_by" if verb else "person"
        return _guess(types.snake((name,)), "string", ("person",), marks, tokens)
    return _guess("description", "string", ("description",), replace(marks, whole=False), tokens)


def _moment(tokens: list[Token], marks: Marks) -> Guess | None:
    """ "the day it hatched", "the date on which they joined", "submitted on"."""
    lows = [t.low for t in tokens if t.low not in lexicon.words("determiners")]
    if len(lows) >= 3 and lows[0] in ("day", "date", "time", "year"):
        verb = lows[-1]
        if any(low in ("it", "they", "he", "she", "which") for low in lows[1:-1]) and len(lows) < 7:
            kind: FieldType = "datetime" if lows[0] == "time" else "date"
            suffix = "at" if lows[0] == "time" else "on"
            if lows[0] == "year":
                return _guess(f"{verb}_year", "integer", (verb,), marks, tokens)
            return _guess(types.snake((verb, suffix)), kind, (verb,), marks, tokens)
    if len(lows) == 2 and lows[1] in ("on", "at", "from", "to", "until", "since"):
        kind = "datetime" if lows[1] == "at" else "date"
        return _guess(types.snake((lows[0], lows[1])), kind, (lows[0],), marks, tokens)
    return None


def _noun_guess(tokens: list[Token], marks: Marks) -> Guess | None:
    if len(tokens) > 1 and tokens[-1].low in ("optional", "optionally"):
        tokens, marks = tokens[:-1], replace(marks, required=False)
    leading = tokens[0].low == "with"
    either = any(t.low == "or" for t in tokens) and tokens[-1].low == "not"
    tokens, determiner, marks = _strip_front(tokens, marks)
    tokens, marks, unit = bounds_of(tokens, marks)
    words, many, kind = _name_words(tokens)
    if not words or not all(
        lexicon.is_nominal(w) or w in ("from", "to", "by", "on", "in") for w in words
    ):
        return None
    suffix = ""
    if unit:
        suffix, kind = unit
    hinted = kind or types.type_of(words)
    if marks.values and hinted in (None, "string", "text", "enum", "list", "boolean", "decimal"):
        hinted = "enum"
    if len(words) == 1 and types.is_boolean_adjective(words[0]):
        hinted = "boolean"
    hinted = "boolean" if either else hinted
    many = many or (hinted is None and lexicon.is_plural(words[-1]))
    final: FieldType = hinted or marks.kind or ("list" if many else "string")
    if marks.kind and not unit:
        final = marks.kind
    name = types.snake((*words, suffix) if suffix else words)
    if determiner[:1].isdigit() and determiner != "1" or determiner in _COUNTED:
        return None
    sure = bool(hinted or marks.kind or marks.minimum is not None)
    found = _guess(name, final, words, marks, tokens, determiner, sure=sure)
    return replace(found, leading_with=leading)


_COUNTED = frozenset(
    {"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve"}
)


def _guess(
    name: str,
    kind: FieldType,
    words: tuple[str, ...],
    marks: Marks,
    tokens: list[Token],
    determiner: str = "",
    *,
    sure: bool = True,
) -> Guess:
    if kind in ("string", "text") and marks.minimum is not None:
        kind = "integer" if _whole(marks) else "decimal"
    if kind == "enum" and not marks.values and marks.minimum is not None:
        kind = "integer" if _whole(marks) else "decimal"
    start = min(token.start for token in tokens) if tokens else 0
    end = max(token.end for token in tokens) if tokens else 0
    many = determiner in lexicon.words("many_words") or bool(words and lexicon.is_plural(words[-1]))
    return Guess(name, kind, words, start, end, marks, determiner, many, sure)


def _whole(marks: Marks) -> bool:
    return "." not in (marks.minimum or "") + (marks.maximum or "")


def _strip_front(tokens: list[Token], marks: Marks) -> tuple[list[Token], str, Marks]:
    determiner = ""
    index = 0
    while index < len(tokens) - 1:
        low = tokens[index].low
        if low in ("optional", "optionally", "possibly", "perhaps", "maybe"):
            marks = replace(marks, required=False)
        elif low == "unique":
            marks = replace(marks, unique=True)
        elif low in _FRONT or low in lexicon.words("determiners") or low.isdigit():
            determiner = low if low not in _FRONT else determiner
        elif low in lexicon.words("number_words") or low in lexicon.words("adverbs"):
            determiner = low if low in lexicon.words("number_words") else determiner
        elif low in ("or", "more", "least") and index and determiner:
            determiner = "many"
        elif low not in ("required", "mandatory", "up", "free-text"):
            break
        index += 1
    return tokens[index:], determiner, marks


_FRONT = frozenset(
    {"with", "between", "of", "for", "by", "on", "in", "at", "to", "as", "his", "plus", "wished"}
)
_ABSTRACT = frozenset({"kind", "type", "sort"})


def _name_words(tokens: list[Token]) -> tuple[tuple[str, ...], bool, FieldType | None]:
    lows = [token.low.removesuffix("'s").rstrip("'") for token in tokens]
    cut = next((i for i, low in enumerate(lows) if i and _is_preposition(low)), len(lows))
    words = [_ABBREVIATED.get(low, low) for low in lows[:cut] if lexicon.is_nominal(low)]
    if words[-2:] in (["email", "address"], ["mail", "address"]):
        words.pop()
    if lows[cut:][1:] and lows[cut + 1] in _IDIOMS and cut + 2 == len(lows):
        return (*words, *lows[cut:]), False, None
    if words == ["link"] and lows[cut : cut + 1] == ["to"]:
        linked = [low for low in lows[cut + 1 :] if lexicon.is_nominal(low)]
        return (*linked[:2], "url"), False, "url"
    if cut == len(lows) or lows[cut] != "of":
        if cut < len(lows) and cut == len(lows) - 1 and lows[cut] in ("from", "to", "by"):
            words.append(lows[cut])
        return tuple(words), False, None
    owner = [low for low in lows[cut + 1 :] if low not in lexicon.words("determiners")]
    stop = next((i for i, low in enumerate(owner) if not lexicon.is_nominal(low)), len(owner))
    return _of_phrase(words, owner[:stop])


def _of_phrase(
    words: list[str], owner: list[str]
) -> tuple[tuple[str, ...], bool, FieldType | None]:
    if not words or not owner:
        return tuple(words), False, None
    inner = (*owner[:-1], singular(owner[-1]))
    if words[-1] in ("number", "count") and lexicon.is_plural(owner[-1]):
        return (*inner, "count"), False, "integer"
    if words[-1] in ("list", "set", "collection", "lists"):
        return tuple(owner), True, "list"
    if words[-1] in _ABSTRACT:
        return inner, False, "enum"
    if types.type_of((words[-1],)) and len(inner) <= 2:
        return (*inner, *words), False, None
    return tuple(words), False, None


_IDIOMS = frozenset("hand stock use file order force charge loan sale".split())
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


def as_guess(noun: Noun) -> Guess | None:
    """The guess for a bare noun phrase."""
    name = types.snake(noun.words)
    kind = types.type_of(noun.words)
    if not name:
        return None
    return Guess(name, kind or "string", noun.words, noun.start, noun.end, Marks(), sure=bool(kind))
