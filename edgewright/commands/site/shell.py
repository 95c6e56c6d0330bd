"""Action: a shell on a host over the connection that is open, recorded, and shown where the console wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from edgewright.clients.ssh.threads import in_thread
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site import open_verbs as declared
from edgewright.commands.site.shells.recorder import Recorder
from edgewright.commands.site.shells.session import HostShell, Remote
from edgewright.config.locations import shown
from edgewright.core.errors import Unreachable, UsageError
from edgewright.core.text import clean


class Front(Protocol):
    """Where a shell is shown."""

    term: str
    """What the host takes it for (`TERM`)."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""

    def begin(self, shell: HostShell) -> None:
        """Show the shell: set its `show`, and send it what is typed."""

    def not_recorded(self, problem: str) -> None:
        """Show that it is not recorded, or not any more; called from any thread."""


class SiteShell(declared.SiteShell):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the host. Raises `UsageError` without a site that is open."""
        site = args.get("site")
        if site is None:
            raise UsageError("A shell is on a site that is open.", "Open one first: :site open TARGET")
        line = f"a shell as {clean(site.reached.user if site.reached else '-', 80)}, recorded"
        return Plan(f"Shell on {clean(site.name, 80)}", (line,), (site.target,), (), f"ssh {clean(site.target, 400)}")

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Run it until it ends. Raises `Unreachable` when the connection breaks; the note of either is journalled."""
        site, front = args["site"], args["front"]
        connection = await site.use()
        columns, rows = front.size
        remote = await connection.open_terminal(front.term, columns, rows)
        name = clean(site.name, 80)
        recorder = await self._record(site.target, name, front, (columns, rows), remote)
        shell = HostShell(remote, recorder, name, (columns, rows))
        try:
            front.begin(shell)
            await shell.run()
            if not connection.alive:
                raise Unreachable(f"The connection to {site.target} broke.", "", "ConnectionLost")
        except Exception as error:
            await in_thread(recorder.close, "recording-end")
            error.add_note(_note(shell))
            raise
        except BaseException as error:  # the console ends, or the page is left: there is no time to wait
            recorder.close()
            error.add_note(_note(shell))
            raise
        await in_thread(recorder.close, "recording-end")
        where = f" Recorded in {shown(recorder.path)}." if recorder.path is not None else " It was not recorded."
        return Outcome(plan.touches, (), f"The shell on {name} has ended.{where}", facts=_facts(shell))

    async def _record(self, target: str, name: str, front: Front, size: tuple[int, int], remote: Remote) -> Recorder:
        """Return the recording, made in a thread: a home on a share that is away must not stop the console."""
        left: list[bool] = []

        def make() -> Recorder:
            made = Recorder(target, f"Shell on {name}", front.term, *size, ended=front.not_recorded)
            if left:
                made.close()
            return made

        try:
            return await in_thread(make, "recording-begin")
        except BaseException:
            left.append(True)
            await remote.aclose()
            raise


def _facts(shell: HostShell) -> dict[str, Any]:
    """Return what the journal has of a shell beside its begin and end."""
    recorder = shell.recorder
    facts: dict[str, Any] = {"bytesReceived": shell.received, "bytesTyped": shell.sent}
    if recorder.path is not None:
        facts |= {"recording": str(recorder.path), "recordingBytes": recorder.written, "masked": recorder.masked}
    return facts | ({"notRecorded": recorder.problem} if recorder.problem else {})


def _note(shell: HostShell) -> str:
    """Return the same for a shell that failed, as one line."""
    return ", ".join(f"{name} {value}" for name, value in _facts(shell).items())
