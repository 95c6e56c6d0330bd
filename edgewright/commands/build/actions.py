"""Actions: verbs about builds: which run, which are done, what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.commands.build import verbs as declared
from edgewright.commands.build.rows import detail, follow, listing
from edgewright.commands.forge.background import run_stored
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Stream, Text
from edgewright.core.errors import Conflict
from edgewright.forge.builds import cancel, delete, find, last_lines, list_builds


class BuildList(declared.BuildList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give all builds."""
        return Outcome((), result=listing(list_builds()))


class BuildShow(declared.BuildShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give one build. Raises `NotFound`, `Conflict`."""
        return Outcome((), result=detail(find(plan.touches[0])))


class BuildLog(declared.BuildLog):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the last lines, or a stream of them. Raises `NotFound`, `Conflict`."""
        build = find(plan.touches[0])
        lines = 200 if args.get("lines") is None else int(args["lines"])
        if args.get("follow"):
            return Outcome((), result=Stream((Column("LINE"),), (0,), follow(build, lines)))
        result = last_lines(build, lines) if lines else []
        message = "" if result else f"The log of build {build.id} is empty."
        return Outcome((), message=message, result=Text("\n".join(result), result, build.id))


class BuildRun(declared.BuildRun):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Run it and write its record. Raises what its verb raises."""
        return await run_stored(ctx, plan.touches[0])


class BuildCancel(declared.BuildCancel):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is stopped. Raises `NotFound`, `Conflict` when it has ended."""
        build = find(targets[0])
        if build.over:
            raise Conflict(f"Build {build.id} has ended: {build.state}.", "There is nothing to stop.", "Ended")
        lines = (f"{build.kind} {build.name}: {build.line}", "Its partial files are removed; finished ones stay.")
        removed = ("the work so far: it starts over",)
        return Plan(f"Stop build {build.id}", lines, (build.id,), removed, self.cli_line((build.id,), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask it to stop and wait for its end. Raises `Failed`, `Conflict`."""
        build = await asyncio.to_thread(cancel, plan.touches[0])
        return Outcome((build.id,), (), f"Build {build.id} is {build.state}.")


class BuildDelete(declared.BuildDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is deleted and what stays. Raises `NotFound`, `Conflict` for one that runs."""
        builds = {build.id: build for build in map(find, targets)}
        for build in builds.values():
            if not build.over:
                stop = f"Stop it first: edgewright build cancel {build.id}"
                raise Conflict(f"Build {build.id} runs.", stop, "Running")
        lines = [
            f"{b.kind} {b.name} ({b.state})" + (f", stays: {b.outputs[0]}" if b.outputs else "")
            for b in builds.values()
        ]
        title = f"Forget build {next(iter(builds))}" if len(builds) == 1 else f"Forget {len(builds)} builds"
        removed = ("record, log and the answers stored with it",)
        return Plan(title, tuple(lines), tuple(builds), removed, self.cli_line(tuple(builds), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Forget them, one by one."""

        async def forget(build_id: str) -> None:
            delete(build_id)

        return await for_each(plan, forget, report, "forgotten")
