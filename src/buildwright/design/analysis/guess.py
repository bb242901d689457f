"""A guess at a field, before it is known what is an entity."""

from __future__ import annotations

from dataclasses import dataclass

from buildwright.core.requirements import FieldType
from buildwright.design.analysis import lexicon
from buildwright.design.analysis.groups import Marks


@dataclass(frozen=True, slots=True)
class Guess:
    """What an element may be: a field, or a reference if its `words` turn out to name an entity.

    `sure` is False where the type is only the fallback, `many` True for a plural or "several".
    """

    name: str
    type: FieldType
    words: tuple[str, ...]
    start: int
    end: int
    marks: Marks
    determiner: str = ""
    many: bool = False
    sure: bool = True
    leading_with: bool = False


def make_guess(
    name: str, kind: FieldType, words: tuple[str, ...], marks: Marks, at: tuple[int, int]
) -> Guess:
    """A guess at the offsets `at`; bounds make a number of what looked like text."""
    bounded = marks.minimum is not None
    if bounded and (kind in ("string", "text") or (kind == "enum" and not marks.values)):
        kind = "decimal" if "." in (marks.minimum or "") + (marks.maximum or "") else "integer"
    many = bool(words and lexicon.is_plural(words[-1]))
    return Guess(name, kind, words, at[0], at[1], marks, many=many)
