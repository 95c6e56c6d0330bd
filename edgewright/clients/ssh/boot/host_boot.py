"""The state of a host's boot, and what sets its next one; one script each."""

from __future__ import annotations

from edgewright.clients.ssh.boot import shell
from edgewright.clients.ssh.ports import CanRunScript
from edgewright.core.boot.actions import Action
from edgewright.core.boot.state import BootState, read_state
from edgewright.core.errors import Conflict, Failed, Refused
from edgewright.core.text import clean

SECONDS, LIMIT = 40.0, 65_536


async def read_boot(connection: CanRunScript, host: str, root: str = "") -> BootState:
    """Return the state in one round trip, by `sudo -n` where that is possible. Raises `EdgewrightError`."""
    script = shell.read(root)
    try:
        result = await connection.run_script(script, timeout=SECONDS, limit=LIMIT, sudo=True)
    except Refused as error:
        if error.code not in ("SudoRefused", "NoSudo"):
            raise
        result = await connection.run_script(script, timeout=SECONDS, limit=LIMIT)
    try:
        return read_state(result.output.decode("utf-8", "replace").splitlines())
    except ValueError:
        raise Failed(f"{host} gave no usable answer about its boot.", "Try again.", "BadAnswer") from None


async def set_next_boot(connection: CanRunScript, host: str, state: BootState, action: Action, root: str = "") -> None:
    """Run the commands of an action; the host restarts then. Raises `EdgewrightError` with what went wrong."""
    script = shell.set_next(state.boot_id, state.name, action.entry, action.commands, root)
    result = await connection.run_script(script, timeout=SECONDS, limit=LIMIT, sudo=True)
    lines = result.output.decode("utf-8", "replace").splitlines()
    if f"set {action.entry}" in lines:
        return
    reason = next((clean(text[5:], 300) for text in lines if text.startswith("fail ")), "it gave no answer")
    if "meanwhile" in reason or "another name" in reason:
        raise Conflict(f"{host} is not as it was: {reason}.", "Read it again.", "HostChanged")
    raise Failed(f"The next boot of {host} was not set: {reason}.", "It was not restarted.", "NotSet")
