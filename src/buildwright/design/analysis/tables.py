"""Derived tables: "orbits, one row per object: …", "daily minimum and mean price per pump"."""

from __future__ import annotations

from buildwright.core.requirements import Field, Relation
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.declaration import Declaration, told_fields
from buildwright.design.analysis.lists import Element, split_list
from buildwright.design.analysis.model import Model, role_of
from buildwright.design.analysis.nouns import Noun, noun_after
from buildwright.design.analysis.text import Token

Tokens = tuple[Token, ...]
_PERIODS = {
    "hourly": "hour",
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "annual": "year",
}
_STATISTICS = frozenset(
    {"minimum", "maximum", "mean", "average", "median", "sum", "total", "peak", "count"}
)
_ROWS = frozenset({"row", "line", "record", "entry"})


def one_row_per(number: int, tokens: Tokens, index: int) -> Declaration | None:
    """ "orbits, one row per object and epoch: epoch, period" at the colon or "with"."""
    noun = noun_after(tokens, 0)
    start = next((i for i in range(2, index) if _counts(tokens, i)), 0)
    if noun is None or not start or start + 2 >= index or noun.last > start:
        return None
    if tokens[start + 1].low not in ("per", "for"):
        return None
    if tokens[noun.last].low not in (",", "with", "-", "(", "are", "is"):
        return None
    elements, end = split_list(tokens, index + 1)
    found = Declaration(
        number,
        (noun,),
        tuple(elements),
        0,
        end,
        owners=_per(tokens[:index], start + 2),
        told=True,
    )
    return found if told_fields(found) else None


def _counts(tokens: Tokens, index: int) -> bool:
    """ "one row per", "are counted per"."""
    passive = tokens[index - 1].low in lexicon.words("be") and lexicon.is_past(tokens[index].low)
    return tokens[index].low in _ROWS or passive


def _per(tokens: Tokens, start: int) -> tuple[Noun, ...]:
    """The things behind "per": "object and epoch"."""
    found: list[Noun] = []
    position = start
    while position < len(tokens) and len(found) < 3:
        noun = noun_after(tokens, position)
        follows = tokens[noun.last].low if noun and noun.last < len(tokens) else ""
        if noun is None or follows in ("it", "them", "the"):
            break
        found.append(Noun(noun.words, noun.first, noun.last, noun.start, noun.end, "each"))
        if noun.last >= len(tokens) or tokens[noun.last].low != "and":
            break
        position = noun.last + 1
    return tuple(found)


def derived(number: int, tokens: Tokens, index: int) -> Declaration | None:
    """ "daily minimum, maximum and mean temperature per station" at the word for the period."""
    period = _PERIODS.get(tokens[index].low)
    if period is None or not _makes(tokens, index):
        return None
    end = next((i for i in range(index + 1, min(index + 9, len(tokens))) if _ends(tokens[i])), 0)
    if not end or tokens[end].low not in ("per", "by"):
        return None
    measured = [token for token in tokens[index + 1 : end] if lexicon.is_nominal(token.low)]
    things = [token for token in measured if token.low not in _STATISTICS]
    figures = [token for token in measured if token.low in _STATISTICS] or things[-1:]
    whose = _per(tokens, end + 1)
    if not figures or not whose or len(things) > 3 or not _is_measure(measured):
        return None
    name = tuple(token.low for token in things or figures[:1])
    first, last = tokens[index], measured[-1]
    noun = Noun(("-".join((tokens[index].low, *name)),), index, end, first.start, last.end, "a")
    time = Token(first.text, period, first.start, first.end)
    elements = [Element(tokens=[token]) for token in (time, *figures)]
    return Declaration(number, (noun,), tuple(elements), index, whose[-1].last, "table", whose)


def _makes(tokens: Tokens, index: int) -> bool:
    words = {
        lexicon.verb_stem(token.low) or token.low for token in tokens[max(0, index - 25) : index]
    }
    return bool(words & lexicon.words("table_verbs"))


def _ends(token: Token) -> bool:
    return token.low in ("per", "by", ".", ";", ":", "(", "as", "to", "for", "in", "on")


def _is_measure(measured: list[Token]) -> bool:
    head = measured[-1].low
    listed = head in lexicon.words("collections") or head in ("report", "reports", "backup", "run")
    return not listed and types.type_of((head,)) not in ("string", "text", "date", "file", "image")


def add_table(model: Model, declaration: Declaration) -> None:
    """The entity for a derived table: period, figures, and whose they are."""
    draft = model.add(declaration.nouns[0]) if declaration.how == "table" else None
    if draft is None:
        return
    span = draft.span
    time, *figures = (element.tokens[0].low for element in declaration.elements)
    model.put(draft, Field(time, "datetime" if time == "hour" else "date", span=span))
    for name in figures:
        model.put(draft, Field(types.snake((name,)), "decimal", span=span))
    for owner in declaration.owners:
        target = model.find(owner.key)
        if target is not None and target is not draft:
            role = role_of(target.name)
            model.relate(Relation("belongs_to", draft.name, target.name, role, span=span))
        elif target is None and types.snake(owner.key) not in draft.fields:
            model.put(draft, Field(types.snake(owner.key), "string", span=span))
