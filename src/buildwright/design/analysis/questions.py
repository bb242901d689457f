"""Open questions: everything that the rules were unsure of, with the default they chose."""

from __future__ import annotations

from collections.abc import Iterator

from buildwright.core.requirements import Question
from buildwright.design.analysis import lexicon
from buildwright.design.analysis.kinds import Choice
from buildwright.design.analysis.model import Model
from buildwright.design.analysis.text import MAX_CHARS, Document

_MAX_QUESTIONS = 25
_MAX_QUOTE = 120
_KINDS = ("rest-api", "cli-tool", "fullstack-web-app", "graphql-api")


def questions(
    document: Document, model: Model, choice: Choice, language: str
) -> tuple[Question, ...]:
    """Questions Q-1 … in order of weight: kind, language, instructions, then single fields."""
    found = [
        *_about_kind(choice),
        *_about_text(document, language),
        *_about_model(model),
        *_about_words(document),
    ]
    return tuple(
        Question(f"Q-{number}", q.text, q.options, q.default, q.why)
        for number, q in enumerate(found[:_MAX_QUESTIONS], start=1)
    )


_MISSING = {
    "ask": (
        "This reads like a question. What should be built?",
        "the text asks something and describes no program",
    ),
    "foreign": (
        "No project kind covers this. Is there a server, a command or a web part to build for it?",
        "the text describes something outside the kinds of project that can be generated",
    ),
    "vague": (
        "Which things should be kept, with which properties, and who uses them by what interface?",
        "the text names neither things to keep nor an interface",
    ),
}


def _about_kind(choice: Choice) -> Iterator[Question]:
    if choice.kind == "none":
        text, why = _MISSING[choice.missing or "vague"]
        yield Question("", text, ("describe it and build again",), "nothing is built", why)
    elif choice.missing == "interface":
        text = "By which interface should it be used?"
        yield Question("", text, _KINDS, choice.kind, "the text names no interface")
    elif not choice.clear:
        options = tuple(kind for kind, _ in choice.scores[:3])
        text = "Which kind of project is meant?"
        why = f"the text speaks for more than one: {', '.join(options)}"
        yield Question("", text, options, choice.kind, why)


def _about_text(document: Document, language: str) -> Iterator[Question]:
    if language != "en":
        text = (
            f"The text seems to be in another language ({language}). Is there an English version?"
        )
        why = "the rules read English; things and properties of this text may be missing"
        yield Question("", text, ("translate", "go on as it is"), "go on as it is", why)
    for span in document.injected[:3]:
        quote = " ".join(document.text[span.start : span.end].split())[:_MAX_QUOTE]
        text = f"The text contains instructions addressed to an AI; treated as text: {quote!r}"
        why = "a requirement says what a program does, not what the reader of the text should do"
        yield Question(
            "", text, ("leave them out", "describe them as a feature"), "leave them out", why
        )
    if document.cut:
        text = f"Only the first part of the text was read (limit {MAX_CHARS} characters). Go on?"
        yield Question("", text, ("go on", "shorten the text"), "go on", "the text is very long")


def _about_model(model: Model) -> Iterator[Question]:
    for doubt in model.doubts:
        text = f"What should {doubt.what} be?"
        yield Question("", text, doubt.options, doubt.default, doubt.why)
    for draft in model.drafts.values():
        for found in draft.fields.values():
            if found.type == "enum" and not found.values:
                text = f"Which values can {draft.name}.{found.name} have?"
                why = "the text names no values"
                yield Question("", text, ("list them", "any text"), "any text", why)
            if found.assumed:
                text = f"Which properties does {draft.name} have?"
                why = f"the text names none; {found.name} is assumed"
                yield Question("", text, (found.name, "list them"), found.name, why)


def _about_words(document: Document) -> Iterator[Question]:
    for sentence in document.sentences:
        for low in sentence.lows:
            if low in lexicon.words("vague_words"):
                quote = " ".join(document.text[sentence.start : sentence.end].split())[:_MAX_QUOTE]
                why = f'"{low}" cannot be tested as it stands'
                options = ("give a number or a rule", "leave it untested")
                text = f'What exactly does "{low}" mean in: {quote}'
                yield Question("", text, options, "leave it untested", why)
                break
