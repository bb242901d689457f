"""Values for generated tests and examples: valid, ordered, at the bounds, and wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from buildwright.core.requirements import FieldType

JsonValue = str | int | float | bool | dict[str, object] | list[object]
"""A value as JSON carries it; decimals and money are strings."""

Expression = Callable[[int], JsonValue]
NUMBERS: dict[FieldType, tuple[Decimal, Decimal, int]] = {
    "integer": (Decimal(-(2**31)), Decimal(2**31 - 1), 0),
    "duration": (Decimal(0), Decimal(2**31 - 1), 0),
    "decimal": (Decimal(-(10**12) + 1), Decimal(10**12 - 1), 6),
    "money": (Decimal(-(10**10) + 1), Decimal(10**10 - 1), 2),
}
"""Type -> lowest and highest value that the storage takes, and decimal places."""
BAD: dict[FieldType, tuple[JsonValue, ...]] = {
    "string": (5, "  ", "nul \0"),
    "text": (5, "  "),
    "integer": ("many", 1.5, True, 2**31),
    "decimal": ("many", "0.0000001"),
    "money": ("many", "0.001"),
    "boolean": ("perhaps", 1),
    "date": ("2026-13-45", 5),
    "time": ("25:00", "10:00:00+02:00", 5),
    "datetime": ("yesterday", 5, "0001-01-01T00:00:00+14:00"),
    "duration": ("many", -1),
    "email": ("nobody", 5),
    "phone": ("call me", "123"),
    "url": ("not an address", 5),
    "geo": ({"lat": 91, "lon": 0}, {"lat": 0}),
    "image": (5, ""),
    "file": (5, ""),
    "json": ("text", 5),
    "list": ("one", [5]),
}
"""Values that a field of the type must refuse, whatever its bounds."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What tests send for one field.

    `expression` is a Python expression over `n` (1, 2, 3 …) whose values differ where the type
    allows it; `example` is its value for 1. `low` sorts before `high`; both are None where the
    type has no order or only one value. `below` and `above` lie outside the bounds that the text
    gave, None where it gave none; `least` and `most` are those bounds. `counted` says whether the
    expression uses `n`; `choices` are the values where it picks from a short list. `variety` is the
    number of different values, at most 1000.
    """

    expression: str
    example: JsonValue
    bad: tuple[JsonValue, ...]
    low: JsonValue | None = None
    high: JsonValue | None = None
    below: JsonValue | None = None
    least: JsonValue | None = None
    most: JsonValue | None = None
    above: JsonValue | None = None
    counted: bool = True
    choices: tuple[JsonValue, ...] = ()
    variety: int = 1000


def text_samples(kind: FieldType, label: str) -> Samples:
    """Return samples for types that carry text; `label` is ASCII words."""
    name = label.capitalize()
    slug = label.replace(" ", "-")
    table: dict[FieldType, tuple[str, JsonValue, JsonValue, JsonValue]] = {
        "string": (f'f"{name} {{n}}"', f"{name} 1", f"Amber {label}", f"Birch {label}"),
        "text": (f'f"{name} {{n}}"', f"{name} 1", f"Amber {label}", f"Birch {label}"),
        "email": (
            'f"person{n}@example.com"',
            "person1@example.com",
            "amber@example.com",
            "birch@example.com",
        ),
        "phone": ('f"+49 30 {100000 + n}"', "+49 30 100001", "+49 30 1", "+49 30 2"),
        "url": (
            f'f"https://example.com/{slug}/{{n}}"',
            f"https://example.com/{slug}/1",
            "https://example.com/a",
            "https://example.com/b",
        ),
        "image": ('f"images/{n}.png"', "images/1.png", "images/a.png", "images/b.png"),
        "file": ('f"files/{n}.pdf"', "files/1.pdf", "files/a.pdf", "files/b.pdf"),
        "date": (
            'f"2026-01-{1 + n % 28:02d}"',
            "2026-01-02",
            "2026-03-01",
            "2026-09-30",
        ),
        "time": ('f"10:{n % 60:02d}:00"', "10:01:00", "08:30:00", "17:45:00"),
        "datetime": (
            'f"2026-01-01T10:{n % 60:02d}:00Z"',
            "2026-01-01T10:01:00Z",
            "2026-03-01T08:00:00Z",
            "2026-09-30T18:30:00Z",
        ),
    }
    expression, example, low, high = table[kind]
    return Samples(expression, example, BAD[kind], low, high)


def other_samples(kind: FieldType, label: str) -> Samples:
    """Return samples for booleans and structured types."""
    name = label.capitalize()
    table: dict[FieldType, Samples] = {
        "boolean": Samples("n % 2 == 1", True, BAD["boolean"], False, True),
        "geo": Samples(
            '{"lat": 52.5, "lon": 13.0 + n % 90}', {"lat": 52.5, "lon": 14.0}, BAD["geo"]
        ),
        "list": Samples(f'[f"{name} {{n}}", "more"]', [f"{name} 1", "more"], BAD["list"]),
        "json": Samples('{"number": n}', {"number": 1}, BAD["json"]),
    }
    return table[kind]


def enum_samples(values: tuple[str, ...], literal: Callable[[str], str]) -> Samples:
    """Return samples for a choice; `literal` writes a Python string."""
    wrong = "no such value"
    while wrong in values:
        wrong += "!"
    ordered = sorted(values)
    varied = len(ordered) > 1
    return Samples(
        literal(values[0]),
        values[0],
        (wrong, 5),
        ordered[0] if varied else None,
        ordered[-1] if varied else None,
        counted=False,
    )


def bounds(
    kind: FieldType, minimum: str | None, maximum: str | None
) -> tuple[Decimal | None, Decimal | None]:
    """Return the inclusive bounds as numbers; ones that make no sense together are dropped."""
    if kind not in NUMBERS:
        return None, None
    low, high = _number(kind, minimum), _number(kind, maximum)
    if low is not None and high is not None and low > high:
        return None, None
    return low, high


def number_samples(
    kind: FieldType, label: str, least: Decimal | None, most: Decimal | None
) -> Samples:
    """Return samples for a number within the bounds (None: only what storage takes)."""
    floor, ceiling, places = NUMBERS[kind]
    step = Decimal(1).scaleb(-places) if places else Decimal(1)
    start = _start(label, least, most)
    room = int(((most if most is not None else ceiling) - start) / step)
    unit = Decimal(1) if room * step >= 60 or places == 0 else step
    span = min(int(((most if most is not None else ceiling) - start) / unit) + 1, 1000)

    def show(value: Decimal) -> JsonValue:
        return int(value) if places == 0 else plain(value, kind)

    low, high = start, start + unit * (span - 1 if span < 20 else 10)
    return Samples(
        expression=_expression(start, unit, span, kind),
        choices=_choices(start, unit, span, kind),
        example=show(start + unit * (1 % span)),
        bad=BAD[kind],
        low=show(low) if span > 1 else None,
        high=show(high) if span > 1 else None,
        below=show(least - step) if least is not None and least > floor else None,
        least=None if least is None else show(least),
        most=None if most is None else show(most),
        above=show(most + step) if most is not None and most < ceiling else None,
        counted=places == 0 or span > 1,
        variety=span,
    )


def plain(value: Decimal, kind: FieldType) -> str:
    """Write a decimal as the generated API answers it: money with two places, else trimmed."""
    if kind == "money":
        return f"{value:.2f}"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _start(label: str, least: Decimal | None, most: Decimal | None) -> Decimal:
    if least is not None:
        return least
    if "year" in label.split() and most is None:
        return Decimal(2000)
    return Decimal(10) if most is None or most >= 1000 else most - min(abs(most), Decimal(10))


def _expression(start: Decimal, unit: Decimal, span: int, kind: FieldType) -> str:
    places = NUMBERS[kind][2]
    if places == 0:
        return f"{start} + n % {span}"
    values = _choices(start, unit, span, kind)
    if values:
        listed = ", ".join(f'"{value}"' for value in values)
        return f"[{listed}][n % {len(values)}]"
    if span == 1:
        return f'"{plain(start, kind)}"'
    ending = ".00" if kind == "money" else ""
    return f'f"{{{int(start)} + n % {span}}}{ending}"'


def _choices(start: Decimal, unit: Decimal, span: int, kind: FieldType) -> tuple[str, ...]:
    counts = unit == 1 and start >= 0 and start == int(start)
    if NUMBERS[kind][2] == 0 or counts or span == 1:
        return ()
    return tuple(plain(start + unit * step, kind) for step in range(min(span, 5)))


def _number(kind: FieldType, text: str | None) -> Decimal | None:
    floor, ceiling, places = NUMBERS[kind]
    try:
        value = Decimal(text or "")
        exact = value.is_finite() and value == round(value, places)
    except (ArithmeticError, ValueError):
        return None
    return value if exact and floor <= value <= ceiling else None
