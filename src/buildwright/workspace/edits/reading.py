"""Lines of an answer, and how a model names a file."""

from __future__ import annotations

import re

from buildwright.workspace.edits.forms import MAX_ANSWER_BYTES, MAX_ANSWER_LINES, EditRefused
from buildwright.workspace.edits.pages import refuse_raw

FORMATS = "send search/replace blocks, a unified diff, or whole files in fences, each with its path"
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})\s*([^`]*)")
_REMOVES = re.compile(r"\s*REMOVES:\s*([\w., ]+)")
_DECORATION = re.compile(r"^(?:[-*>#\s]|\d+[.)]\s)*(?:(?:new )?file(?:name)?|path)?\s*:?\s*", re.I)
_SUFFIXES = (
    "py|pyi|js|mjs|cjs|ts|tsx|jsx|json|toml|yaml|yml|md|rst|txt|html|css|scss|sql|sh|cfg|ini|go|rs"
    "|java|kt|c|h|cpp|hpp|rb|php|vue|svelte|xml|graphql|proto|lock|env|tf"
)
_MENTION = re.compile(rf"(?<![\w/.-])[\w./-]*\w\.(?:{_SUFFIXES})(?![\w/-])")
_BARE_NAMES = frozenset(("Makefile", "Dockerfile", "LICENSE", "Procfile", "Justfile", "README"))
_EXTENSION = re.compile(r"\.\w{1,12}\Z")


def lines_of(answer: str) -> list[str]:
    """Return the lines of an answer, ends cut; raises EditRefused when it is too much or raw."""
    if len(answer) > MAX_ANSWER_BYTES or len(answer.encode("utf-8", "replace")) > MAX_ANSWER_BYTES:
        raise EditRefused(
            f"the answer has {len(answer)} characters, at most {MAX_ANSWER_BYTES} bytes are read",
            next_step="send only the lines that change",
        )
    refuse_raw(answer)
    lines = answer.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if len(lines) > MAX_ANSWER_LINES:
        raise EditRefused(
            f"the answer has {len(lines)} lines, at most {MAX_ANSWER_LINES} are read",
            next_step="send only the lines that change",
        )
    return lines


def path_in(line: str) -> str | None:
    """Return the path when the line names a file and nothing else, decorations aside."""
    if len(line) > 1000:
        return None
    text = _DECORATION.sub("", line.strip(), count=1)
    bare = text.strip().strip("*").strip().rstrip(":").strip().strip("*")
    quoted = len(bare) > 2 and bare[0] == bare[-1] and bare[0] in "`'\""
    name = bare[1:-1] if quoted else bare
    if not name or "`" in name or (" " in name and not quoted):
        return None
    base = name.rsplit("/", 1)[-1]
    known = base in _BARE_NAMES or _EXTENSION.search(base) or (base.startswith(".") and base != ".")
    odd = name.startswith(("http:", "https:", "<", "=", "@", "...")) or name.endswith(("...", "/"))
    return name if (known or ("/" in name and quoted)) and not odd else None


def mentions(line: str) -> set[str]:
    """Return the file names that a line of prose mentions."""
    return set(_MENTION.findall(line[:2000]))


def declared_removals(lines: list[str]) -> frozenset[str]:
    """Return the names of all lines `REMOVES: name, name` of an answer."""
    found = (_REMOVES.fullmatch(line) for line in lines if "REMOVES:" in line)
    names = (name.strip() for match in found if match for name in match.group(1).split(","))
    return frozenset(name for name in names if name)
