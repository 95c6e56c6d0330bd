"""What a list of workloads is narrowed to by where it was opened from: pods of a deployment, a service or a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from edgewright.store.workloads.objects import ObjectRow

FORMER = "former&"
"""Begins a target of logs that means the containers before their last restart."""


class Narrow(NamedTuple):
    """Only objects of `namespace` with all `labels` (`key:value`), on `node`; empty ones do not count."""

    namespace: str = ""
    labels: tuple[str, ...] = ()
    node: str = ""
    of: str = ""
    """What they belong to, for the crumb line: `deployment/web`."""

    @property
    def query(self) -> str:
        """Return it as the part of a target."""
        pairs = [("namespace", self.namespace), *(("label", each) for each in self.labels)]
        pairs += [("node", self.node), ("of", self.of)]
        return urlencode([(name, value) for name, value in pairs if value])

    def lets(self) -> Callable[[Any], bool] | None:
        """Return what decides about a row; None for all rows."""
        namespace, labels, node = self.namespace, frozenset(self.labels), self.node
        if not (namespace or labels or node):
            return None

        def decide(row: Any) -> bool:
            if namespace and row.namespace != namespace:
                return False
            if node and row.node != node:
                return False
            return not labels or labels.issubset(row.tags)

        return decide


def narrow_of(query: str) -> Narrow:
    """Return what the part of a target means."""
    pairs = parse_qsl(query)
    values = dict(pairs)
    labels = tuple(value for name, value in pairs if name == "label")
    return Narrow(values.get("namespace", ""), labels, values.get("node", ""), values.get("of", ""))


def pods_of(kind: str, row: ObjectRow) -> Narrow | None:
    """Return what narrows pods to those of a row; None where it has none."""
    of = f"{kind}/{row.name}"
    if kind == "node":
        return Narrow(node=row.name, of=of)
    selector = getattr(row, "selector", ())
    return Narrow(row.namespace, tuple(selector), of=of) if selector else None
