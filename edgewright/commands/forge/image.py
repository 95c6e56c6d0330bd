"""The verb that builds and pushes images: a host's entire system, or one Kubernetes version for hosts of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.forge.image.build import Request
    from edgewright.forge.tree.tree import TreeRequest

APPLIANCE_ALONE = (
    *("base", "pe_version", "overlay", "containerfile", "build_args", "os"),
    *("driver", "driver_path", "user_data"),
)
TREE_ALONE = ("tree", "cni", "templates")
"""Parameters that make sense for one kind of image only."""


class ForgeImage(Command):
    """Build an image, push it, sign it and list what is in it: a host's system, or a Kubernetes tree.

    --for appliance: the root of a host (kernel, init, agent) with one Kubernetes version and the three files of an A/B
    slot. --for tree: one Kubernetes version for hosts with a system of their own.
    """

    name = "forge image"
    title = "image"
    danger = "write"
    params = (
        Param(
            "for",
            "what it is for: hosts that run it, or hosts with a system of their own (default appliance with --base)",
            flag="--for",
            choices=("appliance", "tree"),
        ),
        Param(
            "base",
            "appliance: image, oci-archive:FILE, oci:DIR, docker-archive:FILE, appliance:ISO or root:DIR to build on",
            flag="--base",
            metavar="REF",
        ),
        Param("tree", "tree: directory with bin/ cni/ images/ templates/", flag="--tree", kind="file", metavar="DIR"),
        Param(
            "kubernetes",
            "kubeadm:VERSION or k3s:VERSION",
            flag="--kubernetes",
            required=True,
            metavar="DISTRIBUTION:VERSION",
        ),
        Param(
            "push",
            "where it goes; the tag follows from the rest",
            flag="--push",
            required=True,
            metavar="REGISTRY/REPO",
        ),
        Param("pe_version", "appliance: agent version, part of the tag", flag="--pe-version", metavar="VERSION"),
        Param("custom_tag", "last part of the tag", flag="--custom-tag", metavar="TAG"),
        Param("arch", "architecture", flag="--arch", choices=("amd64", "arm64"), default="amd64"),
        Param(
            "binaries",
            "Kubernetes' programs: a directory, URL or image:REF (tree: a directory)",
            flag="--binaries",
            metavar="WHERE",
        ),
        Param("cni", "tree: directory with the CNI plug-ins", flag="--cni", kind="file", metavar="DIR"),
        Param("images", "archives of images to put in: files, directories, URLs", flag="--images", many=True),
        Param("templates", "tree: directory with your own templates", flag="--templates", kind="file", metavar="DIR"),
        Param("checksums", "sha256 lines; needed for what comes from URLs", flag="--checksums", kind="file"),
        Param("overlay", "appliance: directory whose content goes over the root", flag="--overlay", kind="file"),
        Param("containerfile", "appliance: run this on the base first (buildah)", flag="--containerfile", kind="file"),
        Param(
            "build_args",
            "appliance: argument of the Containerfile",
            flag="--build-arg",
            many=True,
            metavar="NAME=VALUE",
        ),
        Param(
            "compression", "of the new layers", flag="--compression", choices=("gzip", "zstd", "none"), default="gzip"
        ),
        Param("os", "appliance: system of the base, if it has no os-release", flag="--os", metavar="NAME:VERSION"),
        Param("sign_key", "private key to sign with (cosign's, or PEM)", flag="--sign-key", kind="file"),
        Param(
            "sign_password_file",
            "its password, if COSIGN_PASSWORD is not set",
            flag="--sign-password-file",
            kind="file",
        ),
        Param("sbom", "write the SBOM (SPDX) here too", flag="--sbom", kind="file"),
        Param("ca", "further CA certificates to trust, PEM", flag="--ca", kind="file"),
        Param("temp", "folder for temporary files", flag="--temp", kind="file"),
        Param("replace", "let a tag that exists mean the new image", flag="--replace", kind="flag"),
        Param(
            "driver",
            "canvos builds the image, auroraboot makes an ISO of it",
            flag="--driver",
            choices=("canvos", "auroraboot"),
        ),
        Param("driver_path", "CanvOS's folder, or AuroraBoot's program", flag="--driver-path", kind="file"),
        Param("user_data", "for a driver: the user-data", flag="--user-data", kind="file"),
        Param("out", "for auroraboot: folder of the ISO", flag="--out", kind="file", default="build"),
    )
    online = False
    console = False
    tells = True

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check names and files and return what is pushed where. Raises `InvalidInput`, `NotFound`, `UsageError`."""
        from edgewright.commands.forge import image_plan
        from edgewright.forge.image import kinds

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
        from edgewright.commands.forge.image_build import Job, run, run_tree
        from edgewright.commands.forge.jobs import work
        from edgewright.forge.image.build import Request

        request: Request | TreeRequest = plan.payload

        def do(job: Job) -> Outcome:
            if isinstance(request, Request):
                return run(request, args, job, report)
            return run_tree(request, args, job)

        return await work(do, report)


COMMANDS: tuple[type[Command], ...] = (ForgeImage,)
