"""`hub serve|configure|status|backup|restore`: the command line and the exit codes."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from edgewright import __version__
from edgewright.core.errors import EdgewrightError, ExitCode, UsageError
from edgewright.core.times import duration
from edgewright.hub.process import configuration as stored_in
from edgewright.hub.process.names import check_name
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.process.status import DAMAGED, status
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.process.configuration import Configured


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence, by our exit code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` instead of printing."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See: {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the noun `hub`."""
    parser = _Parser(prog="edgewright hub", description="The embedded management plane.")
    parser.add_argument("--version", action="version", version=f"edgewright-hub {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="run the hub until it is stopped")
    add_serve_arguments(serve)
    configure = verbs.add_parser("configure", help="set the address that hosts use; the CA stays")
    add_configure_arguments(configure)
    status = verbs.add_parser("status", help="show whether a hub runs on a data directory, and where")
    status.add_argument("--data", type=Path, required=True, metavar="DIR")
    backup = verbs.add_parser("backup", help="write database and keys into one file, also while the hub runs")
    backup.add_argument("--data", type=Path, required=True, metavar="DIR")
    backup.add_argument("file", type=Path)
    restore = verbs.add_parser("restore", help="make a data directory from a backup")
    restore.add_argument("--data", type=Path, required=True, metavar="DIR")
    restore.add_argument("file", type=Path)
    for verb in (serve, configure, status, backup, restore):
        verb.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return parser


def add_serve_arguments(serve: argparse.ArgumentParser) -> None:
    """Add the options of `hub serve`."""
    serve.add_argument(
        "--listen", metavar="HOST:PORT", help="default: what `hub configure` stored, else 127.0.0.1:8443"
    )
    serve.add_argument("--data", type=Path, required=True, metavar="DIR")
    serve.add_argument("--db", metavar="URL", help="postgresql+psycopg://user@host/name instead of SQLite in DIR")
    serve.add_argument(
        "--db-file",
        type=Path,
        metavar="FILE",
        help="contains the URL of --db, so that its password is in no process list",
    )
    serve.add_argument(
        "--advertise",
        action="append",
        default=[],
        metavar="NAME_OR_IP",
        help="a name for the certificate; repeatable; default: what `hub configure` stored",
    )
    serve.add_argument("--silence-limit", type=float, default=protocol.SILENCE_LIMIT, metavar="SECONDS")
    serve.add_argument("--heartbeat", type=float, default=protocol.HEARTBEAT_INTERVAL, metavar="SECONDS")
    serve.add_argument("--max-body", type=int, default=protocol.MAX_BODY, metavar="BYTES")
    serve.add_argument("--request-timeout", type=float, default=15.0, metavar="SECONDS")
    serve.add_argument(
        "--operation-deadline",
        type=float,
        default=protocol.OPERATION_DEADLINE,
        metavar="SECONDS",
        help="how long an operation may wait for its result",
    )
    for flag, stored, what in (
        ("--keep-events", 30.0, "events"),
        ("--keep-audits", 365.0, "audit entries"),
        ("--keep-operations", 90.0, "operations that have ended"),
        ("--keep-intents", 365.0, "intents"),
    ):
        serve.add_argument(flag, type=float, default=stored, metavar="DAYS", help=f"how long {what} are stored")
    serve.add_argument(
        "--max-events", type=int, default=200_000, metavar="N", help="how many of the newest events are stored"
    )
    serve.add_argument(
        "--keep-changes", type=float, default=60.0, metavar="MINUTES", help="how long changes are stored for streams"
    )
    serve.add_argument("--max-changes", type=int, default=200_000, metavar="N", help="how many of the newest changes")
    serve.add_argument("--max-host-events", type=int, default=2_000, metavar="N", help="the newest of one host")
    serve.add_argument(
        "--event-rate", type=float, default=60.0, metavar="N", help="events a minute that a host may send"
    )
    serve.add_argument("--housekeeping", type=float, default=3600.0, metavar="SECONDS", help=argparse.SUPPRESS)
    serve.add_argument("--max-connections", type=int, default=0, metavar="N", help="0: as many as files may be open")
    serve.add_argument(
        "--max-connections-per-address", type=int, default=0, metavar="N", help="0: three quarters of --max-connections"
    )
    serve.add_argument("--sweep", type=float, default=2.0, metavar="SECONDS", help=argparse.SUPPRESS)
    serve.add_argument("--simulate-palette-limits", action="store_true", help="be as narrow as Palette, for tests")
    serve.add_argument(
        "--new-lineage", action="store_true", help="the database was restored by other means than hub restore"
    )
    serve.add_argument("--new-admin-key", action="store_true", help="replace the key in DIR/admin-api-key")
    serve.add_argument(
        "--new-ca", action="store_true", help="once: replace the CA, which hosts and consoles must be given"
    )
    serve.add_argument(
        "--log-format",
        choices=("json", "text"),
        default="",
        help="write the log to stderr as well: one JSON object a line, or plain text",
    )
    serve.add_argument(
        "--log-stderr", dest="log_format", action="store_const", const="json", help="the same as --log-format json"
    )


def add_configure_arguments(configure: argparse.ArgumentParser) -> None:
    """Add the options of `hub configure`."""
    configure.add_argument("--data", type=Path, required=True, metavar="DIR")
    configure.add_argument(
        "--address",
        metavar="NAME_OR_IP[:PORT]",
        help="the address that hosts use: in the certificate, and listened on (port 8443 by default)",
    )
    configure.add_argument("--listen", metavar="HOST:PORT", help="listen here instead")
    configure.add_argument(
        "--name", action="append", default=[], metavar="NAME_OR_IP", help="a further name for the certificate"
    )


def _serve(arguments: argparse.Namespace) -> int:

    stored = stored_in.read(arguments.data)
    options = ServeOptions(
        data=arguments.data.absolute(),
        listen=arguments.listen or stored.listen or stored_in.DEFAULT_LISTEN,
        db=stored_in.database(arguments.db, arguments.db_file),
        advertise=tuple(arguments.advertise) or stored.names,
        silence_limit=arguments.silence_limit,
        heartbeat=arguments.heartbeat,
        max_body=arguments.max_body,
        request_timeout=arguments.request_timeout,
        sweep=arguments.sweep,
        operation_deadline=arguments.operation_deadline,
        max_connections=arguments.max_connections,
        max_connections_per_address=arguments.max_connections_per_address,
        event_days=arguments.keep_events,
        max_events=arguments.max_events,
        max_host_events=arguments.max_host_events,
        event_rate=arguments.event_rate,
        audit_days=arguments.keep_audits,
        operation_days=arguments.keep_operations,
        intent_days=arguments.keep_intents,
        change_minutes=arguments.keep_changes,
        max_changes=arguments.max_changes,
        housekeeping=arguments.housekeeping,
        simulate_palette=arguments.simulate_palette_limits,
        new_admin_key=arguments.new_admin_key,
        new_lineage=arguments.new_lineage,
        new_ca=arguments.new_ca,
        log_format=arguments.log_format,
        ready_json=arguments.output == "json",
    )
    options.check()
    from edgewright.hub.process.serve import run  # what shows a status loads no database library

    return run(options)


def _configure(arguments: argparse.Namespace) -> int:
    data: Path = arguments.data
    stored_in.check_directory(data)
    before = stored_in.read(data)
    if not (arguments.address or arguments.listen or arguments.name):
        raise UsageError(
            f"Nothing to change: hosts use {stored_in.url_of(before)}, the hub listens on "
            f"{before.listen or stored_in.DEFAULT_LISTEN}.",
            "Give --address NAME_OR_IP, and --listen HOST:PORT or --name NAME_OR_IP where needed.",
        )
    more = tuple(arguments.name)
    for name in more:
        check_name(name, "--name")
    new = before._replace(names=tuple(dict.fromkeys((*before.names, *more))))
    if arguments.address:
        new = stored_in.for_address(arguments.address, more)
    if arguments.listen:
        new = new._replace(listen=arguments.listen)
    ServeOptions(data, listen=new.listen or stored_in.DEFAULT_LISTEN).address()
    return _print_configured(arguments, stored_in.configure(data.absolute(), new))


def _print_configured(arguments: argparse.Namespace, done: Configured) -> int:
    stored, data = done.stored, str(arguments.data)
    document = {
        "url": done.url,
        "listen": stored.listen,
        "names": list(stored.names),
        "certificate": done.certificate,
        "caFingerprint": done.ca_fingerprint,
        "pid": done.pid,
    }
    names = f" for {', '.join(stored.names)}" if stored.names else ""
    sentences = [f"Hosts use {done.url}; the hub listens on {stored.listen or 'its default address'}."]
    if done.pid is None:
        sentences.append(f"The server certificate{names} is {done.certificate}; the CA stays, hosts need nothing new.")
        sentences.append(f"Start the hub: edgewright hub serve --data {shlex.quote(data)}")
    else:
        sentences.append(f"A hub runs on it as process {done.pid} and uses this from its next start on: stop it")
        sentences.append(
            f"(kill {done.pid}, or its service) and start it: edgewright hub serve --data {shlex.quote(data)}"
        )
    sentences.append("Options --listen and --advertise of that command line count more than what is stored.")
    sys.stdout.write((json.dumps(document) if arguments.output == "json" else "\n".join(sentences)) + "\n")
    return 0


def _status(arguments: argparse.Namespace) -> int:

    result = status(arguments.data)
    if arguments.output == "json":
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        hubs = result.pop("hubs", None)
        sys.stdout.write("".join(f"{name:20} {_word(value)}\n" for name, value in result.items()))
        sys.stdout.write("".join(f"{'hub':20} {_hub(hub)}\n" for hub in hubs or ()))
    if result["database"] == DAMAGED:
        return int(ExitCode.FAILED)
    if str(result.get("storage", "ok")) != "ok":
        return int(ExitCode.FAILED)
    return 0 if result["running"] and result["answers"] is not False else int(ExitCode.UNREACHABLE)


def _hub(hub: dict[str, Any]) -> str:
    """Return one line about a hub of the database."""
    tasks = ", ".join(hub["tasks"]) or "none"
    this = ", this hub" if hub["this"] else ""
    return (
        f"{hub['address']}, version {hub['version']}, since {hub['since']}, {hub['state']}, last seen "
        f"{duration(hub['ageSeconds'])} ago, tasks: {tasks}{this}"
    )


def _word(value: object) -> str:
    return "-" if value is None else "yes" if value is True else "no" if value is False else str(value)


def _report(arguments: argparse.Namespace, sentence: str, **message: str) -> int:
    sys.stdout.write((json.dumps(message) if arguments.output == "json" else sentence) + "\n")
    return 0


def _backup(arguments: argparse.Namespace) -> int:
    from edgewright.hub.process.backup import backup

    written = backup(arguments.data, arguments.file)
    return _report(arguments, f"backup written to {written}", file=str(written))


def _restore(arguments: argparse.Namespace) -> int:
    from edgewright.hub.process.backup import restore

    restore(arguments.file, arguments.data)
    return _report(arguments, f"restored into {arguments.data} (lineage renewed)", data=str(arguments.data))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    parts = list(sys.argv[1:] if argv is None else argv)
    verbs = {"serve": _serve, "configure": _configure, "status": _status, "backup": _backup, "restore": _restore}
    try:
        arguments = build_parser().parse_args(parts)
        return verbs[arguments.verb](arguments)
    except EdgewrightError as error:
        as_json = any(pair in (("-o", "json"), ("--output", "json")) for pair in pairwise(parts))
        text = json.dumps(error.as_dict()) if as_json else f"{error.message} {error.hint}".strip()
        sys.stderr.write(text + "\n")
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
