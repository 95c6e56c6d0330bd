"""`site recording`: what shells on hosts showed."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class SiteRecordingList(Command):
    """List the recordings of shells on hosts, newest first: when, which host, how long, how large.

    They are files of this machine alone (mode 0600), in the recordings folder of the state folder, as asciicast v2.
    """

    name = "site recording list"
    implementation = "site.shells.recordings"
    title = "recordings"
    online = False
    console = False
    params = (Param("host", "only those of this host", metavar="HOST"),)


class SiteRecordingShow(Command):
    """Print what a recording shows as plain text, without colours and cursor movements: to read and to search."""

    name = "site recording show"
    implementation = "site.shells.recordings"
    title = "show recording"
    online = False
    console = False
    outputs = ("table",)
    params = (Param("recording", "name of the list, or a file", required=True, metavar="RECORDING"),)


class SiteRecordingPlay(Command):
    """Play a recording in this terminal, as it was; pauses are at most 2 s. Ctrl-C ends it; asciinema plays it, too."""

    name = "site recording play"
    implementation = "site.shells.recordings"
    title = "play recording"
    online = False
    console = False
    outputs = ("table",)
    params = (
        Param("recording", "name of the list, or a file", required=True, metavar="RECORDING"),
        Param("speed", "how many times faster, e.g. 2", "--speed", metavar="TIMES", default="1"),
    )


COMMANDS: tuple[type[Command], ...] = (SiteRecordingList, SiteRecordingShow, SiteRecordingPlay)
