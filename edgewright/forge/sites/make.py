"""The installers of a plan: a seed ISO or a complete ISO for each site, and an index with their hashes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core.cloudconfig.check import check
from edgewright.core.cloudconfig.findings import ERROR, Finding
from edgewright.core.cloudconfig.merge import merge
from edgewright.core.errors import Conflict, Failed
from edgewright.core.times import now, rfc3339
from edgewright.forge.iso.cidata import cidata_bytes, make_cidata
from edgewright.forge.iso.facts import Check
from edgewright.forge.iso.partfile import sync_folder
from edgewright.forge.iso.write import make_iso
from edgewright.forge.manifest import read_manifest
from edgewright.forge.progress import Job
from edgewright.forge.sites.overlay import overlay
from edgewright.forge.sites.rows import Plan, Site, file_name
from edgewright.forge.userdata.text import dump

INDEX = "sites.json"


class Made(NamedTuple):
    """One site's installer; `kept` when the same file was there already."""

    site: Site
    file: Path
    size: int
    sha256: str
    user_data_sha256: str
    unchanged: bool


def merged(base: Mapping[str, Any], site: Site) -> dict[str, Any]:
    """Return the user-data that the site's box will have: the common one with the site's laid over it."""
    return merge([("common", base), (site.name, overlay(site))]).document


def check_sites(base: Mapping[str, Any], plan: Plan, *, profile: str = "palette") -> list[Finding]:
    """Return what is wrong with the plan, then with each site's user-data, naming the row.

    What is wrong with the common user-data is the same for every site and is shown once.
    """
    matches = list(plan.findings)
    common = {(f.path, f.message) for f in check(base, profile=profile, now=now())}
    messages: set[tuple[str, str]] = set()
    wrong = {finding.line for finding in plan.findings if finding.severity == ERROR}
    for site in plan.sites:
        if site.line in wrong:
            continue  # its user-data would report the same again
        for finding in check(merged(base, site), profile=profile, now=now()):
            key = (finding.path, finding.message)
            if key in common:
                if key not in messages:
                    messages.add(key)
                    matches.append(finding._replace(message=f"Every site: {finding.message}"))
                continue
            message = f"{site.place[0].upper()}{site.place[1:]}: {finding.message}"
            matches.append(finding._replace(message=message, line=site.line))
    return matches


def target(site: Site, out: Path, *, complete: bool) -> Path:
    """Return the file of a site: `NAME.iso`, or `NAME-cidata.iso` for a seed."""
    return out / (file_name(site.name) + (".iso" if complete else "-cidata.iso"))


def make_seeds(plan: Plan, out: Path, job: Job) -> list[Made]:
    """Write a seed ISO with each site's own keys. Raises `Conflict` before anything is written, and `Failed`."""
    texts = {site.row: dump(overlay(site)).encode() for site in plan.sites}
    for site in plan.sites:
        file = target(site, out, complete=False)
        if file.exists() and not _contains(file, cidata_bytes(texts[site.row], _meta(site))):
            raise Conflict(f"{file} is there already and contains something else.", "Give another folder.")
    made = []
    job.step("writing the seed ISOs", "steps")
    for number, site in enumerate(plan.sites, 1):
        file = target(site, out, complete=False)
        stored = file.exists()
        sha256 = make_cidata(file, texts[site.row], _meta(site), sync=False)
        digest = hashlib.sha256(texts[site.row]).hexdigest()
        made.append(Made(site, file, file.stat().st_size, sha256, digest, stored))
        job.at(number, len(plan.sites))
    return made


def make_isos(
    plan: Plan, base: Path, common: Mapping[str, Any], out: Path, job: Job, *, checks: Sequence[Check] = ()
) -> list[Made]:
    """Write a complete ISO for each site. Raises as `make_iso`; sites done before an error stay, each is complete."""
    texts = {site.row: dump(merged(common, site)).encode() for site in plan.sites}
    done: dict[int, Made] = {}
    for site in plan.sites:
        file = target(site, out, complete=True)
        if file.exists():
            stored = _same(file, texts[site.row], base)
            if stored is None:
                raise Conflict(f"{file} is there already and is another installer.", "Give another folder.")
            done[site.row] = stored._replace(site=site)
    for number, site in enumerate(plan.sites, 1):
        if site.row in done:
            continue
        job.step(f"site {number} of {len(plan.sites)}: {site.name}", "steps")
        file = target(site, out, complete=True)
        manifest = make_iso(base, texts[site.row], file, job, name=site.name, checks=checks)
        iso, digest = manifest["iso"], manifest["userData"]["sha256"]
        done[site.row] = Made(site, file, iso["size"], iso["sha256"], digest, False)
    return [done[site.row] for site in plan.sites]


def write_index(out: Path, plan_file: Path, made: Sequence[Made], *, complete: bool, base: Path | None) -> Path:
    """Write `sites.json`: which file is for which site, with hashes. Raises `Conflict` for a file that is not ours."""
    path = out / INDEX
    if path.exists():
        try:
            ours = json.loads(path.read_bytes()).get("kind") == "SiteInstallers"
        except (OSError, ValueError, AttributeError):
            ours = False
        if not ours:
            raise Conflict(f"{path} is there already and is not an index of sites.", "Give another folder.")
    document = {
        "apiVersion": "edgewright/v1",
        "kind": "SiteInstallers",
        "createdAt": rfc3339(now()),
        "plan": {"file": plan_file.name, "sha256": hashlib.sha256(plan_file.read_bytes()).hexdigest()},
        "base": base.name if base else "",
        "method": "iso" if complete else "cidata",
        "sites": [
            {
                "name": item.site.name,
                "hostName": item.site.hostname,
                "address": item.site.address or "dhcp",
                "row": item.site.row,
                "file": item.file.name,
                "size": item.size,
                "sha256": item.sha256,
                "userDataSha256": item.user_data_sha256,
            }
            for item in made
        ],
    }
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Failed(
            f"{path} cannot be written: {error.strerror}.", "The installers themselves are complete."
        ) from None
    return path


def _meta(site: Site) -> bytes:
    return f"instance-id: {site.name}\nlocal-hostname: {site.hostname}\n".encode()


def _contains(file: Path, data: bytes) -> bool:
    return file.is_file() and file.stat().st_size == len(data) and file.read_bytes() == data


def _same(file: Path, user_data: bytes, base: Path) -> Made | None:
    """Return what is known of an ISO that is there, when its manifest shows that it is the one wanted."""
    manifest = read_manifest(file)
    if manifest is None:
        return None
    iso, origin, reported = manifest.get("iso", {}), manifest.get("base", {}), manifest.get("userData", {})
    digest = hashlib.sha256(user_data).hexdigest()
    same = reported.get("sha256") == digest and iso.get("size") == file.stat().st_size
    if not same or origin.get("file") != base.name or origin.get("size") != base.stat().st_size:
        return None
    return Made(
        Site(0, 0, "", "", "", "", "", (), None, None, "", (), {}, {}), file, iso["size"], iso["sha256"], digest, True
    )
