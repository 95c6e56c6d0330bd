"""Where host keys are known from: the management plane first, then the files of OpenSSH."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.clients.ssh.hostkeys.keys import key_of_text
from edgewright.clients.ssh.hostkeys.known_hosts import Entry, Known, read_files
from edgewright.clients.ssh.refusals import PLANE
from edgewright.core.slow_files import read_in_time


class KnowsHosts(Protocol):
    """A source of host keys."""

    async def known(self, host: HostSettings) -> Known:
        """Return what it knows about a host. Raises `EdgewrightError` where it cannot be asked."""
        raise NotImplementedError


class KnownFiles:
    """The files that the configuration names for a host (`UserKnownHostsFile`, `GlobalKnownHostsFile`)."""

    async def known(self, host: HostSettings) -> Known:
        """Return the lines about it. Raises `TimedOut` where a file is on a share that does not answer."""
        paths = (*host.user_files, *host.global_files)
        return await read_in_time(lambda: _read(paths, host), "known_hosts")


def _read(paths: Sequence[str], host: HostSettings) -> Known:
    known = read_files(paths, host.key_name)
    if host.key_name == host.certified_name:
        return known
    return known._replace(perhaps=read_files(paths, host.certified_name)._replace(warnings=()))


class PlaneKeys:
    """Keys that hosts handed over when they registered, as lines `TYPE BASE64`.

    By name and address: behind jump hosts, different hosts have the same address, and any host may report it.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, int], Known] = {}

    def add(self, name: str, host: str, port: int, lines: Sequence[str], *, sure: bool = True) -> int:
        """Remember the keys of a registered host; return how many of its lines are keys.

        `name`: as in the target, `host`: what is dialled. Unless it is `sure` that the host at this address is that
        one, its keys can prove it, and never refuse another.
        """
        entries = []
        for line in lines[:20]:
            kind, _, text = line.strip().partition(" ")
            try:
                entries.append(Entry("", host, key_of_text(kind, text.split(" ")[0]), PLANE))
            except ValueError:
                continue  # a host may report what it wants
        if entries:
            known = Known(tuple(entries))
            self._entries[name, host, port] = known if sure else Known(perhaps=known)
        return len(entries)

    async def known(self, host: HostSettings) -> Known:
        """Return the keys of a host of the plane."""
        return self._entries.get((host.name, host.host, host.port), Known())


class Sources:
    """Several sources, the first that has a key of a host decides; what any of them revokes is revoked."""

    def __init__(self, *sources: KnowsHosts) -> None:
        self._sources = sources

    async def known(self, host: HostSettings) -> Known:
        """Return the keys of the first source that has one, and all other lines of every source."""
        entries: tuple[Entry, ...] = ()
        warnings: tuple[str, ...] = ()
        perhaps: Known | None = None
        for source in self._sources:
            known = await source.known(host)
            warnings += known.warnings
            if known.perhaps is not None:
                more = perhaps.entries if perhaps is not None else ()
                perhaps = Known((*more, *known.perhaps.entries))
            if any(not entry.marker for entry in entries):
                entries += tuple(entry for entry in known.entries if entry.marker)
            else:
                entries += known.entries
        return Known(entries, warnings, perhaps)
