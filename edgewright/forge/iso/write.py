"""A new installer ISO from a base, user-data and what goes with it; never in place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright import __version__
from edgewright.core.cloudconfig.userdata import site_of
from edgewright.core.errors import Conflict, Failed, InvalidInput, NotFound, Refused
from edgewright.core.times import now, rfc3339
from edgewright.forge.iso import methods, xorriso
from edgewright.forge.iso.configs import LARGEST, has_header, target_of
from edgewright.forge.iso.extras import pieces_of
from edgewright.forge.iso.facts import Base, Check
from edgewright.forge.iso.formats import ANOTHER, hint_for
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.partfile import PartFile, drop_stale
from edgewright.forge.iso.verify import verify_iso
from edgewright.forge.manifest import Manifest, label_of, write_manifest
from edgewright.forge.progress import Job
from edgewright.yamltext.encoding import decode
from edgewright.yamltext.reader import read


def make_iso(
    base: Path,
    user_data: bytes,
    out: Path,
    job: Job,
    *,
    content: Sequence[Path] = (),
    cluster_definition: Path | None = None,
    edge_custom_config: Path | None = None,
    force: bool = False,
    name: str = "",
    token_uid: str = "",
    checks: Sequence[Check] = (),
    any_base: bool = False,
) -> Manifest:
    """Write `out` (0600, it contains the user-data's secrets) and its manifest, verified, and return the manifest.

    `content` are folders with content bundles (`*.zst`), `checks` what was found before (the user-data check).
    `any_base` takes a base whose installer is not known to read user-data; the manifest then has a check `base` that
    failed, so that the ISO stays *unproven* until it was seen to register. Raises `InvalidInput` for a base that cannot
    be used, `Conflict` when `out` is there and `force` is not set, `Refused` when it is the base itself, `Failed` for a
    full disk or an ISO that does not contain what it should, `Cancelled`.
    """
    check_out(base, out, force=force)
    drop_stale(out)
    check_user_data(user_data)
    pieces = pieces_of(content, cluster_definition, edge_custom_config)
    job.step("looking at the base", "steps")
    known = identify(base)
    check_base(known, any_base=any_base)
    quick = methods.fits_placeholder(known, user_data, pieces)
    if not quick:
        xorriso.version()  # before anything is written: it may not be there
    added = 0 if quick else sum(piece.length for piece in pieces) + methods.SLACK
    job.step("writing the ISO")
    with PartFile(out, known.size + added) as part:
        if quick:
            hashes = {base: methods.overwrite(known, user_data, part, job)}
        else:
            hashes = methods.rewrite(known, user_data, pieces, part, job)
        job.step("verifying the ISO", "steps")
        part.flush()
        result = verify_iso(part.path, user_data, known, pieces)
        wrong = [check for check in result if not check.ok]
        if wrong:
            reported = "; ".join(f"{check.name}: {check.detail}" for check in wrong)
            raise Failed(
                f"The new ISO is not as it should be: {reported}.", "It was removed. Take another base.", "Verify"
            )
        made = identify(part.path, look_inside=False)
        sha256, size = part.hashing.hexdigest(), part.written
        job.check()
        part.commit()
    inputs = [_input("user-data", "", hashlib.sha256(user_data).hexdigest(), len(user_data))]
    for piece in pieces:
        if not piece.offset:  # of a bundle in parts its first represents all
            length = sum(part.length for part in pieces if part.source == piece.source)
            inputs.append(_input(piece.kind, piece.source.name, hashes[piece.source], length))
    manifest: Manifest = {
        "apiVersion": "edgewright/v1",
        "kind": "InstallerManifest",
        "name": name or out.stem,
        "createdAt": rfc3339(now()),
        "iso": {
            "file": out.name,
            "size": size,
            "sha256": sha256,
            "volumeId": known.volume_id,
            "boots": list(made.boot_modes),
        },
        "base": _base(known, hashes[base]),
        "userData": {"path": target_of(known.configs), **describe(user_data, token_uid)},
        "inputs": inputs,
        "tools": {"edgewright": __version__, **({} if quick else {"xorriso": xorriso.version()})},
        "method": "placeholder" if quick else "rewrite",
        "removed": [config.path for config in known.configs if config.path != target_of(known.configs)],
        "checks": [check._asdict() for check in (*checks, *_foreign(known), *result)],
        "label": "unproven",
        "proof": None,
    }
    manifest["label"] = label_of(manifest)
    write_manifest(out, manifest)
    return manifest


def check_base(base: Base, *, any_base: bool = False) -> None:
    """Raise `InvalidInput` for a base that no installer can be made of, or whose installer reads no user-data."""
    if base.refuse and (any_base or not base.foreign):
        raise InvalidInput(base.refuse, hint_for(base.path), "BaseRefused")
    if base.foreign and not any_base:
        insist = "" if base.refuse else " To insist: edgewright forge iso --any-base"
        raise InvalidInput(base.foreign, f"{ANOTHER}{insist}", "BaseForeign")


def check_out(base: Path, out: Path, *, force: bool) -> None:
    """Raise when `out` may not be written: it is the base, it is there already, its folder is not."""
    if not out.parent.is_dir():
        raise NotFound(f"There is no folder {out.parent}.", "Make it, or give another place with -o.", "NoFolder")
    if out.exists():
        if base.exists() and out.samefile(base):
            raise Refused(f"{out} is the base itself, which is never changed.", "Give another name with -o.", "InPlace")
        if not out.is_file():
            raise Refused(f"{out} is not an ordinary file.", "Write an ISO to a disk with: edgewright forge flash")
        if not force:
            raise Conflict(f"{out} is there already.", "Give another name with -o, or --force to replace it.")


def check_user_data(user_data: bytes) -> None:
    """Raise `InvalidInput` for user-data that an installer would silently pass over."""
    if not has_header(user_data):
        raise InvalidInput(
            "The user-data has no line #cloud-config at its top: an installer would pass over it.",
            "Make #cloud-config its first line.",
            "NoHeader",
        )
    if len(user_data) > LARGEST:
        raise InvalidInput(
            f"The user-data has {len(user_data)} bytes; installers pass over configs above 1 MB.",
            "Put large files into a content bundle.",
        )


def describe(user_data: bytes, token_uid: str = "") -> dict[str, Any]:
    """Return what the manifest contains about user-data: where it registers, as what; the token only by a digest."""
    reported: dict[str, Any] = {"sha256": hashlib.sha256(user_data).hexdigest()}
    try:
        document = read(decode(user_data)).document
        site = site_of(document)
    except InvalidInput:
        return reported
    token = hashlib.sha256(site.token.encode()).hexdigest()[:16] if site.token else ""
    return {
        **reported,
        "endpoint": site.endpoint,
        "project": site.project_name or site.project_uid,
        "hostName": site.host_name,
        "tokenUid": token_uid,
        "tokenDigest": token,
        "tags": site.tags,
        "disk": _disk(document),
    }


def _disk(document: Any) -> str:
    """Return the disk that the installer takes, `auto` for its own choice, "" where it waits for an operator."""
    install = document.get("install") if isinstance(document, Mapping) else None
    if not isinstance(install, Mapping):
        return ""
    return str(install.get("device") or "") or ("auto" if install.get("auto") is True else "")


def _foreign(base: Base) -> list[Check]:
    """Return the check that failed where the base was taken although its installer is another one."""
    return [Check("base", False, f"taken by --any-base: {base.foreign}")] if base.foreign else []


def _base(base: Base, sha256: str) -> dict[str, Any]:
    return {
        "file": base.path.name,
        "size": base.size,
        "sha256": sha256,
        "volumeId": base.volume_id,
        "os": base.os,
        "kairosRelease": base.kairos_release,
        "boots": list(base.boot_modes),
    }


def _input(kind: str, file: str, sha256: str, size: int) -> dict[str, Any]:
    return {"kind": kind, "file": file, "size": size, "sha256": sha256}
