"""Actions: verbs of the Installers screen: builds with their proof, the wizard, and what is done to one of them."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.commands.installer import view_verbs as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.core.errors import Conflict
from edgewright.forge.builds import find, list_builds, start
from edgewright.forge.builds.record import Build
from edgewright.forge.iso.modes import modes_of, to_verify, verify_line
from edgewright.forge.manifest import read_manifest


class Shown(NamedTuple):
    """A build with the manifest of what it made (None: there is none) and the size of the file in bytes."""

    build: Build
    manifest: dict[str, Any] | None = None
    size: int | None = None


def look() -> list[Shown]:
    """Return all builds with their manifests, the newest first; files only, call it in a thread."""
    matches = []
    for build in list_builds():
        iso = build.iso
        try:
            size = iso.stat().st_size if iso is not None else None
        except OSError:
            size = None
        matches.append(Shown(build, read_manifest(iso) if iso is not None else None, size))
    return matches


class BuildVerify(declared.BuildVerify):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is booted. Raises `NotFound`, and `Conflict` for a build that made no ISO."""
        build = find(targets[0])
        if build.state != "done" or build.iso is None or not build.iso.is_file():
            raise Conflict(f"Build {build.id} has no ISO to boot.", "Choose one that is done.", "NoIso")
        boots = modes_of(read_manifest(build.iso) or {})
        firmware, medium = to_verify(boots)[0].split(" from ")
        lines = (
            f"Boots {build.iso.name} by {firmware} from {medium} in QEMU, until it is seen to register.",
            "A token for one day and a host proof-... are made at the plane of its user-data, and both are deleted.",
            "It takes minutes and continues when the console is closed; the answer goes into the manifest.",
        )
        cli = verify_line(build.iso, boots)
        return Plan(f"Boot {build.name} and watch it register", lines, (build.id,), (), cli, None, build)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Begin the proof in a process of its own. Raises `Failed`."""
        build: Build = plan.payload
        parts = shlex.split(plan.cli)[1:]
        begun = await asyncio.to_thread(start, "verify", build.name, parts)
        return Outcome(plan.touches, (), f"The proof of {build.name} runs as build {begun}.")
