"""What a user wishes, checked before anything is stored or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from buildwright.core.errors import RequirementError, UnknownNameError
from buildwright.core.requirements import Analysis
from buildwright.core.settings import Settings
from buildwright.workflow.choose import MODELS, check_answers, choose_template, read_requirement


@dataclass(frozen=True, slots=True)
class Wish:
    """A requirement and the choices that came with it; `out` None means `folder/NAME`."""

    text: str
    folder: Path
    out: Path | None = None
    template: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)


def decode_requirement(raw: bytes, source: str) -> str:
    """Return the text of bytes from a file or pipe; raises RequirementError for anything else."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequirementError(
            f"{source} is not UTF-8 text (byte {error.start})",
            next_step="save it as plain text in UTF-8",
        ) from error
    return text


def check_text(text: str, settings: Settings) -> str:
    """Return the requirement text, line ends unified; raises RequirementError that says why not."""
    limit = settings.build.max_requirement_kib
    size = len(text.encode(errors="replace"))
    if size > limit * 1024:
        raise RequirementError(
            f"the requirement has {size / 1024:.0f} KiB; at most {limit} KiB are read",
            next_step="shorten it, or raise build.max_requirement_kib",
        )
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise RequirementError(
            "the requirement is binary, not text", next_step="give plain text in UTF-8"
        )
    cleaned = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not any(char.isalpha() for char in cleaned):
        what = "is empty" if not cleaned else f"{cleaned[:40]!r} holds no word"
        raise RequirementError(
            f"the requirement {what}",
            next_step='say what to build, e.g. "A REST API that tracks books with a title"',
        )
    return cleaned


def read_wish(wish: Wish, settings: Settings) -> tuple[str, Analysis]:
    """Return the checked text and its analysis; raises UsageError when nothing can be built."""
    text = check_text(wish.text, settings)
    if settings.model not in MODELS:
        raise UnknownNameError(
            "model", settings.model, MODELS, next_step="this version builds by rules: --model none"
        )
    analysis = read_requirement(text)
    fit = choose_template(analysis, wish.template, settings.templates)
    check_answers(fit.template, analysis, wish.answers)
    return text, analysis
