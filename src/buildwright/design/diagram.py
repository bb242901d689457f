"""Entity diagrams: Mermaid text for forges, and an SVG that needs no script."""

from __future__ import annotations

from html import escape

from buildwright.core.requirements import Analysis, Entity

BOX_WIDTH = 210
ROW = 18
GAP = 60
COLUMNS = 3
_MOST_ROWS = 12


def entity_mermaid(analysis: Analysis) -> str:
    """Return an `erDiagram`; every name is reduced to letters, digits and underscores."""
    lines = ["erDiagram"]
    for entity in analysis.entities:
        lines.append(f"    {_word(entity.name)} {{")
        lines += [f"        {_word(f.type)} {_word(f.name)}" for f in entity.fields]
        lines.append("    }")
    for relation in analysis.relations:
        arrow = "}o--||" if relation.kind == "belongs_to" else "}o--o{"
        ends = f"{_word(relation.source)} {arrow} {_word(relation.target)}"
        lines.append(f'    {ends} : "{_word(relation.role)}"')
    return "\n".join(lines)


def entity_diagram(analysis: Analysis) -> str:
    """Return an SVG of boxes in rows of three, a line for each relation; "" without entities."""
    if not analysis.entities:
        return ""
    places: dict[str, tuple[int, int, int]] = {}
    top = 10
    parts: list[str] = []
    for start in range(0, len(analysis.entities), COLUMNS):
        row = analysis.entities[start : start + COLUMNS]
        heights = [_height(entity) for entity in row]
        for column, entity in enumerate(row):
            left = 10 + column * (BOX_WIDTH + GAP)
            places[entity.name] = (left, top, heights[column])
            parts.append(_box(entity, left, top, heights[column]))
        top += max(heights) + GAP
    lines = [_line(places, r.source, r.target, r.role) for r in analysis.relations]
    width = 20 + COLUMNS * BOX_WIDTH + (COLUMNS - 1) * GAP
    head = f'<svg viewBox="0 0 {width} {top - GAP + 20}" role="img" aria-label="Entities">'
    return "".join([head, *lines, *parts, "</svg>"])


def _height(entity: Entity) -> int:
    return 34 + ROW * max(1, min(len(entity.fields), _MOST_ROWS))


def _box(entity: Entity, left: int, top: int, height: int) -> str:
    rows = [
        f'<text x="{left + 10}" y="{top + 42 + ROW * i}" class="f">'
        f"{escape(_cut(f.name, 18))} <tspan>{escape(f.type)}</tspan></text>"
        for i, f in enumerate(entity.fields[:_MOST_ROWS])
    ]
    return (
        f'<g><rect x="{left}" y="{top}" width="{BOX_WIDTH}" height="{height}" rx="8"/>'
        f'<text x="{left + 10}" y="{top + 20}" class="n">{escape(_cut(entity.name, 24))}</text>'
        f"{''.join(rows)}</g>"
    )


def _line(places: dict[str, tuple[int, int, int]], source: str, target: str, role: str) -> str:
    if source not in places or target not in places:
        return ""
    (x1, y1, h1), (x2, y2, h2) = places[source], places[target]
    half = BOX_WIDTH // 2
    if source == target:
        left, top = x1 + BOX_WIDTH, y1 + 10
        return f'<path d="M{left} {top} h24 v26 h-24"><title>{escape(role)}</title></path>'
    return (
        f'<path d="M{x1 + half} {y1 + h1 // 2} L{x2 + half} {y2 + h2 // 2}">'
        f"<title>{escape(source)} to {escape(target)}: {escape(role)}</title></path>"
    )


def _word(text: str) -> str:
    return "".join(char if char.isalnum() or char == "_" else "_" for char in text) or "_"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
