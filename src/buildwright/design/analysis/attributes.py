"""What later sentences add to known fields: values, uniqueness, bounds, whether required."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buildwright.core.requirements import Field, Span
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.groups import Marks, bounds_of, split_values
from buildwright.design.analysis.mentions import mentions
from buildwright.design.analysis.model import Draft, Model
from buildwright.design.analysis.nouns import Noun, Tokens, noun_after, noun_before
from buildwright.design.analysis.text import Document, Token


@dataclass(frozen=True, slots=True)
class _Said:
    """`noun` is said to be `rest`, in sentence number `sentence` from `start` to `end`."""

    sentence: int
    noun: Noun
    rest: tuple[Token, ...]

    @property
    def lows(self) -> tuple[str, ...]:
        return tuple(token.low for token in self.rest)

    @property
    def start(self) -> int:
        return self.noun.start

    @property
    def end(self) -> int:
        return self.rest[-1].end


def add_attributes(model: Model, document: Document) -> None:
    """Read "status is open, paid or shipped", "the SKU must be unique", "rating is from 1 to 5"."""
    last: Draft | None = None
    for number, sentence in enumerate(document.sentences):
        named = mentions(model, sentence.tokens)
        owner = model.drafts[named[0].name] if named else last
        last = owner
        if sentence.section in ("wont", "background") or owner is None:
            continue
        for index, token in enumerate(sentence.tokens):
            if token.low in ("is", "are", "be", ":"):
                said = _said(number, sentence.tokens, index)
                if said:
                    _apply(model, said, owner, colon=token.low == ":")


def _said(number: int, tokens: Tokens, index: int) -> _Said | None:
    end = index
    while end > 0 and tokens[end - 1].low in lexicon.words("modals"):
        end -= 1
    noun = noun_before(tokens, end)
    if noun is None and end > 1 and tokens[end - 1].low == "and" and tokens[index].low == "is":
        noun = noun_after(tokens, 0)
    stop = next((i for i in range(index + 1, len(tokens)) if _ends(tokens[i])), len(tokens))
    rest = tuple(tokens[index + 1 : min(stop, index + 40)])
    if noun is None and end and tokens[end - 1].low == ")":
        return None
    return _Said(number, noun, rest) if noun and rest else None


def _ends(token: Token) -> bool:
    return token.low in (".", ";", "!", "?", ":", "(", ")")


def _apply(model: Model, said: _Said, owner: Draft, *, colon: bool) -> None:
    draft, found = _field(model, said, owner)
    if found is not None:
        _refine(model, said, draft, found)
    elif said.noun.head in lexicon.words("enum_heads") or types.type_of(said.noun.words) == "enum":
        _new_enum(model, said, draft)
    elif not colon:
        _state(model, said)


def _field(model: Model, said: _Said, owner: Draft) -> tuple[Draft, Field | None]:
    """The field that the noun names: of the owner, else of the only entity that has it."""
    words = said.noun.words
    names = (types.snake(said.noun.key), types.snake(words), types.snake(words[-1:]))
    for cut in range(1, len(words)):
        whose = model.find(words[:cut])
        if whose and types.snake(words[cut:]) in whose.fields:
            return whose, whose.fields[types.snake(words[cut:])]
    for name in names:
        if name in owner.fields:
            return owner, owner.fields[name]
    measured = [f for n, f in owner.fields.items() if n.startswith(f"{names[0]}_") and names[0]]
    if len(measured) == 1 and measured[0].type in ("decimal", "integer"):
        return owner, measured[0]
    having = [d for d in model.drafts.values() if names[0] in d.fields]
    if len(having) == 1:
        return having[0], having[0].fields[names[0]]
    return owner, None


def _refine(model: Model, said: _Said, draft: Draft, found: Field) -> None:
    name = f"{draft.name}.{found.name}"
    lows = [low for low in said.lows if low not in lexicon.words("adverbs")]
    if lows == ["unique"]:
        _replace(model, said, draft, replace(found, unique=True), f"unique:{name}")
    elif lows in (["required"], ["mandatory"]):
        _replace(model, said, draft, replace(found, required=True), f"required:{name}")
    elif lows == ["optional"]:
        _replace(model, said, draft, replace(found, required=False), f"optional:{name}")
    elif found.type in ("integer", "decimal", "money", "string", "enum"):
        _bounds_or_values(model, said, draft, found)


def _bounds_or_values(model: Model, said: _Said, draft: Draft, found: Field) -> None:
    name = f"{draft.name}.{found.name}"
    left, marks, _ = bounds_of(list(said.rest), Marks())
    if marks.minimum is not None and len(left) <= 3:
        kind = found.type if found.type in ("integer", "decimal", "money") else "integer"
        better = replace(found, type=kind, minimum=marks.minimum, maximum=marks.maximum)
        _replace(model, said, draft, better, f"range:{name}")
        return
    values = _closed_list(said)
    if any(types.snake((value,)) in draft.fields for value in values):
        return
    if values and found.type in ("string", "enum") and not found.values:
        _replace(model, said, draft, replace(found, type="enum", values=values), f"choice:{name}")


def _replace(model: Model, said: _Said, draft: Draft, better: Field, need: str) -> None:
    draft.fields[better.name] = better
    model.use(said.sentence, said.start, said.end, need)


def _closed_list(said: _Said) -> tuple[str, ...]:
    """Values of "open, paid or shipped"; empty if it reads like anything else."""
    rest = list(said.rest)
    while rest and rest[0].low in ("one", "either", "of", "always", "any", "the", "following", ":"):
        rest.pop(0)
    lows = [token.low for token in rest]
    if "," not in lows and "or" not in lows:
        return ()
    values = split_values(rest)
    plain = all(len(value.split()) <= 3 for value in values)
    return values if len(values) >= 2 and plain and not _has_grammar(lows) else ()


def _has_grammar(lows: list[str]) -> bool:
    allowed = lexicon.words("value_words")
    return any(
        lexicon.is_function_word(low) and low not in allowed and low not in ("or", "and")
        for low in lows
    )


def _new_enum(model: Model, said: _Said, draft: Draft) -> None:
    values = _closed_list(said)
    name = types.snake(
        said.noun.words[-1:] if model.find(said.noun.words[:-1]) else said.noun.words
    )
    if not values or not name:
        return
    owner = model.find(said.noun.words[:-1]) or draft
    span = Span(said.start, said.end)
    model.put(owner, Field(name, "enum", values=values, span=span))
    model.use(said.sentence, said.start, said.end, f"choice:{owner.name}.{name}")


def _state(model: Model, said: _Said) -> None:
    """ "A plot is free, let or blocked": the values of a status that the text does not name."""
    draft = model.find(said.noun.key)
    values = _closed_list(said)
    single = all(" " not in value for value in values)
    if draft is None or len(values) < 2 or not single or "or" not in said.lows:
        return
    if any("status" in name or "state" in name for name in draft.fields):
        return
    span = Span(said.start, said.end)
    model.put(draft, Field("status", "enum", values=values, span=span))
    model.use(said.sentence, said.start, said.end, f"choice:{draft.name}.status")
