"""Which capabilities a part of a sentence asks for, and which of its words they explain."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from buildwright.core.requirements import Field
from buildwright.design.analysis import lexicon
from buildwright.design.analysis.mentions import mentions
from buildwright.design.analysis.model import Draft, Model
from buildwright.design.analysis.phrases import Tokens
from buildwright.design.analysis.text import tokenize
from buildwright.design.words import singular


@dataclass(slots=True)
class Reading:
    """Needs found in a part, and the token indexes that they explain."""

    needs: list[str] = field(default_factory=list)
    explained: set[int] = field(default_factory=set)

    def add(self, need: str, first: int, last: int) -> None:
        """Note a need that explains the tokens `[first, last)`."""
        if need and need not in self.needs:
            self.needs.append(need)
        self.explained.update(range(first, last))


def read_needs(model: Model, tokens: Tokens, sentence: int) -> Reading:
    """What `tokens`, a part of sentence number `sentence`, ask for."""
    reading = Reading()
    if not tokens:
        return reading
    _declared(model, tokens, sentence, reading)
    _phrases(tokens, reading)
    _views(model, tokens, reading)
    return reading


def leftover(tokens: Tokens, reading: Reading) -> list[str]:
    """Content words that no need explains; none means that the needs cover the whole part."""
    return [
        token.low
        for index, token in enumerate(tokens)
        if index not in reading.explained and _is_content(token.low)
    ]


def _is_content(low: str) -> bool:
    if not low[:1].isalnum() and not low.startswith("-"):
        return low in ("%", "€", "$", "<", ">", "≤", "≥")
    if low in lexicon.words("fillers") or low in lexicon.words("software"):
        return False
    return not lexicon.is_function_word(low) or low in lexicon.words("limiting")


def _declared(model: Model, tokens: Tokens, sentence: int, reading: Reading) -> None:
    start, end = tokens[0].start, tokens[-1].end
    spans = [s for s in model.used.get(sentence, ()) if s.start < end and s.end > start]
    for need, at in model.asked.get(sentence, {}).items():
        if start <= at < end:
            reading.add(need, 0, 0)
    for index, token in enumerate(tokens):
        if any(s.start <= token.start and token.end <= s.end for s in spans):
            reading.explained.add(index)


@cache
def _phrase_table() -> dict[tuple[str, ...], str]:
    return {
        tuple(token.low for token in tokenize(phrase)): need
        for need, phrases in lexicon.table("needs").items()
        for phrase in phrases
    }


def _phrases(tokens: Tokens, reading: Reading) -> None:
    lows = tuple(token.low for token in tokens)
    table = _phrase_table()
    index = 0
    while index < len(lows):
        size = next((n for n in range(6, 0, -1) if lows[index : index + n] in table), 0)
        if size:
            reading.add(table[lows[index : index + size]], index, index + size)
        index += size or 1


_VIEWS = {
    "filter": "filter",
    "narrow": "filter",
    "search": "search",
    "find": "search",
    "sort": "sort",
    "order": "sort",
    "list": "list",
    "show": "list",
    "see": "list",
    "browse": "list",
    "view": "list",
}
_MANAGE = frozenset(
    [
        "create",
        "add",
        "edit",
        "update",
        "delete",
        "remove",
        "change",
        "manage",
        "read",
        "maintain",
        "modify",
        "enter",
        "record",
    ]
)
_TEXTUAL = frozenset({"string", "text", "email", "phone", "url"})


def _views(model: Model, tokens: Tokens, reading: Reading) -> None:
    """ "filter episodes by year", "search in titles", "create and delete recipes"."""
    verbs = _verbs(tokens)
    if not verbs:
        return
    named = mentions(model, tokens)
    drafts = [model.drafts[mention.name] for mention in named]
    view = next((_VIEWS[v] for v in verbs.values() if v in _VIEWS), "")
    if view in ("filter", "search", "sort"):
        hit = _by_fields(model, tokens, drafts, view, reading)
    else:
        hit = bool(drafts)
        need = "list" if view else "manage"
        for mention in named:
            reading.add(f"{need}:{mention.name}", mention.first, mention.last)
    if hit:
        reading.explained.update(verbs)
        for mention in named:
            reading.explained.update(range(mention.first, mention.last))


def _verbs(tokens: Tokens) -> dict[int, str]:
    found: dict[int, str] = {}
    for index, token in enumerate(tokens):
        stem = lexicon.verb_stem(token.low)
        if token.low in ("filterable", "searchable", "sortable"):
            stem = token.low.removesuffix("able")
        if stem in _VIEWS or stem in _MANAGE:
            found[index] = stem
    return found


def _by_fields(
    model: Model, tokens: Tokens, drafts: list[Draft], view: str, reading: Reading
) -> bool:
    hit = False
    for draft, found, first, last in _field_mentions(model, tokens, drafts):
        if view == "search" and found is not None and found.type not in _TEXTUAL:
            continue
        name = found.name if found else tokens[first].low
        reading.add(
            f"sort:{draft.name}" if view == "sort" else f"{view}:{draft.name}.{name}", first, last
        )
        hit = True
    return hit


def _field_mentions(
    model: Model, tokens: Tokens, drafts: list[Draft]
) -> list[tuple[Draft, Field | None, int, int]]:
    pool = drafts or list(model.drafts.values())
    found: list[tuple[Draft, Field | None, int, int]] = []
    index = 0
    while index < len(tokens):
        size, match = _field_at(pool, tokens, index)
        if match:
            found.append((*match, index, index + size))
        index += max(size, 1)
    return found


def _field_at(
    pool: list[Draft], tokens: Tokens, index: int
) -> tuple[int, tuple[Draft, Field] | None]:
    for size in (3, 2, 1):
        words = [token.low for token in tokens[index : index + size]]
        if len(words) < size:
            continue
        name = "_".join([*words[:-1], singular(words[-1])])
        owners = [d for d in pool if name in d.fields]
        if len(owners) == 1:
            return size, (owners[0], owners[0].fields[name])
    return 0, None
