"""The analyze stage by rules: requirement text -> `core.requirements.Analysis`."""

from __future__ import annotations

from buildwright.core.requirements import Analysis
from buildwright.design.analysis import text as reading
from buildwright.design.analysis.entities import gather
from buildwright.design.analysis.kinds import choose_kind
from buildwright.design.analysis.relations import add_relations

__all__ = ["analyze"]


def analyze(text: str) -> Analysis:
    """Read a requirement by rules: no model, no input or output, the same result every time.

    `text` is any string; nothing is raised. At most `text.MAX_CHARS` characters and
    `text.MAX_SENTENCES` sentences are read; a question says so if that was not all.
    """
    document = reading.read(text)
    model = gather(document)
    add_relations(model, document)
    entities = model.entities()
    choice = choose_kind(document, has_entities=bool(entities))
    if choice.kind == "none":
        entities = ()
        model.relations.clear()
    return Analysis(
        text=text,
        language="en",
        name="project",
        title="Project",
        kind=choice.kind,
        kind_reason=choice.reason,
        kind_scores=choice.scores,
        items=(),
        entities=entities,
        relations=tuple(model.relations),
        questions=(),
        complexity=1,
    )
