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

_SHELL = "command -v bash >/dev/null && exec bash || exec sh"
_NOTHING_RUN = frozenset({1, 126, 127})
"""Codes of kubectl that mean there was no shell; others are those of what the user did in it."""


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
            process = await asyncio.create_subprocess_exec(*command, env=environment)
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
        if code in _NOTHING_RUN:
            raise Failed(
                f"No shell in {plan.touches[0]}: kubectl exec ended with code {code}.", "Its image may have none."
            )
        return Outcome(plan.touches)
