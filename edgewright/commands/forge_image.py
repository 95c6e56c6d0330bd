"""The verb that builds and pushes provider images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.context import CommandContext
    from edgewright.forge.image.build import Request


class ForgeImage(Command):
    """Build OS and one Kubernetes version into a provider image, push it, sign it and list what is in it."""

    name = "forge image"
    title = "image"
    danger = "write"
    params = (
        Param(
            "base",
            "image, oci-archive:FILE, oci:FOLDER, docker-archive:FILE or appliance:ISO to build on",
            flag="--base",
            required=True,
            metavar="REF",
        ),
        Param(
            "kubernetes",
            "kubeadm:VERSION or k3s:VERSION",
            flag="--kubernetes",
            required=True,
            metavar="DISTRIBUTION:VERSION",
        ),
        Param(
            "push",
            "where it goes; the tag follows Palette's rule",
            flag="--push",
            required=True,
            metavar="REGISTRY/REPO",
        ),
        Param("pe_version", "agent version, part of the tag", flag="--pe-version", metavar="VERSION"),
        Param("custom_tag", "last part of the tag", flag="--custom-tag", metavar="TAG"),
        Param("arch", "architecture", flag="--arch", choices=("amd64", "arm64"), default="amd64"),
        Param("binaries", "Kubernetes' programs: a folder, URL or image:REF", flag="--binaries", metavar="WHERE"),
        Param("images", "archives of images to put in: files, folders, URLs", flag="--images", many=True),
        Param("checksums", "sha256 lines; needed for what comes from URLs", flag="--checksums", kind="file"),
        Param("overlay", "folder whose content goes over the image", flag="--overlay", kind="file"),
        Param("containerfile", "run this on the base first (buildah)", flag="--containerfile", kind="file"),
        Param("build_args", "argument of the Containerfile", flag="--build-arg", many=True, metavar="NAME=VALUE"),
        Param(
            "compression", "of the new layer", flag="--compression", choices=("gzip", "zstd", "none"), default="gzip"
        ),
        Param("os", "system of the base, if it does not say", flag="--os", metavar="NAME:VERSION"),
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
        Param("no_scan", "do not read the base: its packages stay unknown", flag="--no-scan", kind="flag"),
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
        """Check names and files and say what is pushed where. Raises `InvalidInput`, `NotFound`, `UsageError`."""
        from pathlib import Path

        from edgewright.core.errors import NotFound, UsageError
        from edgewright.forge.image import drivers
        from edgewright.forge.image.bases import origin
        from edgewright.forge.image.build import check

        request = _request(args)
        name = request.name
        lines = [f"Base: {request.base} (linux/{request.arch})", f"Pushes: {name.reference}"]
        if args.get("driver") == "canvos":
            if origin(request.base).kind != "registry":
                raise UsageError(f"CanvOS takes its base from a registry, not {request.base}.", "Push it to one first.")
            folder = drivers.check_canvos(_path(args.get("driver_path")))
            lines.append(f"CanvOS in {folder} builds it; its .arg gets these values, the rest of it stays:")
            values = drivers.args_of(name, request.arch, request.os, request.base)
            lines += [f"  {key}={value}" for key, value in values.items()]
        else:
            check(request)
            lines += _what(request)
        if args.get("driver") == "auroraboot":
            drivers.check_auroraboot(_path(args.get("driver_path")))
            if not args.get("user_data") or not Path(args["user_data"]).is_file():
                raise UsageError("AuroraBoot needs a user-data for the ISO.", "Give it with --user-data FILE.")
            lines.append(f"Then AuroraBoot makes an ISO of it in {args.get('out')}.")
        key = args.get("sign_key")
        if key and not Path(key).is_file():
            raise NotFound(f"There is no key {key}.", "Make one with: cosign generate-key-pair")
        lines.append(f"Signs with {key}." if key else "Does not sign it (no --sign-key).")
        if request.replace:
            lines.append("If the tag exists, it will mean the new image.")
        reference = str(name.reference)
        return Plan(
            f"Build and push {reference}", tuple(lines), (reference,), (), self.cli_line((), args), payload=request
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Build, push, sign; print the block for the profile."""
        from edgewright.commands.forging import work
        from edgewright.commands.image_building import Job, run

        request: Request = plan.payload

        def do(job: Job) -> Outcome:
            return run(request, args, job, report)

        return await work(do, report)


def _path(text: Any) -> Any:
    from pathlib import Path

    return Path(text) if text else None


def _request(args: Mapping[str, Any]) -> Request:
    """Return the request that these words mean. Raises `InvalidInput`, `UsageError`."""
    from edgewright import __version__
    from edgewright.core.errors import UsageError
    from edgewright.forge.image import reference
    from edgewright.forge.image.build import Request

    system = None
    if args.get("os"):
        os_name, colon, version = str(args["os"]).partition(":")
        if not (colon and os_name and version):
            raise UsageError(f"{args['os']} is no system and version.", "Write e.g. --os ubuntu:22.04.")
        system = os_name, version
    name = reference.name(
        args["push"],
        reference.kubernetes(args["kubernetes"]),
        args.get("pe_version") or f"v{__version__}",
        args.get("custom_tag") or "",
    )
    return Request(
        base=args["base"],
        name=name,
        arch=args["arch"],
        binaries=args.get("binaries") or "",
        images=tuple(args.get("images") or ()),
        checksums=_path(args.get("checksums")),
        overlay=_path(args.get("overlay")),
        containerfile=_path(args.get("containerfile")),
        build_args=tuple(args.get("build_args") or ()),
        compression=args["compression"],
        os=system,
        ca=_path(args.get("ca")),
        temp=_path(args.get("temp")),
        replace=bool(args.get("replace")),
        scan=not args.get("no_scan"),
    )


def _what(request: Request) -> list[str]:
    """Say what goes into the image."""
    kubernetes = request.name.kubernetes
    lines = [f"Puts in: {kubernetes.distribution} {kubernetes.full} from {request.binaries or 'what is named below'}"]
    lines += [f"  images from {where}" for where in request.images]
    if request.containerfile is not None:
        lines.append(f"  what {request.containerfile} does to the base, run by buildah")
    if request.overlay is not None:
        lines.append(f"  the files of {request.overlay}")
    return lines


COMMANDS: tuple[type[Command], ...] = (ForgeImage,)
