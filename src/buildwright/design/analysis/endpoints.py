"""Things that are named only by how they hang together: "an order belongs to a customer"."""

from __future__ import annotations

from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.grammar import is_used_as_verb
from buildwright.design.analysis.model import Model, is_actor_or_system
from buildwright.design.analysis.nouns import (
    Noun,
    Tokens,
    clause_start,
    noun_after,
    noun_before,
    subject_of,
)
from buildwright.design.analysis.text import Sentence


def name_both_ends(model: Model, sentence: Sentence) -> None:
    """ "An order belongs to a customer" names two things even if nothing else is said of them."""
    if sentence.section in ("wont", "background"):
        return
    tokens = sentence.tokens
    for index, token in enumerate(tokens):
        if token.low not in ("belongs", "belong") or index + 2 >= len(tokens):
            continue
        if tokens[index + 1].low != "to":
            continue
        for noun in (subject_of(tokens, index), noun_after(tokens, index + 2)):
            if noun and _is_thing(noun) and not model.named_by(noun.key):
                model.add(noun)
    _one_of(model, tokens)
    _containers(model, tokens)
    _makers(model, tokens)


def _is_thing(noun: Noun) -> bool:
    if is_actor_or_system(noun) and not noun.determiner:
        return False
    return noun.head not in lexicon.words("system")


def _containers(model: Model, tokens: Tokens) -> None:
    """ "A faculty offers several programmes": both are things, whatever else is said of them."""
    for index in range(1, len(tokens) - 2):
        if tokens[index].low not in lexicon.words("containing_verbs"):
            continue
        owner = subject_of(tokens, index)
        start = index + 2 if tokens[index + 1].low == "of" else index + 1
        part = noun_after(tokens, start)
        if owner is None or part is None or owner.determiner not in ("a", "an", "each", "every"):
            continue
        many = part.determiner in lexicon.words("many_words") or tokens[index + 1].low == "of"
        if not many or not part.plural or types.type_of(part.words) is not None:
            continue
        if not is_actor_or_system(owner) and not is_actor_or_system(part):
            model.add(owner)
            model.add(part)


def _makers(model: Model, tokens: Tokens) -> None:
    """ "customers place orders": who makes a known thing is a thing, unless just a user."""
    for index in range(1, len(tokens) - 1):
        stem = lexicon.verb_stem(tokens[index].low)
        if stem not in lexicon.words("own_verbs") or tokens[index].low.endswith(("ing", "ed")):
            continue
        start = index
        while start > 0 and tokens[start - 1].low in lexicon.words("modals"):
            start -= 1
        maker = noun_before(tokens, start)
        if maker is None or not maker.plural or not clause_start(tokens, maker):
            continue
        made = noun_after(tokens, index + (2 if tokens[index + 1].low == "for" else 1))
        known = made is not None and made.key in {d.key for d in model.drafts.values()}
        if known and not is_actor_or_system(maker):
            model.add(maker)


def _one_of(model: Model, tokens: Tokens) -> None:
    """ "is of one bridge, by one inspector": a thing referred to once is a thing of its own."""
    for index in range(1, len(tokens) - 1):
        if tokens[index].low not in ("one", "exactly") or not _refers(tokens, index):
            continue
        noun = noun_after(tokens, index)
        if noun is None or noun.plural or is_actor_or_system(noun) or types.unit_of(noun.words):
            continue
        named = types.type_of(noun.words) is None and not noun.words[0][:1].isdigit()
        if named and not model.named_by(noun.key):
            model.add(noun)


def _refers(tokens: Tokens, index: int) -> bool:
    before = tokens[index - 1].low
    if before in lexicon.words("place_prepositions") and index > 2:
        verb = tokens[index - 2].low
        if lexicon.verb_stem(verb) not in ("", verb) or is_used_as_verb(tokens, index - 2):
            return verb.endswith("s") or lexicon.is_plural(tokens[index - 3].low)
    return before in ("of", "by", "to", "for") and any(
        t.low in lexicon.words("be") or t.low in ("belongs", "belong", "refers", "points", "made")
        for t in tokens[max(0, index - 8) : index]
    )
