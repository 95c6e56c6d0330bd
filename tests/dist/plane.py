"""A plane of several hubs on one PostgreSQL, each with a link and a clock of its own, and the faults that meet it."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.dist.hubs import further_directory
from tests.dist.link import DatabaseLink
from tests.dist.namespaces import HubCables, Network
from tests.hub.fake_clock import fake_clock
from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster

CLOCK_KEPT = 1
"""Seconds after which a hub reads the shift of its clock again."""


@dataclass
class Member:
    """One hub with its link to the database, and the file that shifts its clock."""

    number: int
    hub: RunningHub
    link: DatabaseLink | HubCables
    shift: Path
    down: bool = False
    _up_at: float = 0.0

    def goes_down(self) -> None:
        """Note that the hub is stopped or killed from now on."""
        self.down = True

    def is_up(self) -> None:
        """Note that the hub answers again."""
        self.down, self._up_at = False, time.monotonic()

    def excused(self, since: float) -> bool:
        """Return whether the hub was down at some time since then, so that a connection to it may have ended."""
        return self.down or self._up_at >= since


@dataclass
class Plane:
    """The hubs, their server and the database's name; `history` is what was done, for a failure's report."""

    members: list[Member]
    server: Cluster
    database: str
    began: float = field(default_factory=time.monotonic)
    history: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Begin a new history."""
        self.began = time.monotonic()
        self.history.clear()

    def note(self, text: str) -> None:
        """Add a line to the history."""
        self.history.append(f"{time.monotonic() - self.began:7.2f} s {text}")

    def live(self) -> list[Member]:
        """Return the hubs whose process runs."""
        return [member for member in self.members if not member.down]

    def logs(self, lines: int = 15) -> str:
        """Return the end of each hub's log."""
        return "\n".join(
            f"-- hub {member.number}\n" + "\n".join(_short(line) for line in member.hub.log()[-lines:])
            for member in self.members
        )

    def end_sessions(self) -> None:
        """End every session of the database, as a failover or an administrator does."""
        self.server.psql(
            "postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.database}'"
        )

    def expire_leases(self) -> None:
        """Let every lease end now: the tasks may pass to another hub while the holder still believes in them."""
        self.server.psql(self.database, "UPDATE leases SET until = 1")


def _short(line: dict[str, Any]) -> str:
    """Return a line of a log with the end of its traceback."""
    request = line.get("request", "")
    return (
        f"{line['time']} {line['level']} {line['message'][:300]} {request} {str(line.get('trace', ''))[-400:]}".strip()
    )


@contextlib.contextmanager
def running_plane(server: Cluster, net: Network | None, count: int, *arguments: str) -> Iterator[Plane]:
    """Run that many hubs on a new database for as long as the block lasts, each in a namespace or with a proxy."""
    name = server.create()
    with contextlib.ExitStack() as stack:
        # A socket's path has 107 characters at most, so not the test's own folder.
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dist-", dir="/tmp")))
        members: list[Member] = []
        for number in range(count):
            data, clock = room / f"hub{number}", room / f"clock{number}"
            clock.mkdir()
            environment, shift = fake_clock(clock, kept=CLOCK_KEPT)
            if members:
                further_directory(members[0].hub.data, data)
            link = DatabaseLink(room / f"link{number}", server.folder) if net is None else net.hub()
            stack.callback(link.close)
            started = running_hub(
                *("--db", link.url(name), *arguments),
                data=data, listen=f"{link.address}:0", environment=environment, prefix=link.prefix,
            )  # fmt: skip
            hub = stack.enter_context(started)
            members.append(Member(number, hub, link, shift))
        plane = Plane(members, server, name)
        try:
            yield plane
        finally:
            for member in members:  # an orderly stop needs the database
                member.link.set("open")
