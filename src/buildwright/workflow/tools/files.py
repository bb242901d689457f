"""Listing, reading, searching and changing the files of a workbench, confined to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildwright.core.chat import ToolSpec
from buildwright.core.errors import BuildwrightError
from buildwright.workflow.tools.tool import schema, text_of
from buildwright.workflow.workbench import Workbench, text_files
from buildwright.workspace import edits

MOST_HITS = 100
ACTIONS = ("list", "read", "search", "write", "edit", "delete")


class FileOperationTool:
    """`list`, `read`, `search`, `write`, `edit` and `delete` on a workbench."""

    spec = ToolSpec(
        "file_operation",
        "List, read, search, write, edit or delete files of the project.",
        schema(
            ("action",),
            action={"type": "string", "enum": list(ACTIONS)},
            path={"type": "string", "description": "relative to the project's root"},
            text={"type": "string", "description": "what to search for"},
            content={"type": "string", "description": "whole new content for write"},
            old_text={"type": "string", "description": "text that occurs exactly once"},
            new_text={"type": "string"},
        ),
    )

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def run(self, arguments: Mapping[str, Any]) -> str:
        """Do one action."""
        action = text_of(arguments, "action")
        if action == "list":
            return "\n".join(sorted(self._bench.files)) or "no files"
        if action == "search":
            return self._search(text_of(arguments, "text"))
        path = text_of(arguments, "path")
        if action == "read":
            content = self._bench.show(path)
            if content is None:
                raise BuildwrightError(f"there is no file {path!r}", next_step="list the files")
            return content.decode("utf-8", "replace")
        if action not in ACTIONS:
            raise BuildwrightError(f"action {action!r} is none of: {', '.join(ACTIONS)}")
        return self._change(action, path, arguments)

    def _search(self, text: str) -> str:
        hits = [
            f"{path}:{number}: {line.strip()}"
            for path, content in sorted(text_files(self._bench.files).items())
            for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1)
            if text in line
        ]
        more = f"\n… {len(hits) - MOST_HITS} more" if len(hits) > MOST_HITS else ""
        return "\n".join(hits[:MOST_HITS]) + more or "no hits"

    def _change(self, action: str, path: str, arguments: Mapping[str, Any]) -> str:
        call = {"path": path} | {
            name: arguments[name]
            for name in ("content", "old_text", "new_text")
            if name in arguments
        }
        if action == "delete":
            call["delete"] = True
        # A model that writes a whole file need not have read it; its own words are the base.
        if action in ("write", "delete"):
            self._bench.show(path)
        landing = self._bench.take(edits.parse_call(call))
        return landing.text if landing.landed else f"refused: {landing.text}"
