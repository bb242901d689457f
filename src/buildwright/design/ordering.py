"""An order in which tables can be created and rows stored, whatever refers to what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` refers to `target` under `role`; numbers are positions of entities."""

    source: int
    target: int
    role: str
    required: bool


@dataclass(frozen=True, slots=True)
class Order:
    """Creation order of tables, and the edges that needed help.

    `optional` holds edges that had to become optional, with the reason; `late` holds edges whose
    foreign key can only be added after both tables exist.
    """

    sequence: tuple[int, ...]
    optional: dict[tuple[int, str], str]
    late: frozenset[tuple[int, str]]

    def freed(self, source: int, role: str) -> str:
        """Say why a required edge became optional; empty where it did not."""
        return self.optional.get((source, role), "")

    def deferred(self, source: int, role: str) -> bool:
        """Tell whether the foreign key is added after the tables."""
        return (source, role) in self.late


def table_order(count: int, edges: Iterable[Edge]) -> Order:
    """Order `count` tables so that a table comes after those it must refer to.

    A required edge to itself, or one that closes a circle of required edges, becomes optional:
    the first row could never be stored otherwise.
    """
    known = list(edges)
    optional: dict[tuple[int, str], str] = {}
    needs: dict[int, set[int]] = {number: set() for number in range(count)}
    for edge in (edge for edge in known if edge.required):
        if edge.source == edge.target:
            optional[edge.source, edge.role] = "the first one has none to refer to"
        elif _reaches(needs, edge.target, edge.source):
            optional[edge.source, edge.role] = "they refer to each other, and one has to come first"
        else:
            needs[edge.source].add(edge.target)
    sequence = _sequence(needs, known)
    place = {number: index for index, number in enumerate(sequence)}
    late = {(e.source, e.role) for e in known if place[e.target] > place[e.source]}
    return Order(tuple(sequence), optional, frozenset(late))


def _reaches(needs: dict[int, set[int]], start: int, goal: int) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        waiting.extend(needs[here] - seen)
        seen |= needs[here]
    return False


def _sequence(needs: dict[int, set[int]], edges: list[Edge]) -> list[int]:
    wishes = {n: {e.target for e in edges if e.source == n} - {n} for n in needs}
    left, done = list(needs), list[int]()
    while left:
        ready = next((n for n in left if wishes[n] <= set(done)), None)
        if ready is None:
            ready = next(n for n in left if needs[n] <= set(done))
        left.remove(ready)
        done.append(ready)
    return done
