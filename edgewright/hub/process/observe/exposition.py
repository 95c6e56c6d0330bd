"""Prometheus' text format, version 0.0.4: families of samples, and a histogram.

Written here: the client library would add 30 ms and a second registry of everything to each start of the hub.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


class Sample(NamedTuple):
    """One value; `suffix` is appended to the name of its family."""

    value: float
    labels: Mapping[str, str] = {}
    suffix: str = ""


class Family(NamedTuple):
    """All samples of one metric."""

    name: str
    kind: str
    """`counter`, `gauge` or `histogram`."""
    help: str
    samples: Sequence[Sample]


class Histogram:
    """Counts values by upper bounds; `bounds` rise, in the unit of the values."""

    __slots__ = ("_counts", "bounds", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def samples(self, labels: Mapping[str, str]) -> list[Sample]:
        """Return cumulative buckets, sum and count."""
        result, seen = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self._counts, strict=True):
            seen += count
            result.append(Sample(seen, {**labels, "le": _number(bound)}, "_bucket"))
        return [*result, Sample(self.total, labels, "_sum"), Sample(seen, labels, "_count")]


def metric(name: str, kind: str, text: str, value: float) -> Family:
    """Return a metric without labels."""
    return Family(name, kind, text, (Sample(value),))


def render(families: Iterable[Family]) -> str:
    """Return the text of all metrics."""
    lines: list[str] = []
    for family in families:
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
        for value, labels, suffix in family.samples:
            shown = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
            lines.append(f"{family.name}{suffix}{'{' + shown + '}' if shown else ''} {_number(value)}")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
