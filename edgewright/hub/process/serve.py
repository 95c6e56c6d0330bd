"""Starting the hub: directory, lock, keys, database, socket, and then serving until stopped."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from edgewright.core import times
from edgewright.core.errors import EdgewrightError, ExitCode
from edgewright.core.times import rfc3339
from edgewright.hub.controllers.membership import Membership
from edgewright.hub.db import lineage
from edgewright.hub.db.data_directory import check_database_file, open_directory
from edgewright.hub.db.engines import lock_of, open_engines, unusable
from edgewright.hub.db.migrations import migrate
from edgewright.hub.process import compose
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.process.clock import AWAY, ClockWatch, read_seen
from edgewright.hub.process.files import DataLock
from edgewright.hub.process.logs import set_up
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.process.retention import newest_row
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
NO_ADMIN_KEY = "no admin key file, --new-admin-key makes one"


def prepare(options: ServeOptions) -> Hub:
    """Open everything that a hub needs except its socket; raises `EdgewrightError` with what is in the way."""
    if options.db is None:
        check_database_file(options.data)
    seen = read_seen(options.data)
    also_at = seen.at if seen.at is not None and abs(seen.at - times.now()) > AWAY else None
    engines = open_engines(options.data, options.db)
    try:
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
        membership = Membership(engines[0], options.listen)
        membership.join(engines[0])
        with engines[1].connect() as connection:
            state = compose.load(connection)
            newest = newest_row(connection)
        lock = lock_of(engines[0])
        if lock is not None:
            lock.started(engines[0])
    except DBAPIError as error:
        _close(engines)
        raise unusable(error) from None
    except EdgewrightError:
        _close(engines)
        raise
    return compose.make_hub(options, engines, box, state, ClockWatch(seen, newest), membership)


def _close(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        engine.dispose()


def _url(options: ServeOptions, sock: socket.socket) -> str:
    host, _ = options.address()
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}:{sock.getsockname()[1]}"


def _ready_line(options: ServeOptions, url: str) -> str:
    ca, key = options.data / pki.CA_CERT, options.data / ADMIN_KEY_FILE
    if options.ready_json:
        return json.dumps({"url": url, "ca": str(ca), "adminKey": str(key) if key.exists() else None})
    return f"hub ready at {url} (ca {ca}, {f'admin key {key}' if key.exists() else NO_ADMIN_KEY})"


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
        sock = bind(options)
        hub = prepare(options)
        server = make_server(
            make_app(hub),
            options,
            str(options.data / pki.SERVER_CERT),
            str(options.data / pki.SERVER_KEY),
            Stopping(hub),
            hub.part(Rejections).handshake,
            hub.budget,
        )
        hub.tls = server.config.ssl
        log.info("the hub starts on %s", options.listen)
        url = _url(options, sock)
        write_state(options.data, url, os.getpid(), rfc3339(hub.started))
        # Before uvicorn listens to signals this one counts; after it has shut down it raises the signal again, and an
        # orderly end is not a failure.
        signal.signal(signal.SIGTERM, lambda _number, _frame: setattr(server, "should_exit", True))
        sys.stdout.write(_ready_line(options, url) + "\n")
        sys.stdout.flush()
        code = ExitCode.DONE
        try:
            server.run(sockets=[sock])
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
        log.info("the hub has stopped")
        if not hub.closed:
            end_without_closing(int(code))
        return int(code)
    except EdgewrightError as error:
        log.error("%s %s", error.message, error.hint)
        raise
    finally:
        lock.release()
