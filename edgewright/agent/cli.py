"""The agent's own command line: `run`, `install`, `status`, `appliance`; `edgewright agent` delegates to it.

`simulate` is added by `agent/simulate/cli.py`, which the agent's archive does not contain.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Callable, List, NamedTuple, NoReturn, Optional, Sequence

from edgewright import __version__
from edgewright.agent.appliance.parser import add_parser
from edgewright.agent.clusters.parser import CLUSTER_VERBS, add_cluster_parsers
from edgewright.agent.kernel.settings import DATA, Flags
from edgewright.agent.relay.notice import SOCKET
from edgewright.agent.relay.parser import add_relay_parser
from edgewright.core.errors import EdgewrightError, ExitCode, UsageError, pipe_closed
from edgewright.core.hosts.link_spec import silence_problem
from edgewright.core.times import parse_span

EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing there, 4 refused, 5 unreachable, 6 conflict, 7 invalid."
)


class Verb(NamedTuple):
    """A verb beside the agent's own: `add_parser` gets the subparsers, `run` the words; it returns an exit code."""

    name: str
    add_parser: Callable[[Any], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Optional[Sequence[str]] = None, prog: str = "edgewright-agent", more: Sequence[Verb] = ()) -> int:
    """Run one verb; return its exit code. Failures are one sentence on standard error."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        args = _parser(prog, more).parse_args(given)
        code = int({**_VERBS, **{verb.name: verb.run for verb in more}}[args.verb](args))
        sys.stdout.flush()
        return code
    except EdgewrightError as error:
        as_json = any(given[at - 1] in ("-o", "--output") for at, word in enumerate(given) if word == "json" and at)
        text = json.dumps(error.as_dict()) if as_json else f"{prog}: {error.message} {error.hint}".rstrip()
        sys.stderr.write(text + "\n")
        return int(error.exit_code)
    except BrokenPipeError:
        return pipe_closed()
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence, by our exit code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` instead of printing."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}.", f"See: {self.prog} --help")


def _parser(prog: str, more: Sequence[Verb]) -> argparse.ArgumentParser:
    parser = _Parser(prog=prog, description="The Edgewright agent of an edge host.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"edgewright-agent {__version__}")
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="|".join([*_VERBS, *(verb.name for verb in more)])
    )
    run = verbs.add_parser("run", help="report this host to its plane until stopped", epilog=EPILOG)
    _where(run)
    run.add_argument("--root", default="/", metavar="DIR", help="read the facts of the host below DIR")
    run.add_argument(
        "--console", metavar="PATH", help="where refusals are shown to an operator at the machine; '' for nowhere"
    )
    run.add_argument("--debug", action="store_true", help="print more")
    run.add_argument("--relay", default=SOCKET, metavar="PATH", help="where the relay takes requests (%(default)s)")
    run.add_argument(
        "--run", default="", metavar="DIR", help="the reconciler has units of its own and reports in DIR (install)"
    )
    _reconciler(verbs)
    install = verbs.add_parser("install", help="install the agent as a systemd service", epilog=EPILOG)
    _where(install)
    install.add_argument(
        "--prefix", default="/usr/local/lib/edgewright", metavar="DIR", help="where the agent goes (%(default)s)"
    )
    install.add_argument(
        "--root", default="/", metavar="DIR", help="install into the system mounted at DIR, without starting it"
    )
    install.add_argument(
        "--python", default="/usr/bin/python3", metavar="PATH", help="the Python that runs the archive (%(default)s)"
    )
    install.add_argument("--no-start", action="store_true", help="enable the service but do not start it")
    install.add_argument("--plan", action="store_true", help="show what would be done, and do nothing")
    uninstall = verbs.add_parser("uninstall", help="remove the agent from this host", epilog=EPILOG)
    uninstall.add_argument("--data", default=DATA, metavar="DIR", help="the agent's own folder (%(default)s)")
    uninstall.add_argument("--prefix", default="/usr/local/lib/edgewright", metavar="DIR", help="where the agent is")
    uninstall.add_argument("--root", default="/", metavar="DIR", help="remove it from the system mounted at DIR")
    uninstall.add_argument(
        "--purge", action="store_true", help="also remove its identity, credential, token and the state of its work"
    )
    uninstall.add_argument("--plan", action="store_true", help="show what would be done, and do nothing")
    status = verbs.add_parser("status", help="show what the agent on this host knows", epilog=EPILOG)
    status.add_argument("--data", default=DATA, metavar="DIR", help="the agent's own folder (%(default)s)")
    status.add_argument("-o", "--output", choices=("table", "json"), default="table")

    add_parser(verbs, EPILOG)
    add_cluster_parsers(verbs, EPILOG)
    add_relay_parser(verbs, EPILOG)
    for verb in more:
        verb.add_parser(verbs)
    return parser


def _reconciler(verbs: Any) -> None:
    """Add the verbs of the reconciler."""
    reconcile = verbs.add_parser("reconcile", help="do the work that waits on this host, then end", epilog=EPILOG)
    retry = verbs.add_parser("retry", help="continue a step that waits for an operator", epilog=EPILOG)
    retry.add_argument("step", nargs="?", default="*", metavar="STEP", help="its id (default: all that wait)")
    trial = verbs.add_parser("trial", help="run steps that only wait, to show that long work runs here", epilog=EPILOG)
    trial.add_argument("seconds", nargs="+", type=int, metavar="S", help="seconds of each step")
    accept = verbs.add_parser("accept", help="accept a document of a restored plane", epilog=EPILOG)
    accept.add_argument("uid", metavar="UID", help="the document's uid, as status shows it")
    for verb in (reconcile, retry, accept, trial):
        verb.add_argument("--data", default=DATA, metavar="DIR", help="the agent's own folder (%(default)s)")
    reconcile.add_argument("--run", default="", metavar="DIR", help="where progress is reported")
    reconcile.add_argument("--root", default="/", metavar="DIR", help="read the host below DIR")


def _where(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--endpoint",
        default="",
        metavar="URL",
        help="the plane, e.g. https://plane.example:8443; several addresses of it with commas",
    )
    verb.add_argument("--token-file", default="", metavar="FILE", help="contains the registration token")
    verb.add_argument(
        "--pairing-key-file", default="", metavar="FILE", help="contains the pairing key of a pre-registered host"
    )
    verb.add_argument("--ca", default="", metavar="FILE", help="the plane's ca.crt (default: the system's store)")
    verb.add_argument("--data", default=DATA, metavar="DIR", help="the agent's own folder (%(default)s)")
    verb.add_argument("--user-data", default="", metavar="FILE", help="the #cloud-config file with stylus.site")
    verb.add_argument("--observe", action="store_true", help="only watch: read-only, refuses every operation")
    verb.add_argument(
        "--metered", action="store_true", help="bytes cost money here: a heartbeat every 15 minutes, no idle connection"
    )
    verb.add_argument(
        "--budget", type=megabytes, default=0, metavar="MB", help="megabytes a month; once spent, as --metered"
    )
    verb.add_argument(
        "--interval", type=seconds, default=0.0, metavar="S", help="seconds between heartbeats (default: the plane's)"
    )
    verb.add_argument(
        "--silence-limit",
        type=silence,
        default=0.0,
        metavar="S",
        help="unhealthy after this time without a heartbeat (default: the plane's)",
    )


def megabytes(text: str) -> int:
    """Return a number of megabytes from 1 to 1000000, for argparse. Raises `ArgumentTypeError`."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:8]) <= 1_000_000:
        raise argparse.ArgumentTypeError("give 1 to 1000000 megabytes")
    return int(text)


