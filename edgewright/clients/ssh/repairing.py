"""One fix of the catalogue on a host: its command in a script of its own, ended by the host itself when it hangs."""

from __future__ import annotations

import re
from typing import NamedTuple

from edgewright.clients.ssh.ports import CanRunScript
from edgewright.clients.ssh.probes.frames import lines_of
from edgewright.clients.ssh.probes.shell import PRELUDE

SECONDS = 60
"""After which the host ends a command; systemd continues what it was asked for."""
MOST = 8192
"""Bytes of output, the last ones."""
_END = re.compile(rb"\d{1,3}\n")


class Ran(NamedTuple):
    """What a command left: its exit status, None where it hung and was ended, and its last lines without escapes."""

    status: int | None
    lines: tuple[str, ...]


def script(command: str) -> bytes:
    """Return what runs a command of the catalogue as root.

    `tail` takes all output before any is sent: when the link is cut, the command has a reader until its end, and a
    signal about the lost link does not end it.
    """
    return (
        f"main() {{\ntrap '' HUP PIPE\n{PRELUDE}\numask 022\n"
        f"( {{ ( {command}\n) </dev/null 2>&1; printf '\\nrc %s\\n' \"$?\"; }} | tail -c {MOST} ) & q=$!\n"
        f'( watch "$q" {SECONDS} ) </dev/null >/dev/null 2>&1 & w=$!\n'
        'wait "$q"\nkill "$w" 2>/dev/null; wait "$w" 2>/dev/null\nexit 0\n}\nmain\n'
    ).encode()


async def run(host: CanRunScript, command: str) -> Ran:
    """Run a command of `core.doctor.repairs` on a host.

    Raises `Refused` without root, `Unreachable` and `TimedOut` where it is not known whether it ran.
    """
    result = await host.run_script(script(command), timeout=SECONDS + 20.0, limit=4 * MOST, sudo=True)
    text, _, end = result.output.rpartition(b"\nrc ")
    if _END.fullmatch(end) is None:
        return Ran(None, (*lines_of(result.output), *lines_of(result.errors)))
    return Ran(int(end), tuple(line for line in lines_of(text) if line))
