"""`edgewright lab`: up, down, clean, status, fault, rehearse and kubernetes, from words to calls."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edgewright.core.errors import EdgewrightError, ExitCode, Failed, NotFound, UsageError
from edgewright.core.interrupt import terminated_is_interrupted
from edgewright.lab import base, faults, fleet, rehearsal, status
from edgewright.lab.kubernetes import build, cluster, versions
from edgewright.lab.kubernetes import cli as kubernetes
from edgewright.lab.state import Folder, LabState, Slow, default_folder
from edgewright.lab.tools import shortcomings

_COMMAND = re.compile(r"(?<=edgewright lab )(?:up|down|status|fault)\b(?! --dir)")
"""Where a sentence names a command on the lab of this call."""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence, by our exit code for wrong usage."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Raise `UsageError` instead of printing."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`.")


def build_parser() -> argparse.ArgumentParser:
    """Return the grammar of `edgewright lab`."""
    parser = _Parser(prog="edgewright lab", description="A small real fleet on this machine.")
    common = _Parser(add_help=False)
    common.add_argument("--dir", type=Path, help="the lab's folder (EDGEWRIGHT_LAB_DIR, else below your state folder)")
    verbs = parser.add_subparsers(dest="verb", required=True, parser_class=_Parser)
    up = verbs.add_parser("up", parents=[common], help="boot a hub and hosts with the agent")
    up.add_argument("--hosts", type=int, default=3, metavar="N", help="how many hosts (default 3)")
    up.add_argument("--agent", metavar="FILE", help="agent archive or binary to install (default: this source's)")
    up.add_argument("--endpoint", metavar="URL", help="let the hosts register with this plane; no hub is started")
    up.add_argument("--token-file", type=Path, metavar="F", help="file with that plane's registration token")
    up.add_argument("--ca", type=Path, metavar="F", help="certificate by which the hosts know that plane")
    up.add_argument("--silence-limit", metavar="SECONDS", help="the hub calls a host unhealthy after this silence")
    up.add_argument("--heartbeat", metavar="SECONDS", help="the hub asks hosts for a heartbeat this often")
    up.add_argument("--bare", action="store_true", help="only booted hosts: no hub, no agent")
    up.add_argument("--kubernetes", metavar="V", help="hosts that can run this version, and a registry that has it")
    up.add_argument("--cluster", action="store_true", help="with --kubernetes: the hosts form a cluster; waits for it")
    up.add_argument("--no-python", action="store_true", help="hosts without Python (for the agent's binary)")
    up.add_argument("-o", dest="output", choices=("table", "json"), default="table")
    verbs.add_parser("down", parents=[common], help="end all of it and remove its disks")
    verbs.add_parser("clean", parents=[common], help="remove the cached disk that hosts start from")
    shown = verbs.add_parser("status", parents=[common], help="what is there and how it is")
    shown.add_argument("-o", dest="output", choices=("table", "json"), default="table")
    kubernetes.add_parser(verbs, _Parser)
    text = "the steps of the guide on a lab, each with its proof, to an application that answers"
    tried = verbs.add_parser("rehearse", parents=[common], help=text)
    tried.add_argument("--hosts", type=int, default=1, metavar="N", help="how many hosts (default 1)")
    tried.add_argument("--kubernetes", default=versions.DEFAULT, metavar="V", help=f"default {versions.DEFAULT}")
    tried.add_argument("--stay", action="store_true", help="leave the lab up at the end")
    tried.add_argument("-o", dest="output", choices=("table", "json"), default="table")
    fault = verbs.add_parser("fault", parents=[common], help="cut, slow, freeze, power-cut")
    kinds = fault.add_subparsers(dest="kind", required=True, parser_class=_Parser)
    link = kinds.add_parser("link", help="cut a link or join it")
    link.add_argument("word", choices=("down", "up"))
    link.add_argument("host", nargs="?", default="all", help="a host, hub, or all (default)")
    delay = kinds.add_parser("delay", help="delay, jitter, loss and rate of a link")
    delay.add_argument("delay", type=float, metavar="MS", help="each way, in milliseconds; 0 0 0 0 is a plain link")
    delay.add_argument("host", nargs="?", default="all", help="a host, hub, or all (default)")
    delay.add_argument("--jitter", type=float, default=0.0, metavar="MS")
    delay.add_argument("--loss", type=float, default=0.0, metavar="PERCENT")
    delay.add_argument("--rate", type=float, default=0.0, metavar="KBIT")
    for kind, text in (
        ("power-cut", "take the power from it, without a warning"),
        ("power-on", "give the power back"),
        ("freeze", "stop every process of it where it is"),
        ("thaw", "resume it"),
        ("reboot", "reboot it in good order"),
    ):
        kinds.add_parser(kind, help=text).add_argument("host", help="a host, hub, or all")
    clock = kinds.add_parser("clock", help="shift the clock that the host's agent sees")
    clock.add_argument("host")
    clock.add_argument("shift", help="such as=-50y or +2d; `true` takes it back")
    item = kinds.add_parser("oneway", help="what A sends does not reach B; B still reaches A")
    item.add_argument("first", metavar="A")
    item.add_argument("second", metavar="B")
    kinds.add_parser("clear", help="take every fault back")
    return parser


def main(argv: list[str]) -> int:
    """Run `edgewright lab` with these words and return the exit code."""
    as_json = "json" in argv
    chosen: Path | None = None
    with terminated_is_interrupted():
        try:
            args = build_parser().parse_args(_shield(argv))
            chosen = getattr(args, "dir", None)
            if args.verb == "kubernetes":
                return kubernetes.run(args, _teller())
            lacking = shortcomings()
            if lacking:
                raise Failed(lacking[0], " ".join(lacking[1:]), code="LabUnavailable")
            folder = Folder((args.dir or default_folder()).absolute())
            return _VERBS[args.verb](folder, args)
        except EdgewrightError as problem:
            problem.hint = _with_folder(problem.hint, chosen)
            if as_json:
                print(json.dumps(problem.as_dict()), file=sys.stderr)
            else:
                print(" ".join(filter(None, [problem.message, problem.hint])), file=sys.stderr)
            return int(problem.exit_code)
        except KeyboardInterrupt:
            building = "kubernetes" in argv[:1]
            print(
                "Interrupted; the same command continues the build."
                if building
                else _with_folder("Interrupted; `edgewright lab down` clears away what was begun.", chosen),
                file=sys.stderr,
            )
            return int(ExitCode.INTERRUPTED)


def _with_folder(text: str, folder: Path | None) -> str:
    """Return a sentence whose commands name the folder of the lab too, where this call named one."""
    if folder is None:
        return text
    option = f" --dir {shlex.quote(str(folder.absolute()))}"
    return _COMMAND.sub(lambda verb: verb.group() + option, text)


def _shield(argv: list[str]) -> list[str]:
    """Let `fault clock HOST -50y` be written as people write it: argparse would take -50y for an option."""
    if argv[-4:-2] == ["fault", "clock"] and argv[-1].startswith("-"):
        return [*argv[:-1], "--", argv[-1]]
    return argv


def _teller() -> Callable[[str], None]:
    """Return what prints progress on stderr with the seconds since the start."""
    began = time.monotonic()

    def report(line: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {line}", file=sys.stderr, flush=True)

    return report


def _up(folder: Folder, namespace: argparse.Namespace) -> int:
    options: list[str] = []
    for flag in ("silence_limit", "heartbeat"):
        value = getattr(namespace, flag)
        if value is not None:
            options += [f"--{flag.replace('_', '-')}", value]
    specs = fleet.LabOptions(
        hosts=namespace.hosts,
        agent=namespace.agent,
        token_file=namespace.token_file,
        endpoint=namespace.endpoint,
        ca=namespace.ca,
        bare=namespace.bare,
        python=not namespace.no_python,
        kubernetes=namespace.kubernetes,
        cluster=namespace.cluster,
        hub_options=options,
    )
    log = _teller()
    with folder.locked():
        state = fleet.bring_up(folder, specs, log)
        shown = status.document(folder, state)
    if namespace.output == "json":
        print(json.dumps(shown, indent=2), flush=True)
    else:
        print(status.table(shown))
        print(status.ways_in(shown))
        print(_with_folder("End it by `edgewright lab down`.", namespace.dir), flush=True)
    return _form(folder, state, log) if specs.cluster else 0


def _form(folder: Folder, state: LabState, log: Callable[[str], None]) -> int:
    """Let the hosts form a cluster and wait for it; from its creation on, an interrupt ends the waiting alone."""
    cluster.form(folder, state, build.find(state.kubernetes), log)
    try:
        cluster.follow(folder, state, log)
    except KeyboardInterrupt:
        print(f"Interrupted; the hosts continue to form the cluster. {cluster.ways(state)}", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    return 0


def _rehearse(folder: Folder, namespace: argparse.Namespace) -> int:
    """Do the steps of the guide; a lab whose rehearsal ended before the last one stays for a look at it."""
    log = _teller()
    tried = rehearsal.Rehearsal(folder, log)
    stays = True
    try:
        tried.run(namespace.hosts, namespace.kubernetes)
        stays = namespace.stay
    finally:
        if namespace.output == "json":
            print(json.dumps([proof.document(number) for number, proof in enumerate(tried.proofs, 1)], indent=2))
        elif tried.proofs:
            print(rehearsal.lines(tried.proofs), flush=True)
        if tried.proofs and stays:
            print(status.ways_in(status.document(folder, _loaded(folder))), file=sys.stderr)
            print(_with_folder("The lab stays. End it by `edgewright lab down`.", namespace.dir), file=sys.stderr)
    return 0 if stays else _down(folder, namespace)


def _down(folder: Folder, namespace: argparse.Namespace) -> int:
    with folder.locked():
        result = fleet.take_down(folder, _teller())
    text = f"The lab in {folder.path} is down." if result else f"There was no lab in {folder.path}."
    print(text, file=sys.stderr if getattr(namespace, "output", "") == "json" else sys.stdout)
    return 0


def _clean(folder: Folder, namespace: argparse.Namespace) -> int:
    freed = base.clean_cache()
    where = base.cache_folder()
    print(f"Removed {freed / 1e6:.0f} MB from {where}." if freed else f"There was no base image in {where}.")
    return 0


def _status(folder: Folder, namespace: argparse.Namespace) -> int:
    shown = status.document(folder, _loaded(folder))
    print(json.dumps(shown, indent=2) if namespace.output == "json" else status.table(shown))
    return 0


def _loaded(folder: Folder) -> LabState:
    state = folder.load()
    if state is None:
        raise NotFound(f"There is no lab in {folder.path}.", "Make one by `edgewright lab up`.")
    return state


def _fault(folder: Folder, namespace: argparse.Namespace) -> int:
    with folder.locked():
        state = _loaded(folder)
        try:
            for line in _do_fault(folder, state, namespace):
                print(line)
        finally:
            folder.save(state)
    return 0


def _do_fault(folder: Folder, state: LabState, namespace: argparse.Namespace) -> list[str]:
    """Do one fault and return what to print. Raises what `faults` raises."""
    kind: str = namespace.kind
    if kind == "clear":
        return faults.clear(folder, state) or ["There was no fault to take back."]
    if kind == "oneway":
        return [faults.oneway(state, namespace.first, namespace.second)]
    members = faults.chosen(state, namespace.host)
    if kind == "link":
        return [faults.link(state, member, up=namespace.word == "up") for member in members]
    if kind == "delay":
        slow = Slow(namespace.delay, namespace.jitter, namespace.loss, namespace.rate)
        if min(slow.delay, slow.jitter, slow.rate) < 0 or not 0 <= slow.loss <= 100:
            raise UsageError("Delay, jitter and rate are 0 or more, loss is 0 to 100 percent.")
        return [faults.slow_down(folder, state, member, None if slow == Slow() else slow) for member in members]
    if kind == "clock":
        return [
            faults.set_clock(folder, member, "" if namespace.shift == "true" else namespace.shift) for member in members
        ]
    if kind in ("freeze", "thaw"):
        return [faults.freeze(state, member, frozen=kind == "freeze") for member in members]
    if kind == "power-cut":
        return [faults.power_cut(state, member) for member in members]
    if kind == "power-on":
        return [faults.power_on(folder, state, member) for member in members]
    return [faults.reboot(member) for member in members]


_VERBS: dict[str, Callable[[Folder, argparse.Namespace], int]] = {
    "up": _up,
    "down": _down,
    "clean": _clean,
    "status": _status,
    "fault": _fault,
    "rehearse": _rehearse,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
