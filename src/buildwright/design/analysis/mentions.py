"""Where known entities are mentioned in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.model import Model
from buildwright.design.analysis.nouns import Tokens
from buildwright.design.words import singular


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity named at token indexes `[first, last)`; `determiner` is the word before it."""

    name: str
    first: int
    last: int
    plural: bool
    determiner: str
    words: tuple[str, ...] = ()

    @property
    def many(self) -> bool:
        """True if the text speaks of more than one: a plural, or "many", "several"."""
        return self.plural or self.determiner in lexicon.words("many_words")


def mentions(model: Model, tokens: Tokens) -> list[Mention]:
    """Mentions of entities in order; the longest name wins; "order number" is no order.

    A "found item" may later be called an "item", if nothing else ends in that word.
    """
    found: list[Mention] = []
    short = _short_names(model)
    heads = {draft.key[-1].rsplit("-", 1)[-1] for draft in model.drafts.values()}
    ends = [singular(t.low.removesuffix("'s").rsplit("-", 1)[-1]) in heads for t in tokens]
    index = 0
    while index < len(tokens):
        if not any(ends[index : index + 3]):
            index += 1
            continue
        mention = _at(model, tokens, index) or _short_at(model, tokens, index, short)
        if mention:
            found.append(mention)
        index = mention.last if mention else index + 1
    return found


def _at(model: Model, tokens: Tokens, index: int) -> Mention | None:
    for size in (3, 2, 1):
        part = tokens[index : index + size]
        if len(part) < size or not all(token.is_word for token in part):
            continue
        words = tuple(token.low.removesuffix("'s") for token in part)
        name = types.pascal((*words[:-1], singular(words[-1])))
        if name in model.drafts and not _modifies(tokens, index + size, words[-1]):
            determiner = _determiner(tokens, index)
            plural = lexicon.is_plural(words[-1]) and determiner not in ("a", "an", "one", "each")
            return Mention(name, index, index + size, plural, determiner, words)
    return None


def _short_names(model: Model) -> dict[str, str]:
    """Last word of a name -> the only entity that ends in it."""
    heads: dict[str, list[str]] = {}
    for name, draft in model.drafts.items():
        heads.setdefault(draft.key[-1], []).append(name)
    return {
        head: names[0]
        for head, names in heads.items()
        if len(names) == 1 and len(model.drafts[names[0]].key) > 1
    }


def _short_at(model: Model, tokens: Tokens, index: int, short: dict[str, str]) -> Mention | None:
    low = tokens[index].low.removesuffix("'s")
    name = short.get(singular(low))
    if name is None or _modifies(tokens, index + 1, low):
        return None
    determiner = _determiner(tokens, index)
    opened = index == 0 or determiner or tokens[index - 1].low in lexicon.words("determiners")
    if not opened and not lexicon.is_plural(low):
        return None
    plural = lexicon.is_plural(low) and determiner not in ("a", "an", "one", "each")
    return Mention(name, index, index + 1, plural, determiner, model.drafts[name].key)


_MANY = frozenset(
    {("any", "number", "of"), ("a", "number", "of"), ("one", "or", "more"), ("a", "lot", "of")}
)


def _modifies(tokens: Tokens, index: int, head: str) -> bool:
    """True if a noun follows, so that the name is only a modifier of it."""
    if tokens[index - 1].low.endswith("'s"):
        return True
    if index >= len(tokens) or lexicon.is_plural(head):
        return False
    low = tokens[index].low
    return lexicon.is_nominal(low) and not lexicon.verb_stem(low)


def _determiner(tokens: Tokens, index: int) -> str:
    position = index - 1
    if tuple(t.low for t in tokens[max(0, index - 3) : index]) in _MANY:
        return "many"
    while position >= 0:
        low = tokens[position].low
        if low in lexicon.words("determiners") or low in lexicon.words("number_words"):
            return low
        if low.isdigit():
            ceiling = [t.low for t in tokens[max(0, position - 2) : position]] == ["up", "to"]
            return "many" if ceiling else low
        if low == "more" and position > 1 and tokens[position - 1].low == "or":
            return "many"
        passed = low in lexicon.words("weak_adjectives") or low in ("of", "optional")
        if not passed and not (position == index - 1 and low.endswith("ing")):
            return ""
        position -= 1
    return ""
