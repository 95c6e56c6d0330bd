"""`hub serve|status|backup|restore`: the words of the command line and the exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright.core.errors import EdgewrightError
from edgewright.wire import protocol


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the noun `hub`."""
    parser = argparse.ArgumentParser(prog="edgewright hub", description="The embedded management plane.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="run the hub until it is told to stop")
    add_serve_arguments(serve)
    status = verbs.add_parser("status", help="tell whether a hub runs on a data directory, and where")
    status.add_argument("--data", type=Path, required=True, metavar="DIR")
    status.add_argument("-o", dest="output", choices=("table", "json"), default="table")
    backup = verbs.add_parser("backup", help="write database and keys into one file, also while the hub runs")
    backup.add_argument("--data", type=Path, required=True, metavar="DIR")
    backup.add_argument("file", type=Path)
    restore = verbs.add_parser("restore", help="make a data directory from a backup")
    restore.add_argument("--data", type=Path, required=True, metavar="DIR")
    restore.add_argument("file", type=Path)
    return parser


def add_serve_arguments(serve: argparse.ArgumentParser) -> None:
    """Add the options of `hub serve`."""
    serve.add_argument("--listen", default="127.0.0.1:8443", metavar="HOST:PORT")
    serve.add_argument("--data", type=Path, required=True, metavar="DIR")
    serve.add_argument("--db", metavar="URL", help="postgresql+psycopg://user@host/name instead of SQLite in DIR")
    serve.add_argument(
        "--advertise", action="append", default=[], metavar="NAME_OR_IP", help="a name for the certificate; repeatable"
    )
    serve.add_argument("--silence-limit", type=float, default=protocol.SILENCE_LIMIT, metavar="SECONDS")
    serve.add_argument("--heartbeat", type=float, default=protocol.HEARTBEAT_INTERVAL, metavar="SECONDS")
    serve.add_argument("--max-body", type=int, default=1_000_000, metavar="BYTES")
    serve.add_argument("--request-timeout", type=float, default=15.0, metavar="SECONDS")
    serve.add_argument("--sweep", type=float, default=2.0, metavar="SECONDS", help=argparse.SUPPRESS)
    serve.add_argument("--simulate-palette-limits", action="store_true", help="be as narrow as Palette, for tests")
    serve.add_argument("--new-admin-key", action="store_true", help="replace the key in DIR/admin-api-key")
    serve.add_argument("--log-stderr", action="store_true", help="write the log to stderr as well")


def _serve(arguments: argparse.Namespace) -> int:
    from edgewright.hub.options import ServeOptions
    from edgewright.hub.serve import run

    return run(
        ServeOptions(
            data=arguments.data.absolute(),
            listen=arguments.listen,
            db=arguments.db,
            advertise=tuple(arguments.advertise),
            silence_limit=arguments.silence_limit,
            heartbeat=arguments.heartbeat,
            max_body=arguments.max_body,
            request_timeout=arguments.request_timeout,
            sweep=arguments.sweep,
            simulate_palette=arguments.simulate_palette_limits,
            new_admin_key=arguments.new_admin_key,
            log_stderr=arguments.log_stderr,
        )
    )


def _status(arguments: argparse.Namespace) -> int:
    from edgewright.hub.process import status

    found = status(arguments.data)
    if arguments.output == "json":
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.write("".join(f"{name:10} {value}\n" for name, value in found.items()))
    return 0 if found["running"] else 5


def _backup(arguments: argparse.Namespace) -> int:
    from edgewright.hub.backup import backup

    sys.stdout.write(f"backup written to {backup(arguments.data, arguments.file)}\n")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    from edgewright.hub.backup import restore

    restore(arguments.file, arguments.data)
    sys.stdout.write(f"restored into {arguments.data}\n")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    verbs = {"serve": _serve, "status": _status, "backup": _backup, "restore": _restore}
    try:
        return verbs[arguments.verb](arguments)
    except EdgewrightError as error:
        sys.stderr.write(f"{error.message} {error.hint}".strip() + "\n")
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
