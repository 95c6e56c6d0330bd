"""Names of namespaces, in the order of their digits."""

from __future__ import annotations

import msgspec

from edgewright.store.workloads.objects import is_key

MOST = 500
"""Namespaces that are asked for, and that are shown."""
MOST_BYTES = 8 * 1024 * 1024
"""Bytes of an answer that is decoded: 500 namespaces have a tenth of that."""


class _Meta(msgspec.Struct, gc=False):
    name: str


class _Namespace(msgspec.Struct, gc=False):
    metadata: _Meta


class _List(msgspec.Struct, gc=False):
    items: list[_Namespace]


def names_of(data: bytes) -> tuple[str, ...]:
    """Return the names in a list of namespaces, `default` first. Raises `msgspec.DecodeError`, `ValueError`."""
    if len(data) > MOST_BYTES:
        raise ValueError("the list is too large")
    names = [each.metadata.name for each in msgspec.json.decode(data, type=_List).items[:MOST]]
    return tuple(sorted((name for name in names if is_key(name)), key=lambda name: (name != "default", name)))
