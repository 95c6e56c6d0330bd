"""Actions: the verb that builds what an answer file describes, headless."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.commands.cluster import work
from edgewright.commands.forge import image_answers
from edgewright.commands.forge.image import ForgeImage
from edgewright.commands.forge.image_answers import ImageFile
from edgewright.commands.installer import apply_verb as declared
from edgewright.commands.installer.answer_kinds import example, kinds
from edgewright.commands.installer.planes import at_plane
from edgewright.commands.installer.run import detach, examine, lines_of, perform
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Outcome, Plan, Refusal
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.commands.profile import directories
from edgewright.core.clusters import definition
from edgewright.core.errors import Refused, UsageError
from edgewright.core.small_file import local_path
from edgewright.forge.answer_files import opened, read_document
from edgewright.forge.builds import Recorder, start
from edgewright.forge.installing import check_inputs


class Example(NamedTuple):
    """An example that is to be printed."""

    kind: str
    text: str


class Image(NamedTuple):
    """An image that is to be built: what the file asks for, and the plan of `forge image` for it."""

    file: ImageFile
    plan: Plan


class Apply(declared.Apply):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what would be built. Raises `UsageError`, `NotFound`, `Refused`, `InvalidDocument`."""
        if args.get("example"):
            kind, text = example(str(args.get("example_kind") or ""))
            title = f"Print an example of kind {kind}"
            return Plan(title, (), (), (), self.cli_line((), args), None, Example(kind, text))
        _require_file(args)

        word = str(args["file"])
        place = local_path(word).absolute()
        if directories.is_of_profiles(place):
            async with at_plane(ctx) as there:
                plan = await directories.plan(there, place, bool(args.get("publish")), self.cli_line((), args))
            return plan
        if args.get("publish"):
            raise UsageError("--publish is for a directory of profiles.", "See: edgewright apply --help")
        try:
            document = read_document(place)
            outer = opened(document, kinds())
            if outer.kind in image_answers.KINDS:
                return await self._plan_image(ctx, image_answers.read(outer, word), args)
            if outer.kind == definition.KIND:
                async with at_plane(ctx) as there:
                    return await work.plan(there, work.read(outer, word), self.cli_line((), args))
            job = examine(word, document)
            check_inputs(job.ready)  # a plan that cannot be carried out is none
        except BaseException as error:
            _report_build(args, error)
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
        if isinstance(plan.payload, Example):
            kind, text = plan.payload
            return Outcome((), result=Text(text.rstrip("\n"), {"kind": kind, "text": text}, kind))
        if isinstance(plan.payload, directories.Work):
            async with at_plane(ctx) as there:
                if there.read_only and any(applied.change != "none" for _, applied in plan.payload.profiles):
                    raise Refused("This session is read-only, so nothing is applied.", "Run it without --read-only.")
                return await directories.apply(there, plan, plan.payload, report)
        if isinstance(plan.payload, work.Work):
            async with at_plane(ctx) as there:
                if there.read_only and (plan.payload.steps or not plan.payload.uid):
                    raise Refused("This session is read-only, so nothing is applied.", "Run it without --read-only.")
                return await work.apply(there, plan, plan.payload, report)
        if isinstance(plan.payload, Image):
            return await self._apply_image(ctx, plan.payload, args, report)
        if args.get("detach"):
            build = detach(plan.payload, force=bool(args.get("force")), read_only=ctx.read_only)
            return Outcome((build,), (), f"Build {build} runs; see: edgewright build show {build}", Text(build))
        return await perform(ctx, plan.payload, args, report)

    async def _plan_image(self, ctx: CommandContext, file: ImageFile, args: Mapping[str, Any]) -> Plan:
        """Return the plan of `forge image` for the answers of a file. `--force` replaces what has the same tag."""
        if args.get("force"):
            file = file._replace(args={**file.args, "replace": True})
        plan = await ForgeImage().plan(ctx, (), file.args)
        return plan._replace(cli=self.cli_line((), args), payload=Image(file, plan))

    async def _apply_image(
        self, ctx: CommandContext, image: Image, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Build and push the image, in the background with --detach. Raises `Refused` in a read-only session."""
        if not args.get("detach"):
            return await registry.run(ForgeImage, ctx, (), image.file.args, plan=image.plan, report=report)
        verdict = registry.check(ForgeImage, ctx, ())
        if isinstance(verdict, Refusal):
            raise Refused(verdict.reason, verdict.hint)

        build = start("image", image.file.name, image.file.arguments)
        return Outcome((build,), (), f"Build {build} runs; see: edgewright build show {build}", Text(build))


def _require_file(args: Mapping[str, Any]) -> None:
    """Raise `UsageError` unless the words name a file by -f."""
    hint = "Give one with -f FILE; edgewright apply --example prints one to begin from."
    stray = args.get("example_kind")
    if stray:
        raise UsageError(f"{stray} does not belong there.", f"A file is given with -f {stray}, a kind after --example.")
    if not args.get("file"):
        raise UsageError("No answer file is given.", hint)


def _report_build(args: Mapping[str, Any], error: BaseException) -> None:
    """Let a build that was queued end with what was wrong with its answers."""
    if args.get("build"):
        Recorder.of(str(args["build"])).ended_by(error)
