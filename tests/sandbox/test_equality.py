"""Objects that say yes to every comparison are told from honest ones."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import math
from collections import Counter, OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from buildwright.sandbox.inside.equality import make_compare


@dataclass(order=True)
class Point:
    x: int


class Colour(enum.Enum):
    RED = 1


class Amount:
    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return self.value == getattr(other, "value", other)

    def __hash__(self) -> int:
        return hash(self.value)


class Strict:
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Strict):
            raise TypeError("only with its own kind")
        return True

    __hash__ = None  # type: ignore[assignment]


class Yes:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class YesToLists:
    def __eq__(self, other: object) -> bool:
        return type(other) is list

    __hash__ = None  # type: ignore[assignment]


class Small(int):
    def __lt__(self, other: object) -> bool:
        return True

    __gt__ = __le__ = __ge__ = __lt__


Pair = namedtuple("Pair", "a b")
HONEST = [
    (Point(1), Point(1)),
    (Colour.RED, Colour.RED),
    (Amount(3), 3),
    (Strict(), Strict()),
    (decimal.Decimal("1.5"), 1.5),
    (fractions.Fraction(1, 2), 0.5),
    (datetime.date(2024, 1, 1), datetime.date(2024, 1, 1)),
    (Path("a"), Path("a")),
    (Counter("aab"), {"a": 2, "b": 1}),
    (OrderedDict(a=1), {"a": 1}),
    (defaultdict(list), {}),
    (Pair(1, 2), (1, 2)),
    (0.1 + 0.2, pytest.approx(0.3)),
    ([Point(1), {"k": Amount(2)}], [Point(1), {"k": 2}]),
    ({1, 2}, frozenset({1, 2})),
    (mock.call(1), mock.call(1)),
    (range(3), range(3)),
    (True, True),
]
HOSTILE = [
    ("eq", Yes(), 3),
    ("eq", 3, Yes()),
    ("ne", Yes(), 3),
    ("eq", [1, Yes()], [1, 2]),
    ("eq", {"a": Yes()}, {"a": 1}),
    ("eq", (1, [Yes()]), (1, [2])),
    ("eq", YesToLists(), [1]),
    ("eq", YesToLists(), []),
    ("in", Yes(), [1, 2]),
    ("lt", Small(10**9), 1),
    ("eq", mock.ANY, 3),
]


@pytest.mark.parametrize(("left", "right"), HONEST)
def test_an_honest_object_is_left_alone(left: object, right: object) -> None:
    told: list[dict[str, str]] = []
    compare = make_compare(lambda event, **fields: told.append(fields), "")
    assert compare("eq", left, right)
    assert compare("ne", left, right) in (False, True)
    assert told == []


@pytest.mark.parametrize(("word", "left", "right"), HOSTILE)
def test_an_object_that_says_yes_to_anything_is_told(
    word: str, left: object, right: object
) -> None:
    told: list[dict[str, str]] = []
    compare = make_compare(lambda event, **fields: told.append(fields), "")
    compare(word, left, right)
    assert told
    assert "says it is equal to anything" in told[0]["what"]


class Zero:
    def __sub__(self, other: object) -> float:
        return 0.0

    __rsub__ = __add__ = __radd__ = __sub__


@pytest.mark.parametrize("word", ["sub", "add"])
def test_an_object_that_gives_one_number_for_any_sum_is_told(word: str) -> None:
    told: list[dict[str, str]] = []
    compare = make_compare(lambda event, **fields: told.append(fields), "")
    assert compare("sub", decimal.Decimal(3), 1) == 2
    assert compare("add", datetime.timedelta(1), datetime.timedelta(1)).days == 2
    assert compare("add", [1], [2]) == [1, 2]
    assert told == []
    compare(word, Zero(), 3)
    compare(word, 3, Zero())
    assert len(told) == 2


def test_what_the_locked_tests_name_may_match_anything() -> None:
    told: list[dict[str, str]] = []
    text = "from unittest.mock import ANY\nclass Yes:\n    pass\n"
    compare = make_compare(lambda event, **fields: told.append(fields), text)
    assert compare("eq", {"id": 7, "x": 1}, {"id": mock.ANY, "x": Yes()})
    assert told == []


def test_plain_comparisons_keep_their_answers() -> None:
    compare = make_compare(lambda event, **fields: None, "")
    assert compare("lt", 1, 2)
    assert not compare("eq", math.nan, math.nan)
    assert compare("not_in", 3, [1, 2])
    with pytest.raises(TypeError):
        compare("lt", 1, "a")
