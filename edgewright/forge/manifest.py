"""The manifest beside an installer: what went in, what was checked, whether it was seen to boot and register."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from edgewright.core.errors import Failed, NotFound
from edgewright.core.times import now, rfc3339

Manifest = dict[str, Any]
Label = Literal["unproven", "checked", "proven"]

SUFFIX = ".manifest.json"
LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest that are read; ours are a few kB."""


def manifest_path(iso: Path) -> Path:
    """Return where the manifest of an ISO is: `OUT.iso.manifest.json`."""
    return iso.with_name(iso.name + SUFFIX)


def read_manifest(iso: Path) -> Manifest | None:
    """Return the manifest beside an ISO; None when there is none or it cannot be read as one."""
    try:
        with manifest_path(iso).open("rb") as file:
            document = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("kind") != "InstallerManifest":
        return None
    for part in ("iso", "base", "userData"):
        if not isinstance(document.get(part), dict):
            document[part] = {}  # written by another hand: what is missing is empty, never an error
    return document


def write_manifest(iso: Path, manifest: Manifest) -> Path:
    """Write the manifest beside its ISO, completely or not at all, and return its path. Raises `Failed`."""
    target = manifest_path(iso)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Failed(f"{target} cannot be written: {error.strerror}.", "The ISO itself is complete.") from None
    return target


def label_of(manifest: Manifest | None, sha256: str = "") -> Label:
    """Return how sure one may be of an ISO.

    A proof counts only for the very bytes that were booted: `sha256` (of the file as it is now; empty: as the manifest
    has it) must be the proof's. *checked* wants every check passed and a user-data check among them.
    """
    if manifest is None:
        return "unproven"
    iso = manifest.get("iso")
    recorded = str(iso.get("sha256", "")) if isinstance(iso, dict) else ""
    if not recorded or (sha256 and sha256 != recorded):
        return "unproven"
    proof = manifest.get("proof")
    proof = proof if isinstance(proof, dict) else {}
    seen = proof.get("ok") is True and proof.get("until", "registered") == "registered"
    if seen and proof.get("isoSha256") == recorded:
        return "proven"
    checks = manifest.get("checks")
    if not isinstance(checks, list) or not all(isinstance(c, dict) and c.get("ok") is True for c in checks):
        return "unproven"
    return "checked" if any(check["name"] == "user-data" for check in checks if "name" in check) else "unproven"


def with_proof(iso: Path, proof: dict[str, Any], sha256: str = "") -> Manifest:
    """Add what a boot showed to the manifest of `iso` and return it; `sha256` is that of the bytes that were booted.

    Raises `NotFound` when the ISO has no manifest, and `Failed` when it cannot be written.
    """
    manifest = read_manifest(iso)
    if manifest is None:
        raise NotFound(f"{iso} has no manifest.", "Make it with `edgewright forge iso`.", "NoManifest")
    booted = sha256 or str(manifest.get("iso", {}).get("sha256", ""))
    manifest["proof"] = {"provedAt": rfc3339(now()), **proof, "isoSha256": booted}
    manifest["label"] = label_of(manifest)
    write_manifest(iso, manifest)
    return manifest
