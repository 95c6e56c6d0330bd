"""The verb that builds what an answer file describes, headless."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.forge.image_answers import ImageFile
    from edgewright.commands.kernel.context import CommandContext


class Example(NamedTuple):
    """An example that is to be printed."""

    kind: str
    text: str


class Image(NamedTuple):
    """An image that is to be built: what the file asks for, and the plan of `forge image` for it."""

    file: ImageFile
    plan: Plan


class Apply(Command):
    """Build what an answer file describes, without questions: the same file gives the same bytes.

    `edgewright apply --example` prints a commented file to begin from, `--example KIND` that of another kind.
    Everything that is wrong in a file is reported in one run. With --detach the build continues in the background
    and `edgewright build` shows it.
    """

    name = "apply"
    title = "apply"
    params = (
        Param("example_kind", "with --example: the kind of the file", metavar="KIND"),
        Param("file", "answer file", flag="-f", kind="file", metavar="FILE"),
        Param("example", "print a commented answer file and do nothing", flag="--example", kind="flag"),
        Param("force", "replace what is there under the same name", flag="--force", kind="flag"),
        Param("detach", "continue in the background and print the build's id", flag="--detach", kind="flag"),
        Param("build", "write the progress into this build (the console does that)", flag="--build", metavar="ID"),
    )
    online = False
    console = False
    tells = True

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what would be built. Raises `UsageError`, `NotFound`, `Refused`, `InvalidDocument`."""
        if args.get("example"):
            from edgewright.commands.installer.answer_kinds import example

            kind, text = example(str(args.get("example_kind") or ""))
            title = f"Print an example of kind {kind}"
            return Plan(title, (), (), (), self.cli_line((), args), None, Example(kind, text))
        _need_file(args)
        from edgewright.commands.forge import image_answers
        from edgewright.commands.installer.answer_kinds import kinds
        from edgewright.commands.installer.run import examine, lines_of
        from edgewright.forge.answer_files import opened, read_document
        from edgewright.forge.installing import check_inputs

        try:
            word = str(args["file"])
            document = read_document(Path(word).expanduser().absolute())
            outer = opened(document, kinds())
            if outer.kind in image_answers.KINDS:
                return await self._plan_image(ctx, image_answers.read(outer, word), args)
            job = examine(word, document)
            check_inputs(job.ready)  # a plan that cannot be carried out is none
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
        """Build it. Raises what the build raises; nothing partial is left then."""
        from edgewright.commands.installer.run import detach, perform
        from edgewright.commands.kernel.results import Text

        if isinstance(plan.payload, Example):
            kind, text = plan.payload
            return Outcome((), result=Text(text.rstrip("\n"), {"kind": kind, "text": text}, kind))
        if isinstance(plan.payload, Image):
            return await self._apply_image(ctx, plan.payload, args, report)
        if args.get("detach"):
            build = detach(plan.payload, force=bool(args.get("force")), read_only=ctx.read_only)
            return Outcome((build,), (), f"Build {build} runs; see: edgewright build show {build}", Text(build))
        return await perform(ctx, plan.payload, args, report)

    async def _plan_image(self, ctx: CommandContext, file: ImageFile, args: Mapping[str, Any]) -> Plan:
        """Return the plan of `forge image` for the answers of a file. `--force` replaces what has the same tag."""
        from edgewright.commands.forge.image import ForgeImage

        if args.get("force"):
            file = file._replace(args={**file.args, "replace": True})
        plan = await ForgeImage().plan(ctx, (), file.args)
        return plan._replace(cli=self.cli_line((), args), payload=Image(file, plan))

    async def _apply_image(
        self, ctx: CommandContext, image: Image, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Build and push the image, in the background with --detach. Raises `Refused` in a read-only session."""
        from edgewright.commands.forge.image import ForgeImage
        from edgewright.commands.kernel import registry
        from edgewright.commands.kernel.base import Refusal
        from edgewright.commands.kernel.results import Text
        from edgewright.core.errors import Refused

        if not args.get("detach"):
            return await registry.run(ForgeImage, ctx, (), image.file.args, plan=image.plan, report=report)
        verdict = registry.check(ForgeImage, ctx, ())
        if isinstance(verdict, Refusal):
            raise Refused(verdict.reason, verdict.hint)
        from edgewright.forge.builds import start

        build = start("image", image.file.name, image.file.words)
        return Outcome((build,), (), f"Build {build} runs; see: edgewright build show {build}", Text(build))


def _need_file(args: Mapping[str, Any]) -> None:
    """Raise `UsageError` unless the words name a file by -f."""
    from edgewright.core.errors import UsageError

    hint = "Give one with -f FILE; edgewright apply --example prints one to begin from."
    stray = args.get("example_kind")
    if stray:
        raise UsageError(f"{stray} does not belong there.", f"A file is given with -f {stray}, a kind after --example.")
    if not args.get("file"):
        raise UsageError("No answer file is given.", hint)


def _tell_build(args: Mapping[str, Any], error: BaseException) -> None:
    """Let a build that was queued end with what was wrong with its answers."""
    if args.get("build"):
        from edgewright.forge.builds import Recorder

        Recorder.of(str(args["build"])).ended_by(error)


COMMANDS: tuple[type[Command], ...] = (Apply,)
