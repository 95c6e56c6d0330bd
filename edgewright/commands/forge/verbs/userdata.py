"""Verbs about user-data files: new, check, show, merge."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param

_PROFILE = Param(
    "profile", "whose rules it follows", flag="--profile", choices=("palette", "kairos"), default="palette"
)
_FORCE = Param("force", "replace the file when it is there", flag="--force", kind="flag")


class ForgeUserDataNew(Command):
    """Begin a user-data file with what you give it; every other choice is in it as a comment with its explanation.

    `key=@FILE` takes the text of a file: use it for tokens and passwords, which do not belong on a command line.
    With --from an existing file is changed instead, its comments preserved; that works for CanvOS's .arg as well.
    """

    name = "forge user-data new"
    implementation = "forge.userdata"
    title = "new user-data"
    params = (
        Param("values", "keys to set, by path or name (token=@FILE)", many=True, metavar="KEY=VALUE"),
        _PROFILE,
        Param(
            "ssh_keys",
            "SSH key that the plane stores, by name, for the first user, or for USER (repeat)",
            flag="--ssh-key",
            many=True,
            metavar="[USER=]KEY",
        ),
        Param("out", "file to write, readable by you alone", flag="--out", kind="file", metavar="FILE"),
        Param("start", "file to change, user-data or .arg; its comments stay", flag="--from", kind="file"),
        Param("all", "list every key as a comment, not the usual ones alone", flag="--all", kind="flag"),
        Param("canvos_arg", "begin CanvOS's .arg instead", flag="--canvos-arg", kind="flag"),
        _FORCE,
    )
    online = False
    console = False


class ForgeUserDataCheck(Command):
    """Check user-data or CanvOS's .arg: shape, values, and what plane and network report; exit code 7 with an error.

    It works without a plane. The token is looked up at the plane of your context when that is the plane of the file;
    what could not be asked is reported as `not checked`, and never taken for fine.
    """

    name = "forge user-data check"
    implementation = "forge.userdata"
    title = "check user-data"
    params = (
        Param("files", "user-data or .arg files (- for stdin)", required=True, many=True, metavar="FILE", kind="file"),
        Param("offline", "ask neither plane nor network", flag="--offline", kind="flag"),
        _PROFILE,
        Param("site_plan", "the files are sites of one plan: find what clashes", flag="--site-plan", kind="flag"),
        Param("over", "user-data of the installer that the files lie over (cidata)", flag="--over", kind="file"),
        Param("quiet", "leave notes out", flag="--no-notes", kind="flag"),
    )
    online = False
    console = False
    outputs = ("table", "json", "yaml", "name")


class ForgeUserDataShow(Command):
    """Explain a key of user-data or .arg, list them all, or show a file with its secrets covered.

    Without words every key is listed. `show stylus.site`, `show edgeHostToken`, `show K8S_VERSION` explain one.
    """

    name = "forge user-data show"
    implementation = "forge.userdata"
    title = "show user-data"
    params = (
        Param("what", "a key, or a file", metavar="KEY|FILE"),
        _PROFILE,
    )
    online = False
    console = False


class ForgeUserDataMerge(Command):
    """Merge user-data as a host does (installer, site, first-boot screens): show what wins over what.

    Later files win; lists of maps are put behind each other, lists of plain values are joined. With -o FILE the result
    is written, readable by you alone.
    """

    name = "forge user-data merge"
    implementation = "forge.userdata"
    title = "merge user-data"
    params = (
        Param("staging", "user-data of the installer", required=True, kind="file", metavar="STAGING"),
        Param("site", "user-data of the site (cidata)", required=True, kind="file", metavar="SITE"),
        Param("tui", "what was set in the first-boot screens", kind="file", metavar="TUI"),
        Param("out", "file for the result", flag="--out", kind="file", metavar="FILE"),
        _FORCE,
        _PROFILE,
    )
    online = False
    console = False


COMMANDS: tuple[type[Command], ...] = (*(ForgeUserDataNew, ForgeUserDataCheck, ForgeUserDataShow, ForgeUserDataMerge),)
