"""Verbs about builds: which run, which are done, what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from edgewright.commands.kernel.base import Allowed, Command, Outcome, Param, Plan, Refusal, Scope, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.kernel.context import CommandContext


class _Build(Command):
    """What these verbs share: builds of this machine, without a plane. `edgewright build` was their name in 0.1.0."""

    online = False
    scope: ClassVar[Scope] = "installers"


class BuildList(_Build):
    """List builds, the newest first: running ones with rate and time left, done ones with their proof."""

    name = "build list"
    key_id = "installer-list"
    title = "installers"
    keys = ("6",)
    aliases = ("installers", "builds", "installer list")
    scope: ClassVar[Scope] = "global"
    opens = "installers"

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give all builds."""
        from edgewright.commands.build.rows import listing
        from edgewright.forge.builds import list_builds

        return Outcome((), result=listing(list_builds()))


class BuildShow(_Build):
    """Show one build: state, step, what it made, how it was checked, and what went wrong."""

    name = "build show"
    key_id = "installer-show"
    title = "open"
    keys = ("d",)
    aliases = ("installer show",)
    opens = "installer"
    target = Target("build", 1, 1)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give one build. Raises `NotFound`, `Conflict`."""
        from edgewright.commands.build.rows import detail
        from edgewright.forge.builds import find

        return Outcome((), result=detail(find(plan.touches[0])))


class BuildLog(_Build):
    """Print the log of a build; --follow stays until it ends."""

    name = "build log"
    key_id = "installer-log"
    title = "log"
    keys = ("l",)
    aliases = ("installer log",)
    opens = "installer-log"
    target = Target("build", 1, 1)
    params = (
        Param("follow", "continue until the build ends", flag="--follow", kind="flag"),
        Param("lines", "how many of the last lines", flag="--lines", kind="int", default=200, metavar="N"),
    )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the last lines, or a stream of them. Raises `NotFound`, `Conflict`."""
        from edgewright.commands.build.rows import follow
        from edgewright.commands.kernel.results import Column, Stream, Text
        from edgewright.forge.builds import find, last_lines

        build = find(plan.touches[0])
        lines = 200 if args.get("lines") is None else int(args["lines"])
        if args.get("follow"):
            return Outcome((), result=Stream((Column("LINE"),), (0,), follow(build, lines)))
        found = last_lines(build, lines) if lines else []
        message = "" if found else f"The log of build {build.id} is empty."
        return Outcome((), message=message, result=Text("\n".join(found), found, build.id))


class BuildRun(_Build):
    """Run the command stored with a queued build, in this process; the console starts builds like this."""

    name = "build run"
    title = "run"
    console = False
    target = Target("build", 1, 1)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Run it and write its record. Raises what its verb raises."""
        from edgewright.commands.forge.background import run_kept

        return await run_kept(ctx, plan.touches[0])


class BuildCancel(_Build):
    """Stop a build; its partial files are removed."""

    name = "build cancel"
    key_id = "installer-cancel"
    title = "stop"
    keys = ("x",)
    aliases = ("installer cancel",)
    target = Target("build", 1, 1)
    danger = "destructive"

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is stopped. Raises `NotFound`, `Conflict` when it has ended."""
        from edgewright.core.errors import Conflict
        from edgewright.forge.builds import find

        build = find(targets[0])
        if build.over:
            raise Conflict(f"Build {build.id} has ended: {build.state}.", "There is nothing to stop.", "Ended")
        lines = (f"{build.kind} {build.name}: {build.line}", "Its partial files are removed; finished ones stay.")
        gone = ("the work so far: it starts over",)
        return Plan(f"Stop build {build.id}", lines, (build.id,), gone, self.cli_line((build.id,), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask it to stop and wait for its end. Raises `Failed`, `Conflict`."""
        import asyncio

        from edgewright.forge.builds import cancel

        build = await asyncio.to_thread(cancel, plan.touches[0])
        return Outcome((build.id,), (), f"Build {build.id} is {build.state}.")


class BuildDelete(_Build):
    """Forget a build that has ended: its record, log and answers; the installer that it made stays."""

    name = "build delete"
    key_id = "installer-delete"
    title = "forget"
    keys = ("ctrl+d",)
    aliases = ("installer delete",)
    target = Target("build")
    danger = "destructive"

    def check(self, ctx: CommandContext, targets: Sequence[str]) -> Allowed | Refusal:
        """Refuse nothing more: whether it has ended is looked at when the plan is made."""
        return Allowed()

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is deleted and what stays. Raises `NotFound`, `Conflict` for one that runs."""
        from edgewright.core.errors import Conflict
        from edgewright.forge.builds import find

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
        gone = ("record, log and the answers stored with it",)
        return Plan(title, tuple(lines), tuple(builds), gone, self.cli_line(tuple(builds), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Forget them, one by one."""
        from edgewright.commands.kernel.bulk import for_each
        from edgewright.forge.builds import delete

        async def forget(build_id: str) -> None:
            delete(build_id)

        return await for_each(plan, forget, report, "forgotten")


COMMANDS: tuple[type[Command], ...] = (BuildList, BuildShow, BuildLog, BuildRun, BuildCancel, BuildDelete)
