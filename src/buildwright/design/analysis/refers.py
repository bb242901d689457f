"""List elements that refer to another thing: "who", "who paid", "issued by (warden)"."""

from __future__ import annotations

from buildwright.core.requirements import Relation, Span
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.lists import Element
from buildwright.design.analysis.mentions import mentions
from buildwright.design.analysis.model import Doubt, Draft, Model, role_of
from buildwright.design.analysis.nouns import noun_after

_PERSONAL = ("first_name", "last_name", "surname", "full_name", "email", "phone", "birth", "nick")


def referred(model: Model, draft: Draft, element: Element) -> list[Relation]:
    """Relations that the element says by a question word, a bracket or a number of things."""
    lows = element.lows
    if not lows:
        return []
    if lows[0] == "who" and len(lows) <= 5:
        return _by_person(model, draft, element)
    if lows in (("what",), ("which", "one"), ("which",)):
        return _to(draft, _only(_things(model, draft)), element, "")
    if len(element.groups) == 1 and len(element.groups[0]) == 1 and len(lows) > 1:
        noun = noun_after(element.groups[0], 0)
        target = model.find(noun.key) if noun and not noun.plural else None
        role = types.snake(lows) if lows[-1] in ("by", "to", "for") else ""
        return _to(draft, target, element, role)
    if is_counted(element):
        return _counted(model, draft, element)
    return _in_clause(model, draft, element) if lows[0] == "which" and len(lows) > 3 else []


def is_counted(element: Element) -> bool:
    """ "three to five members", "2-4 seats": how many there are, no property."""
    low = element.lows[0] if element.lows else ""
    number = low in lexicon.words("number_words") or low[:1].isdigit()
    return number and len(element.lows) > 1 and low not in ("one", "exactly", "single", "1")


def _by_person(model: Model, draft: Draft, element: Element) -> list[Relation]:
    verb = next((low for low in element.lows[1:] if lexicon.is_past(low)), "")
    if len(element.lows) > 1 and not verb:
        return []
    target = _only([d for d in _persons(model) if d is not draft])
    found = _to(draft, target, element, f"{verb}_by" if verb else "")
    for relation in found:
        model.doubts.append(
            Doubt(
                f"{draft.name}.{relation.role}",
                f'the text says only "who"; {relation.target} is taken',
                (relation.target, "a name as text"),
                relation.target,
            )
        )
    return found


def _persons(model: Model) -> list[Draft]:
    return [d for d in model.drafts.values() if any(n.startswith(_PERSONAL) for n in d.fields)]


def _things(model: Model, draft: Draft) -> list[Draft]:
    persons = _persons(model)
    return [d for d in model.drafts.values() if d is not draft and d not in persons]


def _only(drafts: list[Draft]) -> Draft | None:
    return drafts[0] if len(drafts) == 1 else None


def _counted(model: Model, draft: Draft, element: Element) -> list[Relation]:
    found = mentions(model, element.tokens)
    target = model.drafts[found[-1].name] if found else None
    if target is None or target is draft or not found[-1].plural:
        return []
    model.many.add((draft.name, target.name))
    return _to(target, draft, element, "")


def _in_clause(model: Model, draft: Draft, element: Element) -> list[Relation]:
    """ "which vet saw the animal": the animal is meant, too."""
    named = [m.name for m in mentions(model, element.tokens[2:]) if m.determiner in ("the", "a")]
    targets = (model.drafts[name] for name in named if name != draft.name)
    return [relation for target in targets for relation in _to(draft, target, element, "")]


def _to(source: Draft, target: Draft | None, element: Element, role: str) -> list[Relation]:
    if target is None or target is source:
        return []
    span = Span(element.tokens[0].start, element.tokens[-1].end)
    role = role or role_of(target.name)
    return [Relation("belongs_to", source.name, target.name, role, span=span)]
