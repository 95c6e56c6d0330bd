"""Action: apply a file on the server's side with kubectl; the plan has the difference that the server finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.commands.kube import object_verbs as declared
from edgewright.commands.kube import verbs as kubectl_verbs
from edgewright.commands.kube.kubectl import captured, find_kubectl, reached
from edgewright.commands.kube.route import cluster
from edgewright.core.errors import Failed, NotFound
from edgewright.core.small_file import local_path
from edgewright.core.text import clean

MOST_LINES = 2000


class KubeManifest(declared.KubeManifest):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Let the server find the difference. Raises `NotFound` without kubectl or file, `Failed` with its reason."""
        program = find_kubectl()
        path = local_path(str(args.get("file") or ""))
        if not await asyncio.to_thread(path.exists):
            raise NotFound(f"There is no file {path}.", "Give the path of a manifest.")
        row = await cluster(ctx, targets[0])
        async with reached(ctx, row, {}, lambda _: None) as environment:
            code, output = await captured([program, "diff", "--server-side", "-f", str(path)], environment)
        if code > 1:
            raise Failed(_reason(output, f"kubectl diff ended with code {code}"), "Correct the file.", "Kubectl")
        lines = difference_lines(output)
        undo = ("Values that it replaces are not stored: to go back, apply the former file.",) if lines else ()
        cli = kubectl_verbs.KubeApply.cli_line((row.name,), {"arguments": ["-f", str(path)]})
        shown = lines or ("nothing differs",)
        return Plan(
            f"Apply {path.name} to {row.name}", shown, (row.uid,), undo, cli, None, (row, path), {row.uid: row.name}
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Apply it. Raises `Failed` with what the server refuses, a conflict of field managers for example."""
        row, path = plan.payload
        async with reached(ctx, row, {}, report) as environment:
            command = [find_kubectl(), "apply", "--server-side", "-f", str(path)]
            code, output = await captured(command, environment)
        if code:
            raise Failed(
                _reason(output, f"kubectl apply ended with code {code}"), "Nothing else was changed.", "Kubectl"
            )
        return Outcome(plan.touches, (), f"{path.name} applied to {row.name}.", Text(output.strip()))


def difference_lines(output: str) -> tuple[str, ...]:
    """Return what `kubectl diff` printed without the names of its temporary files: each object, then its lines."""
    lines = []
    for text in output.splitlines():
        if text.startswith(("diff -", "--- ")):
            continue
        if text.startswith("+++ "):
            text = text.split("\t")[0].rpartition("/")[2]
        lines.append(text)
    return tuple(lines[:MOST_LINES])


def _reason(output: str, otherwise: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    sentence = clean(" ".join(lines[-6:]), 900).removeprefix("error: ") if lines else otherwise
    return sentence if sentence.endswith(".") else f"{sentence}."
