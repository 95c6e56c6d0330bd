"""A change of the network settings on one host: begun, looked at, confirmed or taken back."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from edgewright.clients.ssh.network import change_scripts as scripts
from edgewright.clients.ssh.network.reading import pending_of, printed_values
from edgewright.clients.ssh.ports import CanRunScript, ScriptResult
from edgewright.core.errors import Conflict, EdgewrightError, Failed, InvalidInput
from edgewright.core.network.change import Change
from edgewright.core.network.settings import Pending
from edgewright.core.text import clean

BEGIN, ENDING, SHORT, LIMIT = 60.0, 60.0, 20.0, 65_536
"""Seconds for the beginning of a change over a slow link, for its end (it waits for the disk), and for a small script;
bytes of their output. `patience` of a function: seconds for its script where they are more."""


class HostChange(NamedTuple):
    """The state of a change on its host: the one that is there, and what became of the last one that ended."""

    pending: Pending | None
    last_run: str = ""
    last_end: str = ""
    """`confirmed`, `timer`, `undo`, `failed`, `boot`."""
    reason: str = ""

    def ended(self, run: str) -> str:
        """Return how a change ended, "" while it is there or where nothing is known of it."""
        return self.last_end if self.last_run == run and (self.pending is None or self.pending.run != run) else ""


def new_run() -> str:
    """Return the name of a change: 16 hex digits."""
    return secrets.token_hex(8)


async def begin(
    connection: CanRunScript, change: Change, run: str, who: str, within: int, root: str = "", patience: float = 0.0
) -> None:
    """Let the host save, arm and start a change; it is applied 1 s later.

    Raises `InvalidInput` for a time out of range, `Conflict` where another change is there, `Failed` where something
    could not be written: nothing is changed then.
    """
    if within not in scripts.WITHIN:
        raise InvalidInput(f"A change is confirmed within 20 s to 1 h, not {within} s.", "", "Within")
    script = scripts.begin(change, run, clean(who, 100), within, root)
    result = await connection.run_script(script, timeout=max(BEGIN, patience), limit=LIMIT, sudo=True)
    if result.status != 0 or b"begun" not in result.output:
        raise _error(result)


async def look(connection: CanRunScript, root: str = "", patience: float = 0.0) -> HostChange:
    """Return the state on the host now. Raises `EdgewrightError` where it does not answer."""
    script, seconds = scripts.status(root), max(SHORT, patience)
    result = await connection.run_script(script, timeout=seconds, limit=LIMIT, sudo=True)
    return _state(result)


async def confirm(connection: CanRunScript, run: str, root: str = "", patience: float = 0.0) -> HostChange:
    """Confirm a change. Raises `Conflict` where it was given back meanwhile, or is another one."""
    script, seconds = scripts.confirm(run, root), max(ENDING, patience)
    result = await connection.run_script(script, timeout=seconds, limit=LIMIT, sudo=True)
    if result.status != 0:
        raise _error(result)
    return _state(result)


async def give_back(connection: CanRunScript, run: str, root: str = "", patience: float = 0.0) -> None:
    """Let the host take a change back, 1 s later. Raises `Conflict` as `keep`."""
    script, seconds = scripts.give_back(run, root), max(ENDING, patience)
    result = await connection.run_script(script, timeout=seconds, limit=LIMIT, sudo=True)
    if result.status != 0:
        raise _error(result)


def _state(result: ScriptResult) -> HostChange:
    values = printed_values(result.output)
    last = (values.get("last") or [""])[0].split(" ", 2)
    last += [""] * (3 - len(last))
    return HostChange(pending_of(values), last[0], clean(last[1], 20), clean(last[2], 300))


def _error(result: ScriptResult) -> EdgewrightError:
    lines = result.errors.decode("utf-8", "replace").strip().splitlines()
    reason = clean(lines[-1], 200) if lines else "no reason given"
    pending = pending_of(printed_values(result.output))
    state = _state(result)
    if result.status == scripts.BUSY:
        by = f" by {pending.who}" if pending and pending.who else ""
        left = (
            f"; it returns in {pending.left} s unless it is confirmed" if pending and pending.stage == "armed" else ""
        )
        return Conflict(
            f"The network settings of this host are being changed{by}{left}.",
            "Wait, or confirm or undo that change first.",
            "ChangePending",
        )
    if result.status == scripts.TOO_LATE:
        how = ENDS.get(state.last_end, "it was given back")
        return Conflict(f"There is nothing to confirm: {how}.", "Read the settings again.", "NotPending")
    if result.status == scripts.OTHER:
        return Conflict(
            "Another change is there than the one that was meant.", "Read the settings again.", "OtherChange"
        )
    if result.status == scripts.NOT_YET:
        return Conflict("The host is still applying the change.", "Try again in a moment.", "NotApplied")
    if result.status == scripts.NOT_STORED:
        return Failed(
            "The host could not store the change in /oem, and gave the old settings back.",
            "Make room in /oem: edgewright site doctor shows what is full.",
            "NotStored",
        )
    if result.status == scripts.NO_SPACE:
        return Failed(
            f"The host could not save its settings: {reason}. Nothing was changed.",
            "Make room on its disk: edgewright site doctor shows what is full.",
            "NotSaved",
        )
    return Failed(f"The change did not begin: {reason}. Nothing was changed.", "", "NotBegun")


ENDS = {
    "confirmed": "the change was confirmed",
    "timer": "the time was over, and the host gave the old settings back",
    "undo": "the change was taken back",
    "failed": "a command failed, and the host gave the old settings back",
    "boot": "the host started again before it was confirmed, and gave the old settings back",
}
"""How a change ended, as a part of a sentence."""
