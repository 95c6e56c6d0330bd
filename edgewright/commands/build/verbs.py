"""Verbs about builds: which run, which are done, what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from edgewright.commands.kernel.base import Allowed, Command, Param, Refusal, Scope, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgewright.commands.kernel.context import CommandContext


class _Build(Command):
    """What these verbs share: builds of this machine, without a plane. `edgewright build` was their name in 0.1.0."""

    online = False
    scope: ClassVar[Scope] = "installers"


class BuildList(_Build):
    """List builds, the newest first: running ones with rate and time left, done ones with their proof."""

    name = "build list"
    implementation = "build.actions"
    key_id = "installer-list"
    title = "installers"
    keys = ("6",)
    aliases = ("installers", "builds", "build", "installer list")
    scope: ClassVar[Scope] = "global"
    opens = "installers"


class BuildShow(_Build):
    """Show one build: state, step, what it made, how it was checked, and what went wrong."""

    name = "build show"
    implementation = "build.actions"
    key_id = "installer-show"
    title = "open"
    keys = ("d",)
    aliases = ("installer show",)
    opens = "installer"
    target = Target("build", 1, 1)


class BuildLog(_Build):
    """Print the log of a build; --follow stays until it ends."""

    name = "build log"
    implementation = "build.actions"
    key_id = "installer-log"
    title = "log"
    keys = ("l",)
    aliases = ("installer log",)
    opens = "installer-log"
    target = Target("build", 1, 1)
    params = (
        Param("follow", "continue until the build ends", flag="--follow", kind="flag"),
        Param("lines", "how many of the last lines", flag="--lines", kind="int", default=200, metavar="N"),
    )


class BuildRun(_Build):
    """Run the command stored with a queued build, in this process; the console starts builds like this."""

    name = "build run"
    implementation = "build.actions"
    title = "run"
    console = False
    target = Target("build", 1, 1)


class BuildCancel(_Build):
    """Stop a build; its partial files are removed."""

    name = "build cancel"
    implementation = "build.actions"
    key_id = "installer-cancel"
    title = "stop"
    keys = ("x",)
    aliases = ("installer cancel",)
    target = Target("build", 1, 1)
    danger = "destructive"


class BuildDelete(_Build):
    """Forget a build that has ended: its record, log and answers; the installer that it made stays."""

    name = "build delete"
    implementation = "build.actions"
    key_id = "installer-delete"
    title = "forget"
    keys = ("ctrl+d",)
    aliases = ("installer delete",)
    target = Target("build")
    danger = "destructive"

    def check(self, ctx: CommandContext, targets: Sequence[str]) -> Allowed | Refusal:
        """Refuse nothing more: whether it has ended is looked at when the plan is made."""
        return Allowed()


COMMANDS: tuple[type[Command], ...] = (BuildList, BuildShow, BuildLog, BuildRun, BuildCancel, BuildDelete)
