"""Actions that build and push images: a host's entire system, or one Kubernetes version for hosts of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.commands.forge import image_plan
from edgewright.commands.forge.image_build import Job, run, run_tree
from edgewright.commands.forge.jobs import work
from edgewright.commands.forge.verbs import image as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.forge.image import kinds
from edgewright.forge.image.build import Request
from edgewright.forge.tree.tree import TreeRequest

APPLIANCE_ALONE = (
    *("base", "pe_version", "overlay", "containerfile", "build_args", "os", "carry_tree"),
    *("driver", "driver_path", "user_data"),
)
TREE_ALONE = ("tree", "cni", "templates")
"""Parameters that make sense for one kind of image only."""


class ForgeImage(declared.ForgeImage):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check names and files and return what is pushed where. Raises `InvalidInput`, `NotFound`, `UsageError`."""
        kind = kinds.choose(
            args.get("for"), base=bool(args.get("base")), tree=any(args.get(name) for name in TREE_ALONE)
        )
        other, belongs = (APPLIANCE_ALONE, kinds.APPLIANCE) if kind == kinds.TREE else (TREE_ALONE, kinds.TREE)
        strangers = [param.flag for param in self.params if param.name in other and args.get(param.name)]
        image_plan.check_options(kind, belongs, strangers, args)
        request: Request | TreeRequest
        if kind == kinds.TREE:
            request = image_plan.tree_request(args)
            lines = await image_plan.tree_lines(request)
        else:
            request = image_plan.appliance_request(args)
            lines = [] if args.get("for") else [kinds.NOTICE]
            lines += image_plan.appliance_lines(request, args)
        lines += image_plan.last_lines(request, args)
        reference = str(request.name.reference)
        what = "Kubernetes tree" if kind == kinds.TREE else "appliance image"
        return Plan(
            f"Build and push the {what} {reference}",
            tuple(lines),
            (reference,),
            (),
            self.cli_line((), args),
            payload=request,
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Build, push, sign; print what was made."""
        request: Request | TreeRequest = plan.payload

        def do(job: Job) -> Outcome:
            if isinstance(request, Request):
                return run(request, args, job, report)
            return run_tree(request, args, job)

        return await work(do, report)
