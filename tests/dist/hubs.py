"""Several hub processes on one PostgreSQL, each with its own directory: `with several_hubs(postgres, 2) as hubs:`."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster

SHARED = ("secret.key", "admin-api-key")
"""What a further hub needs of the first one: the key file; and the admin's key, for the clients of a test."""


def further_directory(first: Path, target: Path) -> Path:
    """Return a new data directory for one more hub on the database of the first one."""
    target.mkdir(mode=0o700, parents=True)
    for name in SHARED:
        shutil.copyfile(first / name, target / name)
    return target


@contextlib.contextmanager
def several_hubs(
    postgres: Cluster, count: int, *arguments: str, database: str = "", folder: Path | None = None
) -> Iterator[list[RunningHub]]:
    """Run that many hubs on one database for as long as the block lasts; the first one makes what is missing.

    `arguments` are further ones of `hub serve`. Without `database` it is a new one; its name is the last argument of
    each hub's `--db` (`hub.arguments`). A hub may be killed and started again (`RunningHub.start_again`).
    """
    name = database or postgres.create()
    with contextlib.ExitStack() as stack:
        room = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hubs-")))
        hubs: list[RunningHub] = []
        for number in range(count):
            data = room / f"hub{number}"
            if hubs:
                further_directory(hubs[0].data, data)
            hubs.append(stack.enter_context(running_hub("--db", postgres.url(name), *arguments, data=data)))
        yield hubs
