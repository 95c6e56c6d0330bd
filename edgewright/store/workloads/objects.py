"""The parts of an object that every kind has, decoded without the rest of it; quantities, labels, owners."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from edgewright.core import times
from edgewright.store.collections.document_values import MAX_ITEMS, moment, tidy
from edgewright.store.collections.rows import Row

_FACTORS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
}  # fmt: skip
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,252}"
_KEY = re.compile(rf"(?:{_NAME}/)?{_NAME}", re.ASCII)
_GPUS = ("nvidia.com/mig-", "gpu.intel.com/")
Names = Mapping[str, str]


class Owner(msgspec.Struct, gc=False):
    """`OwnerReference`."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class Meta(msgspec.Struct, rename="camel", gc=False):
    """`ObjectMeta`."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[Owner] | None = None
    generation: int | None = None

    @property
    def key(self) -> str:
        """`namespace/name`, or the name of an object without a namespace: no name contains a slash."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def created(self) -> float | None:
        """When it was created, epoch seconds UTC."""
        return moment(self.creation_timestamp) if self.creation_timestamp else None

    @property
    def owner(self) -> tuple[str, str]:
        """Kind and name of the controller; empty without one."""
        for each in self.owner_references or ():
            if each.controller:
                return tidy(each.kind), tidy(each.name)
        return "", ""

    def tags(self) -> tuple[str, ...]:
        """Return the labels as `key:value`."""
        return pairs(self.labels)


class Condition(msgspec.Struct, rename="camel", gc=False):
    """A condition of a status."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class ObjectRow(Row, frozen=True, array_like=True, gc=False):
    """What rows of every kind have."""

    uid: str
    """Key of the row: `namespace/name`."""
    name: str = ""
    namespace: str = ""
    health: str = ""
    """ok, work, warn, bad, parked or muted: the role of its sign."""
    created: float | None = None
    tags: tuple[str, ...] = ()
    """Labels, `key:value`."""


SIGNS: Mapping[str, str] = {"ok": "•", "work": "►", "warn": "▲", "bad": "▲", "parked": "▬", "muted": "○"}
_WORST = ("bad", "warn", "work", "parked", "muted", "ok")


def is_key(text: str) -> bool:
    """Whether a text is `namespace/name` or a name, as every API server checks: it is shown, and is part of a path."""
    return _KEY.fullmatch(text) is not None


def sign(row: ObjectRow) -> str:
    """Return the glyph of a row."""
    return SIGNS.get(row.health, "○")


def by_harm(row: ObjectRow) -> tuple[int, str]:
    """Return what rows are sorted by so that the worst are first."""
    return (_WORST.index(row.health) if row.health in _WORST else len(_WORST), row.uid)


def pairs(values: Names | None) -> tuple[str, ...]:
    """Return a map of texts as `key:value`, at most `MAX_ITEMS`."""
    return tuple(tidy(f"{key}:{value}") for key, value in list((values or {}).items())[:MAX_ITEMS])


def condition(rows: Iterable[Condition] | None, kind: str) -> Condition | None:
    """Return the condition of a type."""
    return next((each for each in rows or () if each.type == kind), None)


def quantity(value: Any) -> float:
    """Return a quantity (`500m`, `16Gi`, `4`) as a finite number; 0 for what is none."""
    text = str(value if value is not None else "").strip()
    number = text.rstrip("KMGTPEikmnu") if not text[-1:].isdigit() else text
    try:
        result = float(number) * _FACTORS[text[len(number) :]]
    except (ValueError, KeyError):
        return 0.0
    return result if math.isfinite(result) else 0.0


def is_gpu(resource: str) -> bool:
    """Whether an extended resource is a GPU, or a part of one."""
    return resource.endswith("/gpu") or resource.startswith(_GPUS)


def gpus(resources: Mapping[str, Any] | None) -> int:
    """Return the number of GPUs among resources."""
    return int(sum(quantity(value) for name, value in (resources or {}).items() if is_gpu(name)))


def memory_text(number: float) -> str:
    """Return bytes as `16 GiB` or `512 MiB`."""
    gib = number / 2**30
    return f"{gib:.0f} GiB" if gib >= 10 else f"{gib:.1f} GiB" if gib >= 1 else f"{number / 2**20:.0f} MiB"


def since_text(since: float | None, now: float) -> str:
    """Return an age; `-` when it is not known."""
    return times.age(None if since is None else max(now - since, 0.0))
