"""Verbs of the Installers screen: builds with their proof, the wizard, and what is done to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from edgewright.commands.kernel.base import Command, Outcome, Plan, Scope, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.forge.builds.record import Build


class Shown(NamedTuple):
    """A build with the manifest of what it made (None: there is none) and the size of the file in bytes."""

    build: Build
    manifest: dict[str, Any] | None = None
    size: int | None = None


def look() -> list[Shown]:
    """Return all builds with their manifests, the newest first; files only, call it in a thread."""
    from edgewright.forge.builds import list_builds
    from edgewright.forge.manifest import read_manifest

    found = []
    for build in list_builds():
        iso = build.iso
        try:
            size = iso.stat().st_size if iso is not None else None
        except OSError:
            size = None
        found.append(Shown(build, read_manifest(iso) if iso is not None else None, size))
    return found


class InstallerNew(Command):
    """Make an installer: a question a page, a preview of the file, and nothing is built before you confirm it."""

    name = "installer new"
    title = "new"
    keys = ("+",)
    aliases = ("installer", "wizard")
    scope: ClassVar[Scope] = "installers"
    opens = "installer-new"
    online = False
    cli = False
    no_cli = "The command line has apply -f with an answer file."


class BuildAgain(Command):
    """Open the wizard with the answers of a build: nothing is built before you confirm it."""

    name = "build again"
    key_id = "installer-again"
    aliases = ("installer again",)
    title = "again"
    keys = ("r",)
    scope: ClassVar[Scope] = "installers"
    target = Target("build", 1, 1)
    opens = "installer-new"
    online = False
    cli = False
    no_cli = "The command line has apply -f with the answers of the build."


class BuildVerify(Command):
    """Boot what a build made in a machine here and watch it register; it continues when the console is closed."""

    name = "build verify"
    key_id = "installer-verify"
    aliases = ("installer verify",)
    title = "verify"
    keys = ("v",)
    scope: ClassVar[Scope] = "installers"
    target = Target("build", 1, 1)
    danger = "write"
    online = False
    cli = False
    no_cli = "The command line has forge verify."

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is booted. Raises `NotFound`, and `Conflict` for a build that made no ISO."""
        from edgewright.core.errors import Conflict
        from edgewright.forge.builds import find
        from edgewright.forge.iso.modes import modes_of, to_verify, verify_line
        from edgewright.forge.manifest import read_manifest

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
        import asyncio
        import shlex

        from edgewright.forge.builds import start

        build: Build = plan.payload
        words = shlex.split(plan.cli)[1:]
        begun = await asyncio.to_thread(start, "verify", build.name, words)
        return Outcome(plan.touches, (), f"The proof of {build.name} runs as build {begun}.")


COMMANDS: tuple[type[Command], ...] = (InstallerNew, BuildAgain, BuildVerify)
