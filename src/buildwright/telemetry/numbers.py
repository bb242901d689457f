"""Counters, gauges and histograms in Prometheus' text form.

By hand, because the gateway observes each call within a microsecond and starts within a tenth of a
second; the library costs 0.8 us an observation and 90 ms to load (docs/decisions/0012).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

Labels = tuple[str, ...]
SECONDS = tuple(0.01 * 2**n for n in range(17))
"""Upper bounds of durations, 0.01 to 655 s: those of OpenTelemetry's gen_ai metrics."""

QUICK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TOKENS = tuple(4.0**n for n in range(14))


class Counter:
    """Sums by labels; a series without labels begins at 0."""

    kind = "counter"

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name, self.text, self.labels = name, text, tuple(labels)
        self.values: dict[Labels, float] = {} if labels else {(): 0.0}

    def add(self, labels: Labels = (), amount: float = 1.0) -> None:
        """Add to a series."""
        self.values[labels] = self.values.get(labels, 0.0) + amount

    def lines(self) -> Iterator[str]:
        """Yield the series as text."""
        for values, number in self.values.items():
            yield f"{self.name}{shown(self.labels, values)} {number:.10g}"


class Gauge(Counter):
    """Values by labels, as they are now."""

    kind = "gauge"

    def set(self, labels: Labels, value: float) -> None:
        """Set a series."""
        self.values[labels] = value


class Series:
    """The values of one histogram under one set of labels: how many up to each bound, their sum."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds, self.counts, self.sum = bounds, [0] * (len(bounds) + 1), 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class Histogram:
    """Counts by upper bound and labels."""

    kind = "histogram"

    def __init__(
        self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]
    ) -> None:
        self.name, self.text, self.labels, self.bounds = name, text, tuple(labels), tuple(bounds)
        self._series: dict[Labels, Series] = {}

    def of(self, labels: Labels) -> Series:
        """Return the series with these labels, to be kept by who counts often."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = Series(self.bounds)
        return series

    def observe(self, labels: Labels, value: float) -> None:
        """Count a value."""
        self.of(labels).observe(value)

    def lines(self) -> Iterator[str]:
        """Yield the series as text, buckets cumulative."""
        for values, series in self._series.items():
            total = 0
            for bound, count in zip((*self.bounds, "+Inf"), series.counts, strict=True):
                total += count
                le = bound if isinstance(bound, str) else f"{bound:g}"
                names = shown((*self.labels, "le"), (*values, le))
                yield f"{self.name}_bucket{names} {total:.10g}"
            yield f"{self.name}_sum{shown(self.labels, values)} {series.sum:.10g}"
            yield f"{self.name}_count{shown(self.labels, values)} {total:.10g}"


def exposition(metrics: Iterable[Counter | Histogram]) -> str:
    """Return Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for metric in metrics:
        lines += (f"# HELP {metric.name} {metric.text}", f"# TYPE {metric.name} {metric.kind}")
        lines += metric.lines()
    return "\n".join(lines) + "\n"


def shown(names: Sequence[str], values: Sequence[str]) -> str:
    """Return labels as text, quotes and line ends escaped."""
    if not names:
        return ""
    pairs = (f'{n}="{_escaped(v)}"' for n, v in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
