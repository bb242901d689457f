"""Commands in backticks: "`till sell ITEM --price P` records a sale with date and amount"."""

from __future__ import annotations

from dataclasses import replace

from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.declaration import Context, Declaration, likely_fields
from buildwright.design.analysis.events import event_nouns
from buildwright.design.analysis.lists import Element, split_list
from buildwright.design.analysis.nouns import Noun, noun_after
from buildwright.design.analysis.text import Token

Tokens = tuple[Token, ...]
_MAKES = frozenset({"adds", "records", "stores", "notes", "saves", "creates", "logs", "registers"})
_GENERAL = frozenset(
    {"json", "csv", "help", "verbose", "yes", "force", "format", "output", "file", "dry", "quiet"}
)


def command(number: int, tokens: Tokens, index: int, context: Context) -> list[Declaration]:
    """What the command in front of the verb at `index` makes, with its options as properties."""
    if not index or tokens[index].code or not tokens[index - 1].code:
        return []
    words = _words(tokens, index)
    if tokens[index].low == "asks" and index + 1 < len(tokens) and tokens[index + 1].low == "for":
        return _asked(number, tokens, index, words, context)
    noun = noun_after(tokens, index + 1) if tokens[index].low in _MAKES else None
    if noun is None or noun.determiner not in ("a", "an", "one"):
        return []
    named = {token.text for token in words if token.text.isupper()} & {
        "NAME",
        "ID",
        "TITLE",
        "CODE",
    }
    owners: tuple[Noun, ...] = ()
    if named and tokens[index].low in ("adds", "creates", "registers"):
        context.made = replace(noun, determiner="each")
    elif named:
        owners = (context.made,) if context.made else ()
        words = [token for token in words if token.text not in named]
    read = [_option(position, words) for position in range(len(words))]
    elements = [element for element in read if element is not None]
    found = [Declaration(number, (noun,), (), index, noun.last, "kept", owners)]
    if elements:
        found.append(Declaration(number, (noun,), tuple(elements), index, index + 1, told=True))
    return found


def _words(tokens: Tokens, index: int) -> list[Token]:
    start = index
    while start > 0 and tokens[start - 1].code:
        start -= 1
    return list(tokens[start:index])


def _option(position: int, words: list[Token]) -> Element | None:
    """ "--queen-year 2024" -> queen year; "NAME" -> name if it is a known kind of property."""
    token = words[position]
    following = words[position + 1].low if position + 1 < len(words) else "--"
    if token.low.startswith("--") and not following.startswith("-"):
        parts = [part for part in token.low.strip("-").split("-") if part]
    elif position and token.text.isupper() and not words[position - 1].low.startswith("--"):
        parts = [token.low] if types.is_named(token.low) else []
    else:
        parts = []
    if not parts or parts[0] in _GENERAL:
        return None
    return Element(tokens=[Token(part, part, token.start, token.end) for part in parts])


def _asked(
    number: int, tokens: Tokens, index: int, words: list[Token], context: Context
) -> list[Declaration]:
    """ "`hive inspect NAME` asks for the date and …": of the inspection."""
    elements, end = split_list(tokens, index + 2)
    stems = [t.low for t in words if t.text.islower() and lexicon.verb_stem(t.low) == t.low]
    if not stems or not likely_fields(elements):
        return []
    deed = next((n for n in event_nouns(stems[-1]) if n != stems[-1]), stems[-1])
    noun = Noun((deed,), index - 1, index, words[0].start, words[-1].end, "a")
    named = any(token.text == "NAME" for token in words)
    owners = (context.made,) if named and context.made else ()
    return [Declaration(number, (noun,), tuple(elements), index + 2, end, owners=owners, told=True)]
