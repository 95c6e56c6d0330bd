"""Starting the hub: directory, lock, keys, database, socket, and then serving until stopped."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from edgewright.core import times
from edgewright.core.errors import EdgewrightError, ExitCode
from edgewright.core.times import duration, rfc3339
from edgewright.hub.controllers.membership import AWAY as MEMBER_AWAY
from edgewright.hub.controllers.membership import Membership, Process
from edgewright.hub.db import lineage
from edgewright.hub.db.data_directory import check_database_file, open_directory
from edgewright.hub.db.engines import lock_of, open_engines, unusable
from edgewright.hub.db.migrations import migrate
from edgewright.hub.process import compose
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.process.clock import AWAY, ClockWatch, read_seen
from edgewright.hub.process.files import DataLock, directory_id
from edgewright.hub.process.logs import set_up
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.process.retention import newest_row
from edgewright.hub.process.runtime import database_clock
from edgewright.hub.process.runtime.again import Again, inherited
from edgewright.hub.process.runtime.allocator import return_large_blocks
from edgewright.hub.process.runtime.event_loop import check_event_loop
from edgewright.hub.process.server import bind, make_server
from edgewright.hub.process.status import write_state
from edgewright.hub.process.stopping import Stopping, end_without_closing
from edgewright.hub.resources.hosts.rejections import Rejections
from edgewright.hub.security import key_match, pki, plane_keys
from edgewright.hub.security.secretbox import SecretBox
from edgewright.hub.security.seed import ADMIN_KEY_FILE, seed

log = logging.getLogger("edgewright.hub")
RETRY = 5.0
"""Seconds between two tries of a hub to start again by itself."""
NO_ADMIN_KEY = "no admin key file, --new-admin-key makes one"


def prepare(options: ServeOptions, address: str = "") -> Hub:
    """Open everything that a hub needs except its socket; raises `EdgewrightError` with what is in the way.

    `address` is the URL of a hub that is a process of its own. On PostgreSQL such a process uses the database's clock
    from now on, and waits until the other hubs know of it.
    """
    if options.db is None:
        check_database_file(options.data)
    engines = open_engines(options.data, options.db)
    try:
        clock = database_clock.use(engines[0]) if address else None
        seen = read_seen(options.data)
        also_at = seen.at if seen.at is not None and abs(seen.at - times.now()) > AWAY else None
        stored = key_match.read(engines[0])
        key_match.check(options, stored)
        wrap = SecretBox.open(options.data)
        if options.new_ca:
            pki.make_ca(options.data)
        elif plane_keys.fetch_ca(stored.keys, wrap, options.data):
            log.info("the CA of this database is written into %s", options.data)
        pki.ensure_certificates(options.data, options.names, also_at, seen.at, first_start=not stored.in_use)
        migrate(engines[0])
        box = plane_keys.store(engines[0], wrap, options.data, in_use=stored.in_use)
        seed(engines[0], options.data, new_key=options.new_admin_key)
        lineage.ensure(engines[0], restored=options.new_lineage)
        key_match.store(engines[0], wrap, options.data)
        membership = Membership(engines[0], address or options.listen, directory_id(options.data), clock)
        membership.join(engines[0])
        with engines[1].connect() as connection:
            state = compose.load(connection)
            newest = newest_row(connection)
        lock = lock_of(engines[0])
        if lock is not None:
            lock.started(engines[0])
        if address:
            _report_others(membership.await_others(engines[0]), address)
    except DBAPIError as error:
        _close(engines)
        raise unusable(error) from None
    except EdgewrightError:
        _close(engines)
        raise
    watch = ClockWatch(seen, newest, of_database=clock is not None)
    return compose.make_hub(options, engines, box, state, watch, membership)


def _prepare(options: ServeOptions, address: str, *, patient: bool) -> Hub:
    """Open everything; a `patient` start, which no operator watches, is tried again until it succeeds."""
    while True:
        try:
            return prepare(options, address)
        except EdgewrightError as error:
            if not patient:
                raise
            log.error("this hub cannot start again yet: %s %s", error.message, error.hint)
            threading.Event().wait(RETRY)


def _report_others(others: Sequence[Process], address: str) -> None:
    """Log which hubs this one has joined, which of them may not know of it, and which has the same address."""
    for other in others:
        text = f"{other.address} (version {other.version}, up since {rfc3339(other.started)})"
        if other.age < MEMBER_AWAY:
            log.info("this hub joins the hub %s on its database", text)
            if other.address == address:
                log.warning(
                    "the hub %s has the address of this one, so streams of the relay cannot pass between them: give "
                    "each hub a name or address of its own by its first --advertise", text,
                )  # fmt: skip
        else:
            log.warning(
                "the hub %s was last seen %s ago and has not reported its end: while it runs without the database it "
                "may accept what is revoked from now on; stop it if it still runs", text, duration(other.age),
            )  # fmt: skip


def _close(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        engine.dispose()


def _url(options: ServeOptions, sock: socket.socket) -> str:
    host, _ = options.address()
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}:{sock.getsockname()[1]}"


def _address(options: ServeOptions, url: str) -> str:
    """Return the URL by which other machines know this hub: with the first of its names, if it has any."""
    name = options.advertise[0] if options.advertise else ""
    shown = f"[{name}]" if ":" in name else name
    return f"https://{shown}:{url.rpartition(':')[2]}" if name else url


def _ready_line(options: ServeOptions, url: str, others: Sequence[str]) -> str:
    ca, key = options.data / pki.CA_CERT, options.data / ADMIN_KEY_FILE
    if options.ready_json:
        admin_key = str(key) if key.exists() else None
        return json.dumps({"url": url, "ca": str(ca), "adminKey": admin_key, "joined": list(others)})
    joined = f", joins {', '.join(others)}" if others else ""
    return f"hub ready at {url} (ca {ca}, {f'admin key {key}' if key.exists() else NO_ADMIN_KEY}{joined})"


def run(options: ServeOptions) -> int:
    """Serve until a signal comes; returns the exit code. Raises `EdgewrightError` when the hub cannot start."""
    check_event_loop()
    return_large_blocks()
    os.umask(0o077)
    open_directory(options.data)
    lock = DataLock(options.data)
    lock.write_holder()
    set_up(options.data, stderr=options.log_format)
    try:
        left = inherited()
        sock = left or bind(options)
        again, url = Again(sock), _url(options, sock)
        hub = _prepare(options, _address(options, url), patient=left is not None)
        server = make_server(
            make_app(hub),
            options,
            str(options.data / pki.SERVER_CERT),
            str(options.data / pki.SERVER_KEY),
            Stopping(hub, again),
            hub.part(Rejections).handshake,
            hub.budget,
        )
        hub.tls = server.config.ssl
        log.info("the hub starts on %s", options.listen)
        again.end = lambda: setattr(server, "should_exit", True)

        def start_again() -> None:
            hub.starts_again = True
            again.ask()

        hub.start_again = start_again
        write_state(options.data, url, os.getpid(), rfc3339(hub.started))

        def stop(_number: int, _frame: object) -> None:
            again.end()
            again.cancel()

        # Before uvicorn listens to signals this one counts; after it has shut down it raises the signal again, and an
        # orderly end is not a failure.
        signal.signal(signal.SIGTERM, stop)
        if left is None:  # whoever started this process has read that line, and may read no more
            sys.stdout.write(_ready_line(options, url, hub.membership.others) + "\n")
            sys.stdout.flush()
        code = ExitCode.DONE
        try:
            server.run(sockets=[sock])
        except KeyboardInterrupt:
            again.cancel()
            code = ExitCode.INTERRUPTED
        log.info("the hub has stopped")
        if again.asked:
            lock.release()
            again.run()
        if not hub.closed:
            end_without_closing(int(code))
        return int(code)
    except EdgewrightError as error:
        log.error("%s %s", error.message, error.hint)
        raise
    finally:
        lock.release()
