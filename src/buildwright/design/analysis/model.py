"""The data model while it is being gathered: drafts of entities, relations, and doubts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from buildwright.core.requirements import Entity, Field, Relation, Span
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.nouns import Noun
from buildwright.design.words import singular

_MAX_ENTITIES = 60
_MAX_FIELDS = 60


@dataclass(slots=True)
class Draft:
    """An entity being gathered; `key` are its words, head in the singular."""

    name: str
    key: tuple[str, ...]
    term: str
    span: Span
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something for an open question: `what` names the thing, `why` what is unclear."""

    what: str
    why: str
    options: tuple[str, ...]
    default: str


@dataclass(slots=True)
class Model:
    """Entities by name, relations in order, doubts, and the parts of the text that were used.

    `many` holds (owner, part) for everything that is said to have more than one of something;
    `guarded` is True if the text asks for some kind of login.
    """

    text: str
    drafts: dict[str, Draft] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    guarded: bool = False
    many: set[tuple[str, str]] = field(default_factory=set)
    used: dict[int, list[Span]] = field(default_factory=dict)
    asked: dict[int, list[tuple[str, int]]] = field(default_factory=dict)

    def find(self, words: tuple[str, ...]) -> Draft | None:
        """The entity that a noun phrase names, by its whole name or by its last words."""
        if not words:
            return None
        key = (*words[:-1], singular(words[-1]))
        for cut in range(len(key)):
            name = types.pascal(key[cut:])
            if name in self.drafts:
                return self.drafts[name]
        return None

    def named_by(self, words: tuple[str, ...]) -> bool:
        """True if the words name an entity, in whole or, like "site", by its last word."""
        return self.find(words) is not None or self.short(words) is not None

    def short(self, words: tuple[str, ...]) -> Draft | None:
        """The only entity whose name ends in the one word: "site" for a donation site."""
        key = (singular(words[-1]),) if len(words) == 1 else ()
        ends = [draft for draft in self.drafts.values() if draft.key[-1:] == key]
        return ends[0] if len(ends) == 1 else None

    def add(self, noun: Noun) -> Draft | None:
        """The entity for a noun phrase, made if it is new; None if it cannot have a name."""
        name = types.pascal(noun.key[-3:])
        if not name:
            return None
        if name not in self.drafts:
            if len(self.drafts) >= _MAX_ENTITIES:
                return None
            term = self.text[noun.start : noun.end]
            self.drafts[name] = Draft(name, noun.key[-3:], term, Span(noun.start, noun.end))
        return self.drafts[name]

    def put(self, draft: Draft, found: Field) -> None:
        """Unite a field with what is known; a clash of types becomes a doubt."""
        old = draft.fields.get(found.name)
        if old is None:
            if len(draft.fields) < _MAX_FIELDS:
                draft.fields[found.name] = found
            return
        if old.type != found.type and not _refines(old, found):
            self.doubts.append(
                Doubt(
                    f"{draft.name}.{found.name}",
                    f"the text gives it as {old.type} in one place and as {found.type} in another",
                    (old.type, found.type),
                    old.type,
                )
            )
        better = found if _refines(old, found) else old
        draft.fields[found.name] = replace(
            better,
            values=tuple(dict.fromkeys((*old.values, *found.values))),
            unique=old.unique or found.unique,
            required=old.required and found.required,
        )

    def relate(self, relation: Relation) -> None:
        """Add a relation unless the same two are already related in that way."""
        pair = {relation.source, relation.target}
        for old in self.relations:
            if old.kind == relation.kind == "many_to_many" and {old.source, old.target} == pair:
                return
            same = old.source == relation.source and old.target == relation.target
            if same and old.kind == relation.kind and _same_role(old, relation):
                return
        self.relations.append(relation)

    def rename(self, old: str, new: str) -> None:
        """Let relations and needs of an entity that was merged speak of the other one."""
        self.relations[:] = [
            replace(
                relation,
                source=new if relation.source == old else relation.source,
                target=new if relation.target == old else relation.target,
                role=role_of(new) if relation.role == role_of(old) else relation.role,
            )
            for relation in self.relations
        ]
        for asked in self.asked.values():
            asked[:] = [(need.replace(f":{old}", f":{new}"), at) for need, at in asked]
        self.many = {(new if a == old else a, new if b == old else b) for a, b in self.many}

    def use(self, sentence: int, start: int, end: int, *needs: str) -> None:
        """Note that a part of a sentence was read, and what it asks for."""
        self.used.setdefault(sentence, []).append(Span(start, end))
        known = self.asked.setdefault(sentence, [])
        known.extend((need, start) for need in needs if (need, start) not in known)

    def entities(self) -> tuple[Entity, ...]:
        """The finished entities in order of appearance."""
        ordered = sorted(self.drafts.values(), key=lambda draft: draft.span.start)
        return tuple(Entity(d.name, tuple(d.fields.values()), d.span, d.term) for d in ordered)


def _refines(old: Field, new: Field) -> bool:
    return old.type == "string" or (old.type == "enum" and not old.values and bool(new.values))


def _same_role(old: Relation, new: Relation) -> bool:
    default = types.snake(tuple(_words(new.target)))
    return old.role == new.role or default in (old.role, new.role)


def _words(name: str) -> list[str]:
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name)
    return spaced.split()


def role_of(name: str) -> str:
    """`StockItem` -> `stock_item`."""
    return types.snake(tuple(_words(name)))


def is_system(noun: Noun) -> bool:
    """True for the software itself or its makers: "the API", "we", "the library"."""
    named = noun.determiner in ("a", "an", "each", "every", "any", "one")
    if named and len(noun.words) == 1 and noun.head in lexicon.words("system_maybe"):
        return False
    if noun.head in lexicon.words("system"):
        return not noun.plural
    return noun.head in lexicon.words("system_soft") and not named and not noun.plural


def is_actor_or_system(noun: Noun) -> bool:
    """True for words that are not things to keep unless the text gives them properties."""
    return noun.head in lexicon.words("stop_nouns") or is_system(noun)
