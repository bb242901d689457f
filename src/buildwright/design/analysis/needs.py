"""Which capabilities a part of a sentence asks for, and which of its words they explain."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from buildwright.core.requirements import Field
from buildwright.design.analysis import lexicon
from buildwright.design.analysis.grammar import is_used_as_verb
from buildwright.design.analysis.mentions import Mention, mentions
from buildwright.design.analysis.model import Draft, Model
from buildwright.design.analysis.nouns import Tokens, noun_after
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
    _phrases(tokens, reading, guarded=model.guarded)
    _setting(tokens, reading)
    _views(model, tokens, reading)
    _exports(model, tokens, reading)
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
    for need, at in model.asked.get(sentence, ()):
        if start <= at < end:
            reading.add(need, 0, 0)
    for index, token in enumerate(tokens):
        within = any(s.start <= token.start and token.end <= s.end for s in spans)
        if within and not _limits(tokens, index):
            reading.explained.add(index)


def _limits(tokens: Tokens, index: int) -> bool:
    """ "up to 10", "at most 3": a limit on how many there are is in no capability."""
    pair = tuple(token.low for token in tokens[index : index + 2])
    return pair in (("up", "to"), ("no", "more")) or pair[0] == "most"


@cache
def _phrase_table() -> dict[tuple[str, ...], str]:
    return {
        tuple(token.low for token in tokenize(phrase)): need
        for need, phrases in lexicon.table("needs").items()
        for phrase in phrases
    }


def _phrases(tokens: Tokens, reading: Reading, *, guarded: bool) -> None:
    lows = tuple(token.low for token in tokens)
    table = _phrase_table()
    index = 0
    while index < len(lows):
        size = next((n for n in range(6, 0, -1) if lows[index : index + n] in table), 0)
        need = table.get(lows[index : index + size], "")
        if need and not (guarded and need == "open"):
            reading.add(need, index, index + size)
        index += size or 1


def _setting(tokens: Tokens, reading: Reading) -> None:
    """ "an API for our kennel", "as a coach I …": where and for whom limits nothing."""
    lows = [token.low for token in tokens]
    for index, low in enumerate(lows[1:-1], start=1):
        if low in ("for", "of") and lows[index - 1] in lexicon.words("software"):
            noun = noun_after(tokens, index + 1)
            if noun and noun.determiner:
                reading.explained.update(range(index, noun.last))
    if lows[:1] == ["as"] and "i" in lows[:7]:
        reading.explained.update(range(lows.index("i") + 1))


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
_TEXTUAL = frozenset({"string", "text", "email", "phone", "url"})


def _views(model: Model, tokens: Tokens, reading: Reading) -> None:
    """ "filter episodes by year", "search in titles", "create and delete recipes"."""
    verbs = _verbs(tokens)
    if not verbs:
        return
    named = mentions(model, tokens)
    drafts = [model.drafts[mention.name] for mention in named]
    ends = [*list(verbs)[1:], len(tokens)]
    hit = False
    for (start, verb), end in zip(verbs.items(), ends, strict=True):
        view = _VIEWS.get(verb, "manage")
        if view in ("filter", "search", "sort"):
            done = _by_fields(model, tokens, (start, end), drafts, view, reading)
        else:
            done = _whole(named, view, reading)
        if done:
            reading.explained.add(start)
        hit |= done
    if hit:
        _explain_actor(tokens, reading)
        for mention in named:
            reading.explained.update(range(mention.first, mention.last))


def _whole(named: list[Mention], view: str, reading: Reading) -> bool:
    for mention in named:
        reading.add(f"{view}:{mention.name}", mention.first, mention.last)
    return bool(named)


def _explain_actor(tokens: Tokens, reading: Reading) -> None:
    """ "Readers can search …": who does it is no limit unless the text says "only"."""
    noun = noun_after(tokens, 0)
    modal = noun is not None and noun.last < len(tokens) and tokens[noun.last].low in ("can", "may")
    if noun and modal and noun.plural and noun.first == 0:
        reading.explained.update(range(noun.last))


def _verbs(tokens: Tokens) -> dict[int, str]:
    found: dict[int, str] = {}
    for index, token in enumerate(tokens):
        stem = lexicon.verb_stem(token.low)
        if token.low in ("filterable", "searchable", "sortable"):
            stem = token.low.removesuffix("able")
        elif not stem or not _is_asked(tokens, index, stem):
            continue
        if stem in _VIEWS or stem in lexicon.words("manage_verbs"):
            found[index] = stem
    return found


def _is_asked(tokens: Tokens, index: int, stem: str) -> bool:
    following = tokens[index + 1].low if index + 1 < len(tokens) else ""
    if stem == "order":
        return following == "by"
    by = following == "by" or tokens[index].low.endswith("ed")
    return by or is_used_as_verb(tokens, index) or (index == 0 and stem in _VIEWS)


def _by_fields(
    model: Model,
    tokens: Tokens,
    part: tuple[int, int],
    drafts: list[Draft],
    view: str,
    reading: Reading,
) -> bool:
    hit = False
    for draft, found, first, last in _field_mentions(model, tokens, part, drafts):
        if view == "search" and found.type not in _TEXTUAL:
            continue
        need = f"sort:{draft.name}" if view == "sort" else f"{view}:{draft.name}.{found.name}"
        reading.add(need, first, last)
        hit = True
    return hit


def _field_mentions(
    model: Model, tokens: Tokens, part: tuple[int, int], drafts: list[Draft]
) -> list[tuple[Draft, Field, int, int]]:
    pool = drafts or list(model.drafts.values())
    found: list[tuple[Draft, Field, int, int]] = []
    index, end = part
    while index < end:
        size, match = _field_at(pool, tokens[:end], index)
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
        owners = {d.name: d for d in pool if name in d.fields}
        if len(owners) == 1:
            (owner,) = owners.values()
            return size, (owner, owner.fields[name])
    return 0, None


def _exports(model: Model, tokens: Tokens, reading: Reading) -> None:
    """ "Export donations as CSV": stored records of a kind in a file format."""
    lows = [token.low for token in tokens]
    verb = next((i for i, t in enumerate(tokens) if lexicon.verb_stem(t.low) == "export"), -1)
    named = mentions(model, tokens)
    for form in ("csv", "json"):
        if verb >= 0 and form in lows and named:
            at = lows.index(form)
            reading.add(f"export-{form}", at, at + 1)
            reading.explained.add(verb)
            for mention in named:
                reading.explained.update(range(mention.first, mention.last))
