"""Entities and their fields out of the declarations of the text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from buildwright.core.requirements import Field, Relation, Span
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.declaration import Declaration, likely_fields, told_fields
from buildwright.design.analysis.declare import declarations
from buildwright.design.analysis.endpoints import name_both_ends
from buildwright.design.analysis.fields import guesses
from buildwright.design.analysis.guess import Guess
from buildwright.design.analysis.lists import Element, split_list
from buildwright.design.analysis.model import (
    Draft,
    Model,
    is_actor_or_system,
    is_system,
    role_of,
)
from buildwright.design.analysis.nouns import Noun, noun_after
from buildwright.design.analysis.predictions import predictions
from buildwright.design.analysis.refers import referred
from buildwright.design.analysis.settle import merge_heads, settle_times
from buildwright.design.analysis.tables import add_table
from buildwright.design.analysis.text import Document


def gather(document: Document) -> Model:
    """The model with every entity and field that the text declares, and relations in lists."""
    model = Model(document.text)
    found = [*declarations(document.sentences), *predictions(document)]
    given = [declaration for declaration in found if declaration.how == "fields"]
    for declaration in given:
        for noun in declaration.nouns if _is_strong(declaration) else ():
            model.add(noun)
    for declaration in found:
        _add_kept(model, declaration)
    for sentence in document.sentences:
        name_both_ends(model, sentence)
    for declaration in given:
        _fill(model, declaration, document)
    for declaration in found:
        add_table(model, declaration)
    merge_heads(model)
    settle_times(model)
    return model


def _is_strong(declaration: Declaration) -> bool:
    noun = declaration.nouns[0]
    if is_system(noun):
        return False
    if noun.head in lexicon.words("never_things"):
        least = ("test", "request") if len(noun.key) == 1 else ("test", "request", "report", "line")
        if noun.key[-1] not in least:
            return False
        return likely_fields(list(declaration.elements), 2)
    return likely_fields(list(declaration.elements)) or told_fields(declaration)


def _add_kept(model: Model, declaration: Declaration) -> None:
    for noun in declaration.nouns if declaration.how in ("kept", "for", "handled") else ():
        if is_actor_or_system(noun) or noun.head in lexicon.words("never_things"):
            continue
        draft = model.find(noun.key)
        if draft is None and (declaration.how != "handled" or noun.plural):
            draft = None if _only_users(model, declaration) else model.add(noun)
        if draft is None:
            continue
        needs = (f"manage:{draft.name}",) if declaration.how != "handled" else ()
        model.use(declaration.sentence, noun.start, noun.end, *needs)
        if noun is declaration.nouns[0]:
            _add_owners(model, draft, declaration)


def _only_users(model: Model, declaration: Declaration) -> bool:
    """ "A tracker for freelancers": who it is for is no thing to keep if other things are."""
    if declaration.how != "for" or not model.drafts:
        return False
    head = declaration.nouns[0].key[-1]
    return not declaration.owned or head.endswith(("er", "or", "ist", "ian", "ant"))


def _add_owners(model: Model, draft: Draft, declaration: Declaration) -> None:
    for owner in declaration.owners:
        single = not owner.plural and owner.determiner not in ("", "the", "our")
        if not single and not (owner.plural and owner.determiner in ("our", "the", "all")):
            continue
        if not single and is_actor_or_system(owner):
            continue
        target = model.find(owner.key)
        if target is None and owner.determiner not in ("each", "every"):
            target = model.add(owner)
        if target and target is not draft:
            relation = Relation(
                "belongs_to",
                draft.name,
                target.name,
                role_of(target.name),
                span=Span(owner.start, owner.end),
            )
            model.relate(relation)
            model.use(
                declaration.sentence, owner.start, owner.end, f"relate:{draft.name}.{relation.role}"
            )


def _fill(model: Model, declaration: Declaration, document: Document) -> None:
    tokens = document.sentences[declaration.sentence].tokens
    end = tokens[min(declaration.last, len(tokens)) - 1].end
    start = tokens[declaration.first].start
    for noun in declaration.nouns:
        draft = model.find(noun.key)
        if draft is None:
            continue
        complete = noun.head not in lexicon.words("stop_nouns")
        if noun is declaration.nouns[0]:
            _add_owners(model, draft, declaration)
        for element in declaration.elements:
            element.limited = declaration.may
            complete &= _element(model, draft, element, declaration.sentence)
        if complete:
            model.use(declaration.sentence, start, end, f"manage:{draft.name}")
            model.use(declaration.sentence, noun.start, noun.end)
        else:
            model.use(declaration.sentence, start, start, f"manage:{draft.name}")


def _element(model: Model, draft: Draft, element: Element, sentence: int) -> bool:
    nested = _nested(model, draft, element, sentence)
    if nested is not None:
        return nested
    links = referred(model, draft, element)
    for relation in links:
        _relate(model, relation, sentence)
    if links and element.lows[0] != "which":
        return False
    found = guesses(element)
    complete = bool(found) and not links
    for guess in found:
        complete &= guess.marks.whole and guess.name != "password" and not element.limited
        _take(model, draft, guess, sentence)
    return complete


def _nested(model: Model, draft: Draft, element: Element, sentence: int) -> bool | None:
    """ "can have feedings: time, food, amount": the plural before the colon is a thing itself."""
    inner: list[Element] = []
    if element.colon and element.values:
        inner = [Element(tokens=list(tokens)) for tokens in element.values]
    elif element.groups:
        inner, _ = split_list(element.groups[0], 0)
    noun = noun_after(element.tokens, 0) if len(inner) > 1 else None
    if noun is None or not noun.plural or not likely_fields(inner, (len(inner) + 1) // 2):
        return None
    child = model.add(_absolute(noun))
    if child is None or child is draft:
        return None
    model.many.add((draft.name, child.name))
    _relate(model, _belongs(child, draft, element.tokens[0].start), sentence)
    read = [_element(model, child, part, sentence) for part in inner]
    return all(read)


def _absolute(noun: Noun) -> Noun:
    return noun


def _take(model: Model, draft: Draft, guess: Guess, sentence: int) -> None:
    target = _target(model, draft, guess) or _attached(model, guess)
    if target is None:
        _take_field(model, draft, guess, sentence)
    elif guess.many or guess.marks.limited:
        model.many.add((draft.name, target.name))
        _relate(model, _belongs(target, draft, guess.start), sentence)
    else:
        role = types.snake(_single(guess.words)) or role_of(target.name)
        if role.endswith("_" + role_of(target.name)) and target.name == types.pascal(guess.words):
            role = role_of(target.name)
        relation = _belongs(draft, target, guess.start)
        _relate(model, replace(relation, role=role, required=guess.marks.required), sentence)


def _target(model: Model, draft: Draft, guess: Guess) -> Draft | None:
    if guess.marks.values or (guess.type in ("boolean", "enum") and guess.sure):
        return None
    target = model.find(guess.words)
    if target is None and len(guess.words) == 1 and not guess.sure:
        target = model.short(guess.words)
    if target is not None:
        exact = types.pascal(target.key) == types.pascal(_single(guess.words))
        fits = exact or not guess.sure or guess.determiner in ("one", "its", "exactly")
        same = target is draft and exact
        return target if fits and not same else None
    alone = guess.determiner in ("one", "exactly", "single") and not guess.leading_with
    if alone and not guess.sure and not guess.many:
        return model.add(_noun_of(guess))
    return None


def _attached(model: Model, guess: Guess) -> Draft | None:
    """ "up to 10 photos": files of which there can be several are things of their own."""
    several = guess.determiner in lexicon.words("many_words")
    if guess.type not in ("image", "file") or not several:
        return None
    child = model.add(_noun_of(guess))
    if child is not None:
        span = Span(guess.start, guess.end)
        model.put(child, Field(guess.type, guess.type, span=span))
    return child


def _single(words: tuple[str, ...]) -> tuple[str, ...]:
    return _noun_of_words(words).key


def _noun_of(guess: Guess) -> Noun:
    return Noun(guess.words, 0, 0, guess.start, guess.end)


def _noun_of_words(words: tuple[str, ...]) -> Noun:
    return Noun(words, 0, 0, 0, 0)


def _relate(model: Model, relation: Relation, sentence: int) -> None:
    model.relate(relation)
    start = relation.span.start if relation.span else 0
    model.use(sentence, start, start, f"relate:{relation.source}.{relation.role}")


def _belongs(source: Draft, target: Draft, start: int) -> Relation:
    span = Span(start, start + 1)
    return Relation("belongs_to", source.name, target.name, role_of(target.name), span=span)


_NO_FIELD = frozenset({"password", "id", "ids", "identifier", "primary_key", "uuid"})
_NO_NAMES = frozenset(
    {"list", "own_list", "record", "records", "information", "data", "details", "thing", "things",
     "way", "access", "right", "rights", "part", "following", "fields", "properties", "history"}
)  # fmt: skip


def _take_field(model: Model, draft: Draft, guess: Guess, sentence: int) -> None:
    if guess.name in _NO_FIELD or (guess.name in _NO_NAMES and not guess.sure):
        return
    marks = guess.marks
    found = Field(
        guess.name,
        guess.type,
        values=marks.values if guess.type == "enum" else (),
        required=marks.required,
        unique=marks.unique,
        minimum=marks.minimum if _is_number(guess.type) else None,
        maximum=marks.maximum if _is_number(guess.type) else None,
        span=Span(guess.start, guess.end),
    )
    model.put(draft, found)
    model.use(sentence, guess.start, guess.start, *_field_needs(draft.name, found))


def _is_number(kind: str) -> bool:
    return kind in ("integer", "decimal", "money")


def _field_needs(entity: str, found: Field) -> Iterable[str]:
    name = f"{entity}.{found.name}"
    if found.values:
        yield f"choice:{name}"
    if found.unique:
        yield f"unique:{name}"
    if not found.required:
        yield f"optional:{name}"
    if found.minimum is not None or found.maximum is not None:
        yield f"range:{name}"
