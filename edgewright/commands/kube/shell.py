"""Action: a shell in a pod through `kubectl exec`, in the terminal that the console lends it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import object_verbs as declared
from edgewright.commands.kube.kubectl import find_kubectl, reached
from edgewright.commands.kube.route import cluster
from edgewright.core.errors import Failed, UsageError
from edgewright.core.text import clean

_SHELL = "command -v bash >/dev/null && exec bash || exec sh"
_ENDED = "command terminated with exit code"
"""How kubectl begins the line with the code of the last command in a shell: that one was the user's."""
_NO_PROGRAM = frozenset({126, 127})
LINE = 65536


class KubePodShell(declared.KubePodShell):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find kubectl and the cluster. Raises `NotFound`, `UsageError`."""
        pod, container = args.get("pod"), str(args.get("container") or "")
        if pod is None or not container:
            raise UsageError("A shell is in one container of a pod.", "Choose a pod first.")
        program, row = find_kubectl(), await cluster(ctx, targets[0])
        command = ["-it", "-n", pod.namespace, pod.name, "-c", container, "--", "sh", "-c", _SHELL]
        cli = shlex.join(["edgewright", "kube", "exec", row.name, "--", *command[:-2], "sh"])
        key = pod.uid
        return Plan(
            f"Shell in {key}",
            (f"a shell in {container}",),
            (key,),
            (),
            cli,
            None,
            (row, [program, "exec", *command]),
            {key: key},
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Run it until it ends. Raises `Failed` when there was no shell; its messages are in the terminal."""
        row, command = plan.payload
        print(f"\n{plan.title} of {row.name}; exit ends it and returns to the console.", flush=True)  # noqa: T201
        async with reached(ctx, row, args, lambda text: print(text, flush=True)) as environment:  # noqa: T201
            process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
            try:
                last = await _errors(process)
                code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
        began = last.startswith(_ENDED) and code not in _NO_PROGRAM
        if code and not began:
            why = f": {last.removeprefix('error: ').rstrip('.')}" if last else ""
            hint = "Its image may have none." if code in _NO_PROGRAM else ""
            raise Failed(f"No shell in {plan.touches[0]}: kubectl exec ended with code {code}{why}.", hint)
        return Outcome(plan.touches)


async def _errors(process: asyncio.subprocess.Process) -> str:
    """Pass on what kubectl itself reports, to the terminal, and return its last line; the shell writes to the other."""
    assert process.stderr is not None
    last = ""
    while data := await process.stderr.read(LINE):
        text = data.decode("utf-8", "replace")
        print(text, end="", flush=True)  # noqa: T201
        last = next((clean(line, 300) for line in reversed(text.splitlines()) if line.strip()), last)
    return last
