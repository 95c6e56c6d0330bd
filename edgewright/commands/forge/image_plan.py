"""What the words of `forge image` mean: the request for one of the two kinds of image, and the lines of its plan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright import __version__
from edgewright.core.errors import NotFound, UsageError
from edgewright.core.text import amount
from edgewright.forge.image import drivers, kinds
from edgewright.forge.image.bases import origin
from edgewright.forge.image.build import Request, check
from edgewright.forge.registry import download, reference
from edgewright.forge.tree import parts as tree_parts
from edgewright.forge.tree import tree
from edgewright.forge.tree.inputs import Sources
from edgewright.forge.tree.tree import TreeRequest


def check_options(kind: str, belongs: str, strangers: Sequence[str], args: Mapping[str, Any]) -> None:
    """Raise `UsageError` naming every option of the other kind (`belongs`), or what this kind cannot do without."""
    if strangers:
        verb = "belongs" if len(strangers) == 1 else "belong"
        raise UsageError(
            f"{', '.join(strangers)} {verb} to --for {belongs}, and this is --for {kind}.",
            f"Remove {'it' if len(strangers) == 1 else 'them'}, or build with --for {belongs}.",
        )
    if kind == kinds.APPLIANCE and not args.get("base"):
        raise UsageError(
            "An appliance image needs a base.",
            "Give --base IMAGE, appliance:ISO (made by: edgewright forge base) or root:DIR.",
        )
    if kind == kinds.TREE and not (args.get("tree") or args.get("binaries")):
        raise UsageError(
            "A Kubernetes tree needs its parts.",
            "Give --tree DIR with bin/ cni/ images/ templates/, or --binaries DIR, --cni DIR and --images.",
        )


def appliance_request(args: Mapping[str, Any]) -> Request:
    """Return the request for an appliance image. Raises `InvalidInput`, `UsageError`."""
    system = None
    if args.get("os"):
        os_name, colon, version = str(args["os"]).partition(":")
        if not (colon and os_name and version):
            raise UsageError(f"{args['os']} is not a system and version.", "Write e.g. --os ubuntu:22.04.")
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
        tree=args.get("carry_tree") or "",
        compression=args["compression"],
        os=system,
        ca=_path(args.get("ca")),
        temp=_path(args.get("temp")),
        replace=bool(args.get("replace")),
    )


def tree_request(args: Mapping[str, Any]) -> TreeRequest:
    """Return the request for a tree. Raises `InvalidInput`, `UsageError`."""
    where = str(args.get("binaries") or "")
    if download.is_url(where) or where.startswith("image:"):
        raise UsageError(f"A tree takes its programs from a directory, not from {where}.", "Fetch them first.")
    name = reference.tree_name(
        args["push"], reference.kubernetes(args["kubernetes"]), args["arch"], args.get("custom_tag") or ""
    )
    sources = Sources(
        folder=_path(args.get("tree")),
        binaries=_path(where),
        cni=_path(args.get("cni")),
        images=tuple(args.get("images") or ()),
        templates=_path(args.get("templates")),
        checksums=_path(args.get("checksums")),
        ca=_path(args.get("ca")),
    )
    return TreeRequest(
        name=name,
        sources=sources,
        compression=args["compression"],
        ca=_path(args.get("ca")),
        temp=_path(args.get("temp")),
        replace=bool(args.get("replace")),
    )


def appliance_lines(request: Request, args: Mapping[str, Any]) -> list[str]:
    """Return the lines of the plan of an appliance image. Raises `UsageError`, `NotFound`, `InvalidInput`."""
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
        lines += _content(request)
    if args.get("driver") == "auroraboot":
        drivers.check_auroraboot(_path(args.get("driver_path")))
        if not args.get("user_data") or not Path(args["user_data"]).is_file():
            raise UsageError("AuroraBoot needs a user-data for the ISO.", "Give it with --user-data FILE.")
        lines.append(f"Then AuroraBoot makes an ISO of it in {args.get('out')}.")
    return lines


async def tree_lines(request: TreeRequest) -> list[str]:
    """Return the lines of the plan of a tree. Raises `InvalidDocument` with everything that is wrong in its parts."""
    kubernetes = request.name.kubernetes
    result = await asyncio.to_thread(tree.check, request)
    lines = [f"Pushes: {request.name.reference}"]
    if result.files:
        counts = {folder: sum(file.name.startswith(f"{folder}/") for file in result.files) for folder in ("bin", "cni")}
        lines.append(
            f"Puts in: {kubernetes.distribution} {kubernetes.full}, {amount(counts['bin'], 'program')}, "
            f"{amount(counts['cni'], 'CNI plug-in')}, {amount(len(result.images), 'image')}"
        )
        requirements = tree_parts.host_requirements(kubernetes, result.libraries)
        lines += ["Hosts must have:", *(f"  {line}" for line in tree_parts.lines_of(requirements))]
    else:
        lines.append("The images come from URLs: all parts are checked when they are here.")
    return [*lines, *(f"note: {note}" for note in result.notes)]


def last_lines(request: Request | TreeRequest, args: Mapping[str, Any]) -> list[str]:
    """Return the lines about signature and tag. Raises `NotFound` for a key that is not there."""
    key = args.get("sign_key")
    if key and not Path(key).is_file():
        raise NotFound(f"There is no key {key}.", "Make one with: cosign generate-key-pair")
    lines = [f"Signs with {key}." if key else "Does not sign it (no --sign-key)."]
    return [*lines, "If the tag exists, it will mean the new image."] if request.replace else lines


def _content(request: Request) -> list[str]:
    """Return what goes into an appliance image."""
    kubernetes = request.name.kubernetes
    lines = [f"Puts in: {kubernetes.distribution} {kubernetes.full} from {request.binaries or 'what is named below'}"]
    if request.tree:
        lines.append(f"  the Kubernetes tree {request.tree}")
    lines += [f"  images from {where}" for where in request.images]
    if request.containerfile is not None:
        lines.append(f"  what {request.containerfile} does to the base, run by buildah")
    if request.overlay is not None:
        lines.append(f"  the files of {request.overlay}")
    return [*lines, f"  the three files of an A/B slot: {', '.join(kinds.SLOT_FILES)}"]


def _path(text: Any) -> Path | None:
    return Path(text) if text else None
