"""CPU and memory in use of pods and nodes, as the metrics API of a cluster (metrics-server) has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from edgewright.core.errors import Failed
from edgewright.store.workloads.objects import is_key, quantity

BASE = "/apis/metrics.k8s.io/v1beta1"
MOST = 50_000
"""Objects of one answer that are taken."""


class Used(NamedTuple):
    """What one pod or node uses: cores and bytes."""

    cpu: float
    memory: float


class Usage(NamedTuple):
    """What is in use by key, and why it is not known: the API has no metrics, or does not answer them now."""

    rows: Mapping[str, Used] = {}
    problem: str = ""

    def cpu(self, key: str) -> int | None:
        """Return thousandths of a core, rounded up as `kubectl top` does; None where it is not known."""
        used = self.rows.get(key)
        return None if used is None else math.ceil(round(used.cpu * 1000, 6))

    def memory(self, key: str) -> int | None:
        """Return MiB; None where it is not known."""
        used = self.rows.get(key)
        return None if used is None else round(used.memory / 2**20)

    def text(self, key: str) -> str:
        """Return it as a sentence for the detail of an object."""
        used = self.rows.get(key)
        if used is None:
            return f"- ({self.problem})" if self.problem else "- (not measured yet)"
        return f"{self.cpu(key)} m CPU, {self.memory(key)} MiB"


class _Meta(msgspec.Struct, gc=False):
    name: str = ""
    namespace: str = ""


class _Container(msgspec.Struct, gc=False):
    usage: dict[str, str] = {}


class _Item(msgspec.Struct, gc=False):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    usage: dict[str, str] | None = None
    containers: list[_Container] | None = None


class _List(msgspec.Struct, gc=False):
    items: list[_Item] | None = None


def usage_of(data: bytes) -> dict[str, Used]:
    """Return what is in use by key, of `NodeMetricsList` or `PodMetricsList`. Raises `Failed` for anything else."""
    try:
        items = msgspec.json.decode(data, type=_List).items or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Failed("The metrics API answers something that is not a list of metrics.", "See: kubectl top") from None
    rows = {}
    for each in items[:MOST]:
        meta = each.metadata
        key = f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name
        parts = [each.usage] if each.usage is not None else [inside.usage for inside in each.containers or ()]
        if is_key(key):
            cpu = sum(quantity(part.get("cpu")) for part in parts)
            rows[key] = Used(cpu, sum(quantity(part.get("memory")) for part in parts))
    return rows
