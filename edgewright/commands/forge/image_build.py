"""What `forge image` does once its plan is made: builds (itself or by a driver), signs, writes what was asked for."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgewright.commands.kernel.base import Outcome
from edgewright.commands.kernel.results import Text
from edgewright.config import locations
from edgewright.core.errors import NotFound, UsageError
from edgewright.forge.image import build, drivers, kinds, pack, sign
from edgewright.forge.image.drivers import write_file
from edgewright.forge.progress import Job, size
from edgewright.forge.tree import parts as tree_parts
from edgewright.forge.tree import tree
from edgewright.oci.registry import Registry

__all__ = ["Job", "run", "run_tree"]


def signing_key(args: Mapping[str, Any]) -> Any:
    """Return the key to sign with, None for none. Raises `EdgewrightError`."""
    if not args.get("sign_key"):
        return None
    path = Path(args["sign_key"])
    return sign.load_key(path, lambda: password(path, args.get("sign_password_file")))


def run(request: build.Request, args: Mapping[str, Any], job: Job, report: Callable[[str], None]) -> Outcome:
    """Build what is wanted and return what to print. Raises `EdgewrightError`."""
    key = signing_key(args)
    reference = str(request.name.reference)
    if args.get("driver") == "canvos":
        document = _by_canvos(request, args, key, job, report)
    else:
        result = build.build(request, job, key=key, on_line=report)
        document = result.document
        if not args.get("for"):
            document["warnings"].append(kinds.NOTICE)
        if args.get("sbom"):
            write_file(Path(args["sbom"]), result.sbom)
            document["sbom"]["file"] = str(args["sbom"])
    if args.get("driver") == "auroraboot":
        program = drivers.check_auroraboot(Path(args["driver_path"]) if args.get("driver_path") else None)
        made = drivers.auroraboot(
            program, request.name, request.arch, Path(args["user_data"]), Path(args["out"]), job, report
        )
        document["artefacts"] = [item.document() for item in made]
    return Outcome((reference,), result=Text(image_text(document), document, reference), message=_end(document))


def run_tree(request: tree.TreeRequest, args: Mapping[str, Any], job: Job) -> Outcome:
    """Build a Kubernetes tree and return what to print. Raises `EdgewrightError`."""
    result = tree.build(request, job, key=signing_key(args))
    document, reference = result.document, str(request.name.reference)
    if args.get("sbom"):
        write_file(Path(args["sbom"]), result.sbom)
        document["sbom"]["file"] = str(args["sbom"])
    return Outcome((reference,), result=Text(tree_arguments(document), document, reference), message=_end(document))


def tree_arguments(document: Mapping[str, Any]) -> str:
    """Return what the user sees: the tree, its images, and what hosts must have."""
    kubernetes, pushed, bill = document["kubernetes"], document["pushed"], document["sbom"]
    folders = ", ".join(f"{layer['folder']} {size(layer['size'])}" for layer in document["layers"])
    sent = f"{pushed['sent']} blobs sent ({size(pushed['sentBytes'])}), {pushed['there']} there already"
    signature = document.get("signature")
    lines = [
        f"Tree        {document['reference']}",
        f"Digest      {document['digest']}",
        f"Kubernetes  {kubernetes['distribution']} {kubernetes['version']}, linux/{document['architecture']}",
        f"Size        {size(document['size'])} ({folders}): {sent}",
        f"SBOM        {bill['digest']}" + (f", also in {bill['file']}" if bill.get("file") else ""),
        f"Signature   {'tag ' + signature['tag'] if signature else 'none'}",
        *(f"Image       {image['ref']}" for image in document["images"]),
        *(f"Note        {warning}" for warning in document.get("warnings") or ()),
        "",
        "Hosts must have (in the tree as host-requirements.json):",
        "",
        *(f"  {line}" for line in tree_parts.lines_of(document["hostRequirements"])),
    ]
    return "\n".join(lines)


def image_text(document: Mapping[str, Any]) -> str:
    """Return what the user sees: the image, and the block for the profile."""
    base, kubernetes = document["base"], document["kubernetes"]
    lines = [
        f"Image       {document['reference']}",
        f"Digest      {document['digest']}",
        f"Base        {base['name']}" + (f" ({base['os']} {base['osVersion']})" if base.get("os") else ""),
        f"Kubernetes  {kubernetes['distribution']} {kubernetes['version']}",
    ]
    if document.get("tree"):
        tree = document["tree"]
        lines.append(f"Tree        {tree['reference']}  {size(tree['size'])}  {tree['digest']}")
    for file in (document.get("slot") or {}).get("files") or ():
        lines.append(
            f"Slot        {file['file']}  {size(file['size'])}  sha256 {file['sha256']}  from {file['source']}"
        )
    pushed, bill, signature = document.get("pushed"), document.get("sbom"), document.get("signature")
    if pushed:
        how = f"{pushed['sent']} blobs sent ({size(pushed['sentBytes'])})"
        how += f", {pushed['mounted']} mounted, {pushed['there']} there already"
        lines.append(f"Size        {size(document['size'])} in {document['layers']} layers: {how}")
    if bill:
        packages = f"{bill['packages']} packages of the base" if bill["packages"] else "packages of the base unknown"
        file = f", also in {bill['file']}" if bill.get("file") else ""
        lines.append(f"SBOM        {bill['digest']} ({packages}{file})")
    if signature:
        lines.append(f"Signature   tag {signature['tag']}" + ("" if signature["fresh"] else " (was there already)"))
    else:
        lines.append("Signature   none")
    for made in document.get("artefacts") or ():
        lines.append(f"Made        {made['file']}  {size(made['size'])}  sha256 {made['sha256']}")
    lines += [f"Note        {warning}" for warning in document.get("warnings") or ()]
    lines += ["", "For the profile's OS layer (BYOS Edge OS):", "", document["pack"].rstrip()]
    return "\n".join(lines)


def _end(document: Mapping[str, Any]) -> str:
    if document.get("signature"):
        return "Pushed and signed."
    return "Pushed; not signed."


def _by_canvos(
    request: build.Request, args: Mapping[str, Any], key: Any, job: Job, report: Callable[[str], None]
) -> dict[str, Any]:
    """Let CanvOS build and push it, then look at the registry whether it is there."""
    folder = drivers.check_canvos(Path(args["driver_path"]) if args.get("driver_path") else None)
    user_data = Path(args["user_data"]) if args.get("user_data") else None
    name, reference = request.name, request.name.reference
    values = drivers.args_of(name, request.arch, request.os, request.base)
    made = drivers.canvos(folder, name, values, user_data, job, report)
    signature = None
    with Registry(reference.registry, reference.repository, job, write=key is not None, ca=request.ca) as registry:
        digest = registry.digest(reference.tag, str(reference))
        if digest is None:
            raise NotFound(
                f"CanvOS and docker ended without an error, and {reference} is not at the registry.",
                "See their output.",
            )
        if key is not None:
            signature = sign.sign(registry, reference, digest, key)._asdict()
    system = request.os or ("ubuntu", "22.04")
    kubernetes = {"distribution": name.kubernetes.distribution, "version": name.kubernetes.full}
    return {
        "apiVersion": "edgewright/v1",
        "kind": "ProviderImage",
        "for": kinds.APPLIANCE,
        "reference": str(reference),
        "digest": digest,
        "architecture": request.arch,
        "driver": "canvos",
        "base": {"name": request.base, "os": system[0], "osVersion": system[1]},
        "kubernetes": kubernetes,
        "signature": signature,
        "artefacts": [item.document() for item in made],
        "pack": pack.block(name, *system),
    }


def password(key: Path, file: str | None) -> bytes:
    """Return the password of a key: from COSIGN_PASSWORD, a file, or a prompt. Raises `Failed`, `UsageError`."""
    if "COSIGN_PASSWORD" in os.environ:
        return os.environ["COSIGN_PASSWORD"].encode()
    if file:
        text = locations.read_private(Path(file))
        if text is None:
            raise NotFound(f"There is no file {file} with the password of {key}.", "Check --sign-password-file.")
        return text.rstrip("\r\n").encode()
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            f"The key {key} is encrypted, and there is no terminal to read its password.",
            "Set COSIGN_PASSWORD, or give --sign-password-file FILE.",
        )
    return getpass.getpass(f"Password of {key}: ").encode()
