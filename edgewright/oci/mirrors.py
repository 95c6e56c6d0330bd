"""Pulls from the mirrors of a registry first, from the registry itself last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

from edgewright.core.errors import Cancelled, EdgewrightError
from edgewright.oci import access as accesses
from edgewright.oci import pull
from edgewright.oci.access import Access
from edgewright.oci.registries_conf import Mirror
from edgewright.oci.registry import MAX_MANIFEST, Manifest, Registry
from edgewright.oci.work import Work

Value = TypeVar("Value")


class Source:
    """A repository to pull from. A mirror that fails is passed over; errors are those of the registry itself."""

    def __init__(self, registry: Registry, mirrors: list[tuple[Mirror, Registry]] | None = None) -> None:
        self.registry, self._mirrors = registry, mirrors or []
        self.host, self.repository = registry.host, registry.repository

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for registry in [self.registry, *(mirror for _, mirror in self._mirrors)]:
                stack.push(registry)

    def manifest(self, wanted: str, what: str) -> Manifest:
        """Return the manifest of a tag or digest, verified. Raises `NotFound` and others."""
        return self._first(not wanted.startswith("sha256:"), lambda registry: registry.manifest(wanted, what))

    def small_blob(self, digest: str, what: str, limit: int = MAX_MANIFEST) -> bytes:
        """Return a small blob, verified. Raises `Failed` above `limit` bytes."""
        return self._first(False, lambda registry: registry.small_blob(digest, what, limit))

    def blob(self, digest: str, size: int, what: str) -> Iterator[bytes]:
        """Yield a blob, verified at its end; a mirror that fails before its first byte is passed over."""
        for registry in self._order(False):
            pieces = pull.blob(registry, digest, size, what)
            try:
                first = next(pieces, b"")
            except Cancelled:
                raise
            except EdgewrightError:
                if registry is self.registry:
                    raise
                continue
            yield first
            yield from pieces
            return

    def _first(self, tag: bool, ask: Callable[[Registry], Value]) -> Value:
        for registry in self._order(tag):
            try:
                return ask(registry)
            except Cancelled:
                raise
            except EdgewrightError:
                if registry is self.registry:
                    raise
        raise AssertionError("unreachable")

    def _order(self, tag: bool) -> list[Registry]:
        fit = [registry for mirror, registry in self._mirrors if (mirror.tags if tag else mirror.digests)]
        return [*fit, self.registry]


def source(registry: Registry, job: Work, own: Callable[[Mirror], Access | None] = lambda mirror: None) -> Source:
    """Return `registry` with the mirrors of its access. `own` gives the access of a mirror (None: the machine's)."""
    made = []
    for mirror in registry.access.mirrors:
        access = own(mirror) or accesses.of_machine(mirror.registry, mirror.repository, registry.access.ca)
        access = access._replace(insecure=access.insecure or mirror.insecure)
        made.append((mirror, Registry(mirror.registry, mirror.repository, job, access=access)))
    return Source(registry, made)
