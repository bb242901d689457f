"""Comparisons in assertions, asked a second time with values that cannot be right.

An object whose comparison always says yes passes every assertion, and the locked test cannot see
it. Where an assertion that pytest rewrites compares something that is not plain data, the same
object is compared with other values of the same type as well, in random order. An honest object is
not equal to a random number, nor below every number and above it. Objects that match anything on
purpose, such as `mock.ANY`, are left alone where the text of the locked tests names them.
"""

from __future__ import annotations

import ast
import builtins
import math
import operator
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

NAME = "@compare"
PREFIX = "@py_assert"
PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None), range, type(Ellipsis)})
CONTAINERS = (list, tuple, set, frozenset, dict)
OPERATORS: dict[type[ast.AST], str] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.In: "in",
    ast.NotIn: "not_in",
    ast.Add: "add",
    ast.Sub: "sub",
}
SPECIAL = ("__eq__", "__lt__", "__gt__", "__le__", "__ge__")
NATURAL = ("eq", "ne", "lt", "le", "gt", "ge", "add", "sub")
DEEPEST = 8
chance = random.SystemRandom()


def install(emit: Callable[..., None], text: str) -> None:
    """Make pytest's rewritten assertions compare through us; `text` is that of the locked tests."""
    from _pytest.assertion import rewrite

    original = rewrite.rewrite_asserts

    def rewrite_asserts(tree: ast.Module, *rest: Any) -> None:
        original(tree, *rest)
        Through().visit(tree)

    vars(rewrite)["rewrite_asserts"] = rewrite_asserts
    setattr(builtins, NAME, make_compare(emit, text))


class Through(ast.NodeTransformer):
    """`@py_assert2 = a == b` becomes `@py_assert2 = @compare("eq", a, b)`; so do sums."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """One assignment; others stay as they are."""
        target, value = node.targets[0], node.value
        if not isinstance(target, ast.Name) or not target.id.startswith(PREFIX):
            return node
        if isinstance(value, ast.Compare):
            node.value = self.asked(value, value.ops[0], [value.left, value.comparators[0]])
        elif isinstance(value, ast.BinOp):
            node.value = self.asked(value, value.op, [value.left, value.right])
        return node

    def asked(self, value: ast.expr, sign: ast.AST, both: list[ast.expr]) -> ast.expr:
        """`value` as a call of ours, where it is an operation we ask about."""
        name = OPERATORS.get(type(sign))
        if name is None:
            return value
        word = ast.copy_location(ast.Constant(name), value)
        called = ast.copy_location(ast.Name(NAME, ast.Load()), value)
        return ast.copy_location(ast.Call(called, [word, *both], []), value)


def make_compare(emit: Callable[..., None], text: str) -> Callable[[str, Any, Any], Any]:
    """The comparison that assertions use; tells `emit` about objects that say yes to anything."""
    natural: dict[str, Callable[[Any, Any], Any]] = {
        **{name: getattr(operator, name) for name in NATURAL},
        "in": lambda item, where: item in where,
        "not_in": lambda item, where: item not in where,
    }
    suspects, hostile, name_of, named_in = odd_ones, says_yes_to_anything, plain_name, is_named
    constant, sums = gives_one_number, {name: natural[name] for name in ("add", "sub")}

    def compare(word: str, left: Any, right: Any) -> Any:
        answer = natural[word](left, right)
        if type(left) in PLAIN and type(right) in PLAIN:
            return answer
        if word in sums:
            for odd, swapped in ((left, False), (right, True)):
                if type(odd) not in PLAIN and constant(sums[word], odd, swapped=swapped):
                    emit("tampered", what=f"{name_of(odd)} gives the same number for any sum")
            return answer
        for odd, other in (*suspects(left, right), *suspects(right, left)):
            if hostile(odd, other) and not named_in(odd, text):
                emit("tampered", what=f"an object of {name_of(odd)} says it is equal to anything")
        return answer

    return compare


def odd_ones(value: Any, other: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """(object that is not plain data, what it was compared with), also inside containers."""
    kind = type(value)
    if kind in PLAIN or depth > DEEPEST:
        return
    if kind is dict:
        yield from odd_ones(list(value.values()), None, depth + 1)
        yield from odd_ones(list(value), None, depth + 1)
    elif kind in CONTAINERS:
        for part in value:
            if type(part) not in PLAIN:
                yield from odd_ones(part, None, depth + 1)
    elif any(getattr(kind, name) is not getattr(object, name) for name in SPECIAL):
        yield value, other


def says_yes_to_anything(odd: Any, other: Any) -> bool:
    """True when `odd` is equal to a value that was made up, or both below and above one."""
    tries = [
        *(lambda value=value: odd == value for value in made_up(other)),
        *(lambda value=value: odd < value and odd > value for value in made_up(other)),
        lambda: odd < -chance.uniform(1e300, 1e308) and odd > chance.uniform(1e300, 1e308),
    ]
    chance.shuffle(tries)
    return any(is_true(one) for one in tries)


def gives_one_number(deed: Callable[[Any, Any], Any], odd: Any, *, swapped: bool) -> bool:
    """True when a sum or difference with two numbers that were made up comes to one and the same.

    Such an object passes `abs(result - expected) < 1e-6` whatever is expected.
    """
    try:
        one, other = (chance.uniform(1e6, 1e9) for _ in range(2))
        first, second = ((deed(n, odd) if swapped else deed(odd, n)) for n in (one, -other))
        plain = type(first) in (int, float) and type(second) in (int, float)
        return plain and first == second and abs(first) != math.inf
    except Exception:  # noqa: BLE001 - an honest object may refuse a sum in any way
        return False


def is_true(one: Callable[[], Any]) -> bool:
    """Whether `one` gives True itself or another object that counts as true."""
    try:
        answer = one()
        return answer is True or (answer is not NotImplemented and bool(answer))
    except Exception:  # noqa: BLE001 - an honest object may refuse a comparison in any way
        return False


def made_up(other: Any) -> Iterator[Any]:
    """Values that nothing honest equals, those of the type of `other` among them."""
    number = chance.getrandbits(60) + 10**9
    words = f"{number:x}"
    yield from (number, -number, number / 7, words, words.encode(), (words,), [words], {words: 1})
    if type(other) is bool:
        yield not other
    elif type(other) in (int, float, complex):
        yield other + number
    elif type(other) in (str, bytes, list, tuple):
        yield other + made_of(type(other), words)
    elif type(other) is dict:
        yield {**other, words: number}
    elif type(other) in (set, frozenset):
        yield other | {words}


def made_of(kind: type, words: str) -> Any:
    """`words` as a value of `kind`: str, bytes, list or tuple."""
    if kind is bytes:
        return words.encode()
    return words if kind is str else kind((words,))


def plain_name(odd: Any) -> str:
    """Module and name of the type, which is all that may be asked of a stranger."""
    return f"{type(odd).__module__}.{type(odd).__qualname__}"


def is_named(odd: Any, text: str) -> bool:
    """The locked tests hold the class, or name it, or name the installed package it is from."""
    kind = type(odd)
    module = sys.modules.get(kind.__module__)
    path = str(getattr(module, "__file__", "") or "")
    if kind.__name__ == "_ANY":
        return "ANY" in text
    root = kind.__module__.partition(".")[0]
    return f"class {kind.__name__}" in text or ("site-packages" in path and root in text)