def silence(text: str) -> float:
    """Return a silence limit in seconds, for argparse. Raises `ArgumentTypeError`."""
    problem = silence_problem(text)
    if problem:
        raise argparse.ArgumentTypeError(problem.rstrip("."))
    return parse_span(text)


def seconds(text: str) -> float:
    """Return a span of 1 to 3600 seconds, for argparse. Raises `ArgumentTypeError`."""
    try:
        value = parse_span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError("give 1 to 3600 seconds")
    return value


def _run(namespace: argparse.Namespace) -> int:
    from edgewright.agent.kernel.agent import Agent
    from edgewright.agent.kernel.agent_log import DEBUG, INFO, AgentLog
    from edgewright.agent.kernel.systemd_notify import Notifier

    flags = Flags(
        endpoint=namespace.endpoint,
        token_file=namespace.token_file,
        pairing_key_file=namespace.pairing_key_file,
        ca=namespace.ca,
        data=namespace.data,
        user_data=namespace.user_data,
        observe=namespace.observe,
        metered=namespace.metered,
        budget=namespace.budget,
        silence=namespace.silence_limit,
        interval=namespace.interval,
        root=namespace.root,
        console=namespace.console,
        debug=namespace.debug,
        relay=namespace.relay,
        run=namespace.run,
    )
    console_log = AgentLog(console=namespace.console, level=DEBUG if namespace.debug else INFO)
    life = Notifier()
    life.listen()
    return Agent(flags, console_log, life).run()


def _install(namespace: argparse.Namespace) -> int:
    from edgewright.agent.install.install import InstallOptions, apply_plan, make_plan
    from edgewright.agent.install.present import as_installed

    spec = InstallOptions(
        endpoint=namespace.endpoint,
        token_file=namespace.token_file,
        pairing_key_file=namespace.pairing_key_file,
        ca=namespace.ca,
        data=namespace.data,
        user_data=namespace.user_data,
        observe=namespace.observe,
        metered=namespace.metered,
        budget=namespace.budget,
        interval=namespace.interval,
        silence=namespace.silence_limit,
        prefix=namespace.prefix,
        root=namespace.root,
        python=namespace.python,
        start=not namespace.no_start,
    )
    plan = make_plan(as_installed(spec))
    lines: List[str] = [str(step) for step in plan] or ["nothing to do: everything is in place"]
    if namespace.plan:
        print("\n".join(lines))
        return 0
    apply_plan(plan, lambda line: print(line))
    return 0


def _uninstall(namespace: argparse.Namespace) -> int:
    from edgewright.agent.install.install import InstallOptions, apply_plan, make_removal

    spec = InstallOptions(data=namespace.data, prefix=namespace.prefix, root=namespace.root)
    plan = make_removal(spec, namespace.purge)
    if namespace.plan:
        print("\n".join([str(step) for step in plan] or ["nothing to do: no agent is installed here"]))
        return 0
    apply_plan(plan, lambda line: print(line), "removed")
    return 0


def _status(namespace: argparse.Namespace) -> int:
    from edgewright.agent.kernel.status import show

    return show(namespace.data, namespace.output, lambda line: print(line))


def _appliance(namespace: argparse.Namespace) -> int:
    from edgewright.agent.appliance.commands import run

    return run(namespace)


def _reconcile(namespace: argparse.Namespace) -> int:
    from edgewright.agent.reconcile.local import run

    return run(namespace, lambda line: print(line))


def _relay(namespace: argparse.Namespace) -> int:
    from edgewright.agent.relay.service import run

    return run(namespace)


_VERBS = {
    "run": _run,
    "reconcile": _reconcile,
    "retry": _reconcile,
    "accept": _reconcile,
    "trial": _reconcile,
    "install": _install,
    "uninstall": _uninstall,
    "status": _status,
    "appliance": _appliance,
    "relay": _relay,
    **dict.fromkeys(CLUSTER_VERBS, _reconcile),
}
