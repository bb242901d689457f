"""Why a hunk has no sure place."""

from __future__ import annotations

from buildwright.workspace.edits.forms import Reason

QUOTE = "quote the lines exactly as they stand in the file, with the lines around them"
MORE = "add lines before or after until the quoted text is in the file only once"


class Missed(Exception):
    """The hunk has no sure place; `lines` are the 1-based places that were in question."""

    def __init__(
        self, reason: Reason, message: str, next_step: str, lines: tuple[int, ...] = ()
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.next_step = next_step
        self.lines = lines
