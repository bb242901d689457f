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
    """Mentions of entities in order; the longest name wins; "order number" is no order."""
    found: list[Mention] = []
    index = 0
    while index < len(tokens):
        mention = _at(model, tokens, index)
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
    while position >= 0:
        low = tokens[position].low
        if low in lexicon.words("determiners") or low in lexicon.words("number_words"):
            return low
        if low.isdigit():
            ceiling = [t.low for t in tokens[max(0, position - 2) : position]] == ["up", "to"]
            return "many" if ceiling else low
        if low == "more" and position > 1 and tokens[position - 1].low == "or":
            return "many"
        if low not in lexicon.words("weak_adjectives") and low not in ("of", "optional"):
            return ""
        position -= 1
    return ""
