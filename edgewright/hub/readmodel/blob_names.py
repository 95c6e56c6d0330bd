"""Which digests desired state names: what decides who may read a blob, and what is never deleted.

A resource whose documents name blobs registers here; the blobs know no resource.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from edgewright.hub.db.records import HostRecord

OfHost = Callable[[HostRecord], Collection[str]]
OfProject = Callable[[], Iterable[tuple[str, str]]]


class BlobNames:
    """What is named, asked of everyone who names. Used on the event loop only."""

    def __init__(self) -> None:
        self._of_host: list[OfHost] = []
        self._everything: list[OfProject] = []

    def register(self, of_host: OfHost, everything: OfProject) -> None:
        """Add someone who names blobs.

        `of_host` returns the digests that the desired state of a host names, `everything` pairs of project and digest.
        """
        self._of_host.append(of_host)
        self._everything.append(everything)

    def names(self, host: HostRecord, digest: str) -> bool:
        """Return whether the desired state of a host names a digest."""
        return any(digest in of_host(host) for of_host in self._of_host)

    def named(self) -> set[tuple[str, str]]:
        """Return every pair of project and digest that is named at present."""
        return {pair for everything in self._everything for pair in everything()}
