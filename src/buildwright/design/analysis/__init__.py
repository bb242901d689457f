"""The analyze stage by rules: requirement text -> `core.requirements.Analysis`."""

from __future__ import annotations

from buildwright.core.requirements import Analysis, Field, Item
from buildwright.design.analysis import text as reading
from buildwright.design.analysis.attributes import add_attributes
from buildwright.design.analysis.entities import gather
from buildwright.design.analysis.gloss import in_english
from buildwright.design.analysis.items import items
from buildwright.design.analysis.kinds import choose_kind
from buildwright.design.analysis.language import language_of
from buildwright.design.analysis.marks import add_marks
from buildwright.design.analysis.model import Model
from buildwright.design.analysis.naming import project_name, project_title
from buildwright.design.analysis.questions import questions
from buildwright.design.analysis.relations import add_relations

__all__ = ["analyze", "complexity_of"]


def analyze(text: str) -> Analysis:
    """Read a requirement by rules: no model, no input or output, the same result every time.

    `text` is any string; nothing is raised. At most `text.MAX_CHARS` characters and
    `text.MAX_SENTENCES` sentences are read; a question says so if that was not all.
    """
    original = reading.read(text)
    language = language_of(text)
    document = in_english(original, language)
    model = gather(document)
    add_relations(model, document)
    add_attributes(model, document)
    add_marks(model, document)
    _assume_names(model)
    choice = choose_kind(original, has_entities=bool(model.drafts))
    if choice.kind == "none":
        model = Model(text)
    entities = model.entities()
    name = project_name(original, choice.kind, entities)
    found = items(original, model if document is original else Model(text))
    return Analysis(
        text=text,
        language=language,
        name=name,
        title=project_title(original, name),
        kind=choice.kind,
        kind_reason=choice.reason,
        kind_scores=choice.scores,
        items=found,
        entities=entities,
        relations=tuple(model.relations),
        questions=questions(original, model, choice, language),
        complexity=complexity_of(model, found),
    )


def complexity_of(model: Model, found: tuple[Item, ...]) -> int:
    """1 to 10: 1 + 0.5 per entity beyond the first, 0.4 per relation (0.8 many-to-many), and
    0.2 per item that no capability covers; rounded."""
    entities = max(len(model.drafts) - 1, 0)
    relations = sum(0.8 if r.kind == "many_to_many" else 0.4 for r in model.relations)
    uncovered = sum(not item.needs for item in found)
    return min(10, max(1, round(1 + 0.5 * entities + relations + 0.2 * uncovered)))


def _assume_names(model: Model) -> None:
    """A thing without any property or reference gets a name, marked as assumed."""
    sources = {r.source for r in model.relations if r.kind == "belongs_to"}
    for draft in model.drafts.values():
        if not draft.fields and draft.name not in sources:
            model.put(draft, Field("name", "string", span=draft.span, assumed=True))
