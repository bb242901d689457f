"""Writing data into Python, TOML, YAML, Markdown and HTML so that it stays data."""

from __future__ import annotations

import html
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 100
"""Line length of generated Python, in columns."""

_PLAIN_RANGES = ((0xA1, 0xAC), (0xAE, 0x17E), (0x3041, 0x309F), (0x30A1, 0x30FA), (0x4E00, 0x9FFF))
_PLAIN_MORE = ((0xAC00, 0xD7A3), (0x20AC, 0x20AC))
_LOOKALIKES = frozenset("\xb4\xb8\xd7\u0131\u30ce\u4e36\u4e3f")
_MARKDOWN = re.compile(r"([\\`*{}\[\]#|~$!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_MARKDOWN_START = re.compile(r"^(\d*)([-+=:.)])")


def literal(value: object) -> str:
    """Write JSON-like data as a Python literal, strings in the quotes a formatter would choose."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        body = ", ".join(literal(one) for one in value)
        return f"[{body}]" if isinstance(value, list) else f"({body}{',' * (len(value) == 1)})"
    return repr(value)


def long_literal(text: str, columns: int = 95) -> str:
    """Write a string as one literal, or as several that Python joins where it is too long."""
    if width(literal(text)) <= columns:
        return literal(text)
    pieces = [""]
    for char in text:
        if width(literal(pieces[-1] + char)) > columns:
            pieces.append("")
        pieces[-1] += char
    return "\n    ".join(_quoted(piece) for piece in pieces)


def shell_json(value: object) -> str:
    """Write JSON for the inside of single quotes in a shell, safe in a Markdown fence too."""
    return json.dumps(value).replace("'", "\\u0027").replace("`", "\\u0060")


def docstring(text: object) -> str:
    """Write text for the inside of a triple-quoted string: one line, nothing that ends it."""
    return _escape(one_line(text).replace("\\", "\\\\").replace('"', "'"))


def comment(text: object) -> str:
    """Write text for the rest of a comment line."""
    return _escape(one_line(text))


def toml(value: object) -> str:
    """Write a TOML basic string, or a number."""
    return _double_quoted(value)


def yaml(value: object) -> str:
    """Write a YAML double-quoted scalar, or a number."""
    return _double_quoted(value)


def markup(text: object) -> str:
    """Escape text for HTML, elements and attributes alike; control characters are made visible."""
    return html.escape(visible(str(text)), quote=True)


def markdown(text: object) -> str:
    """Escape text for a line of Markdown: no markup, no HTML, no line break."""
    plain = html.escape(one_line(text), quote=False)
    return _MARKDOWN_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", plain))


def quote(text: object) -> str:
    """Write text as a Markdown block quote, line by line, every line escaped."""
    lines = re.split(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", str(text).strip())
    return "\n".join(f"> {markdown(line)}".rstrip() for line in lines)


def one_line(text: object) -> str:
    """Fold all white space into single blanks and make control characters visible."""
    return visible(" ".join(str(text).split()))


def visible(text: str) -> str:
    """Show control, bidirectional and unassigned characters as `U+XXXX`; keep line breaks."""
    return "".join(
        f"U+{ord(c):04X}" if c not in "\n\t" and unicodedata.category(c).startswith("C") else c
        for c in text
    )


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: `import module as alias` where name is empty, else from module."""

    module: str
    name: str
    alias: str


def imports(needed: Iterable[str], own: Sequence[str]) -> str:
    """Write sorted import blocks: standard library, installed, own packages.

    Each of `needed` is `module`, `module as alias` or `module:Name`; doubles are written once.
    """
    groups: dict[int, set[Import]] = {}
    for one in needed:
        entry = _import(one)
        top = entry.module.partition(".")[0]
        place = 2 if top in own else 0 if top in sys.stdlib_module_names else 1
        groups.setdefault(place, set()).add(entry)
    return "\n\n".join(_import_block(groups[place]) for place in sorted(groups))


def member_order(names: Iterable[str]) -> list[str]:
    """Return names as import sorters want them: CONSTANTS, Classes, functions; item2 < item10."""
    return sorted(set(names), key=_member)


def fit(head: str, items: Iterable[str], tail: str, indent: int = 0, room: int = 0) -> str:
    """Write `head item, item tail` on one line where it fits, else one item a line.

    `indent` is the number of blanks before `head`; the first line comes without them. `room` is
    the number of columns that what follows on the same line takes (the comma of an outer list).
    """
    parts = list(items)
    line = " " * indent + head + ", ".join(parts) + tail
    if width(line) + room <= WIDTH and "\n" not in line:
        return line[indent:]
    inner = "".join(f"{' ' * (indent + 4)}{part},\n" for part in parts)
    return f"{head}\n{inner}{' ' * indent}{tail}"


def width(line: str) -> int:
    """Return the columns a line takes; East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def _quoted(text: str) -> str:
    mark = "'" if '"' in text and "'" not in text else '"'
    body = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    body = body.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f"{mark}{_escape(body)}{mark}"


def _double_quoted(value: object) -> str:
    """Write JSON; TOML and YAML read it too once pairs of surrogates are one escape."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(c if " " <= c <= "~" else f"\\U{ord(c):08x}" for c in written)


def _escape(text: str) -> str:
    return "".join(c if _plain(c) else _code(ord(c)) for c in text)


def _plain(char: str) -> bool:
    if " " <= char <= "~":
        return True
    inside = any(low <= ord(char) <= high for low, high in (*_PLAIN_RANGES, *_PLAIN_MORE))
    return inside and char not in _LOOKALIKES


def _code(point: int) -> str:
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _import(text: str) -> Import:
    module, _, name = text.partition(":")
    module, _, alias = module.partition(" as ")
    return Import(module, name, alias)


def _import_block(entries: set[Import]) -> str:
    whole = sorted((e for e in entries if not e.name), key=lambda e: natural(e.module))
    lines = [f"import {e.module}" + (f" as {e.alias}" if e.alias else "") for e in whole]
    modules = sorted({e.module for e in entries if e.name}, key=natural)
    for module in modules:
        names = member_order(e.name for e in entries if e.module == module and e.name)
        line = f"from {module} import {', '.join(names)}"
        lines.append(line if width(line) <= WIDTH else fit(f"from {module} import (", names, ")"))
    return "\n".join(lines)


def natural(text: str) -> tuple[tuple[int, str | int], ...]:
    """Return a sort key in which `item2` comes before `item10`."""
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in parts if p)


def _member(name: str) -> tuple[int, tuple[tuple[int, str | int], ...]]:
    constant = len(name) > 1 and name.isupper()
    return (0 if constant else 1 if name[:1].isupper() else 2), natural(name)
