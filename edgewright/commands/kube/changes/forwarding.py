"""Action: a port of 127.0.0.1 that leads to a pod, through `kubectl port-forward`, until it is ended.

kubectl runs over a local port to the API as its other verbs do. Both end together, also when either fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import object_verbs as declared
from edgewright.commands.kube.kubectl import find_kubectl, reached
from edgewright.commands.kube.objects import objects_of
from edgewright.commands.kube.route import cluster
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, TimedOut, UsageError
from edgewright.core.text import clean
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.document_values import integer, part, parts, text

WITHIN = 30.0
"""Seconds until kubectl listens: the relay may wait for a host before."""
MOST = 20
"""Forwards of one console."""
_LISTENS = re.compile(r"Forwarding from 127\.0\.0\.1:(\d{1,5}) -> \d{1,5}")
_LINE = 4096


class Forward:
    """One port that leads to a pod; `ended` is why it ended, empty while it is open."""

    def __init__(self, row: ClusterRow, of: str, namespace: str, remote: int) -> None:
        self.row, self.of, self.namespace, self.remote = row, of, namespace, remote
        self.local = 0
        self.ended = ""
        self.reported = ""
        """The last line that kubectl printed as an error: a connection that failed does not end it."""
        self._listens: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def start(self, ctx: CommandContext, program: str, local: int) -> None:
        """Return when it listens; `local` 0 is any free port. Raises `Failed` with kubectl's reason, `TimedOut`."""
        self._task = asyncio.create_task(self._run(ctx, program, local))
        try:
            async with asyncio.timeout(WITHIN):
                self.local = await asyncio.shield(self._listens)
        except TimeoutError:
            await self.stop("it did not listen in time")
            hint = "See how the cluster is reached: edgewright kube reach"
            raise TimedOut(f"kubectl did not listen within {WITHIN:.0f} s.", hint) from None
        except BaseException:
            await self.stop("it did not begin")
            raise

    async def stop(self, why: str = "ended") -> None:
        """End it: kubectl, its connections, and its way to the API."""
        self.ended = self.ended or why
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, ctx: CommandContext, program: str, local: int) -> None:
        ports = f"{local or ''}:{self.remote}"
        command = [program, "port-forward", "--address", "127.0.0.1", "-n", self.namespace, self.of, ports]
        try:
            async with reached(ctx, self.row, {}, self._note) as environment:
                process = await asyncio.create_subprocess_exec(
                    *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT, limit=_LINE * 4,
                )  # fmt: skip
                try:
                    await self._read(process)
                    code = await process.wait()
                    hint = "Try again, or take another local port." if local else "Try again."
                    self._fail(Failed(self.reported or f"kubectl port-forward ended with code {code}.", hint))
                finally:
                    await _ended(process)
        except EdgewrightError as error:
            self._fail(error)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                data = await process.stdout.readline()
            except ValueError:  # a line that is too long was dropped
                continue
            if not data:
                return
            line = data.decode("utf-8", "replace").strip()
            if matched := _LISTENS.search(line):
                if not self._listens.done():
                    self._listens.set_result(int(matched[1]))
            elif not line.startswith("Handling connection"):
                self._note(line)

    def _note(self, line: str) -> None:
        sentence = clean(line, 300).removeprefix("error: ").removeprefix("Error from server ")
        self.reported = sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith((".", "!", "?", "…")) else ".")

    def _fail(self, error: EdgewrightError) -> None:
        self.ended = self.ended or error.message
        if not self._listens.done():
            self._listens.set_exception(error)
            self._listens.exception()  # it was seen, also when nothing waits for it any more


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End a kubectl, and wait until it has."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())


def ports_of(document: Mapping[str, Any]) -> list[int]:
    """Return the TCP ports that an object names: of the containers of a pod or a template, or of a service."""
    spec = part(document, "spec")
    pod = part(part(spec, "template"), "spec") or spec
    named = [port for each in parts(pod, "containers") for port in parts(each, "ports")]
    numbers = [integer(each, "containerPort") for each in named if text(each, "protocol") in ("", "TCP")]
    numbers += [integer(each, "port") for each in parts(spec, "ports") if text(each, "protocol") in ("", "TCP")]
    return list(dict.fromkeys(number for number in numbers if number))


def port_of(given: Any, *, free: bool = False) -> int:
    """Return a port; 0 for an empty text where a `free` one may be taken. Raises `InvalidInput`."""
    typed = str(given or "").strip()
    if free and typed in ("", "0"):
        return 0
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    if not 1 <= number <= 65_535:
        raise InvalidInput(f"{clean(typed, 40) or 'Nothing'} is not a port.", "Give 1 to 65535.")
    return number


class KubePodForward(declared.KubePodForward):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find kubectl and the cluster. Raises `NotFound`, `UsageError`, `InvalidInput` for a port."""
        kind, rows = objects_of(args)
        open_now = [each for each in args.get("forwards") or () if not each.ended]
        if len(rows) != 1 or kind.view in ("nodes", "cluster-events", "machines"):
            raise UsageError("A port leads to one pod, deployment, set or service.", "Choose one.")
        if len(open_now) >= MOST:
            raise UsageError(f"{MOST} ports lead into clusters already.", "End one first: f")
        remote, local = port_of(args.get("port")), port_of(args.get("local"), free=True)
        program, row = find_kubectl(), await cluster(ctx, targets[0])
        of, namespace = f"{kind.single}/{rows[0].name}", rows[0].namespace
        key = rows[0].uid
        shown = f"127.0.0.1:{local}" if local else "a free port of 127.0.0.1"
        lines = (f"{shown} leads to port {remote} of {of} until it is ended (f), or the console is left",)
        ports = f"{local or ''}:{remote}"
        cli = shlex.join(["edgewright", "kube", "port-forward", row.name, of, ports, "--", "-n", namespace])
        made = Forward(row, of, namespace, remote)
        return Plan(f"Forward to {key}", lines, (key,), (), cli, None, (made, program, local), {key: key})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Begin it; it stays in `forwards` of the arguments. Raises `Failed`, `TimedOut`."""
        made, program, local = plan.payload
        await made.start(ctx, program, local)
        forwards: list[Forward] = args["forwards"]
        forwards[:] = [each for each in forwards if not each.ended]
        forwards.append(made)
        return Outcome(plan.touches, (), f"127.0.0.1:{made.local} leads to port {made.remote} of {made.of}; f ends it.")
