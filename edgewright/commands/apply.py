"""The verb that does what a file says: the wizard's answer file, headless."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.context import CommandContext


class Apply(Command):
    """Do what an answer file says: build its installer without asking, to the same bytes as the wizard.

    With --detach it goes on in the background, and `forge builds` tells of it.
    """

    name = "apply"
    title = "apply"
    params = (
        Param("file", "answer file", flag="-f", required=True, kind="file", metavar="FILE"),
        Param("force", "replace what is there under the same name", flag="--force", kind="flag"),
        Param("detach", "go on in the background and print the build's id", flag="--detach", kind="flag"),
        Param("build", "write the progress into this build (the console does that)", flag="--build", metavar="ID"),
    )
    online = False
    console = False
    tells = True

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Say what would be made. Raises `NotFound`, `Refused`, and `InvalidInput` for a file that cannot be done."""
        from edgewright.commands.applying import examine, lines_of

        try:
            job = examine(str(args["file"]))
        except BaseException as error:
            _tell_build(args, error)
            raise
        return Plan(
            f"Build installer {job.name}",
            lines_of(job.ready),
            tuple(str(path) for path in job.touches),
            (),
            self.cli_line((), args),
            None,
            job,
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Build it. Raises what the build raises; nothing half done is left then."""
        from edgewright.commands.applying import detach, perform
        from edgewright.commands.results import Text

        if args.get("detach"):
            build = detach(plan.payload, force=bool(args.get("force")), read_only=ctx.read_only)
            return Outcome((build,), (), f"Build {build} runs; see: edgewright forge builds show {build}", Text(build))
        return await perform(ctx, plan.payload, args, report)


def _tell_build(args: Mapping[str, Any], error: BaseException) -> None:
    """Let a build that was queued end with what was wrong with its answers."""
    if args.get("build"):
        from edgewright.forge.builds import Recorder

        Recorder.of(str(args["build"])).ended_by(error)


COMMANDS: tuple[type[Command], ...] = (Apply,)
