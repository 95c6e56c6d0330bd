"""The verb that builds what an answer file describes, headless."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class Apply(Command):
    """Build what an answer file describes, or make the plane's profiles what a directory has; without questions.

    `edgewright apply --example` prints a commented file to begin from, `--example KIND` that of another kind.
    Everything that is wrong in a file is reported in one run. With --detach the build continues in the background
    and `edgewright build` shows it. A directory with a profile.yaml, or of such directories, is compared with the plane
    of the context: a version that is new is created, another content changes it, the same content changes nothing.
    """

    name = "apply"
    implementation = "installer.apply"
    title = "apply"
    params = (
        Param("example_kind", "with --example: the kind of the file", metavar="KIND"),
        Param("file", "answer file, or directory of cluster profiles", flag="-f", kind="file", metavar="PATH"),
        Param("example", "print a commented answer file and do nothing", flag="--example", kind="flag"),
        Param("force", "replace what is there under the same name", flag="--force", kind="flag"),
        Param("detach", "continue in the background and print the build's id", flag="--detach", kind="flag"),
        Param("publish", "publish the profiles of the directory", flag="--publish", kind="flag"),
        Param("build", "write the progress into this build (the console does that)", flag="--build", metavar="ID"),
    )
    online = False
    console = False
    shows_progress = True


COMMANDS: tuple[type[Command], ...] = (Apply,)
