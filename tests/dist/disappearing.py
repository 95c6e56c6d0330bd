"""The writer's session of a hub that stops in the middle of a transaction, in a process that a test begins.

`python -m tests.dist.disappearing URL DATA WHERE` locks the row of the table `rows`, writes a line when it is where
`WHERE` says, and then does nothing until its standard input ends. Its test cuts it off meanwhile.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgewright.hub.db.engines import lock_of, open_engines

BETWEEN, HALF, UNSYNCED, ANSWER = "between statements", "half a message", "statements without an end", "a long answer"
WHERE = (BETWEEN, HALF, UNSYNCED, ANSWER)
ANSWERED_AFTER = 0.5
"""Seconds until the server begins to send the long answer, which no buffer has room for."""


def main(url: str, data: str, where: str) -> None:
    """Lock the row and stop there; see the module."""
    writer, readers = open_engines(Path(data), url)
    lock = lock_of(writer)
    assert lock is not None
    lock.started(writer)
    readers.dispose()
    with writer.begin() as connection:
        connection.exec_driver_sql("UPDATE rows SET value = 'mine'")
        session: Any = connection.connection.driver_connection
        link = session.pgconn
        if where == HALF:
            with open(link.socket, "wb", buffering=0, closefd=False) as raw:
                raw.write(b"P\0\0\0\x40\0SELECT ")
        elif where == UNSYNCED:  # as the driver sends many rows: it asks for the outcome after the last one
            link.enter_pipeline_mode()
            link.send_query_params(b"SELECT 1", None)
            link.flush()
        elif where == ANSWER:
            link.send_query(f"SELECT pg_sleep({ANSWERED_AFTER}), repeat('x', 20000000)".encode())
            link.flush()
        print("there", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
