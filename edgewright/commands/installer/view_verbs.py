"""Verbs of the Installers screen: builds with their proof, the wizard, and what is done to one of them."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Command, Scope, Target


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
    implementation = "installer.view"
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


COMMANDS: tuple[type[Command], ...] = (InstallerNew, BuildAgain, BuildVerify)
