"""The log of one unit of a host: its last lines, by a probe with the same limits as all others."""

from __future__ import annotations

import secrets

from edgewright.clients.ssh.ports import CanRunScript
from edgewright.clients.ssh.probes import frames, shell
from edgewright.clients.ssh.probes.catalogue.host import UNITS
from edgewright.clients.ssh.probes.probe import Probe
from edgewright.core.errors import Failed, InvalidInput, NotFound

KERNEL = "kernel"
LOGS: tuple[str, ...] = (KERNEL, *UNITS)
"""What may be read; nothing else reaches a script."""
MOST_LINES = 400
SECONDS, SIZE = 8, 65_536
"""The scripts take the last 65,000 bytes themselves: what is over the limit of a probe is cut at the end."""
_UNIT = r"""
n=0
if have journalctl; then
  l=$(journalctl -u %(unit)s.service -b -n "$LINES_OF_LOG" -q --no-pager -o short-iso --utc 2>/dev/null) && n=1
  [ -n "$l" ] && { printf '%%s\n' "$l" | tail -c 65000; exit 0; }
fi
for f in /var/log/messages /var/log/syslog; do
  [ -r $f ] && { grep -F %(unit)s $f | tail -n "$LINES_OF_LOG" | tail -c 65000; exit 0; }
done
[ $n = 1 ] || echo no-program
"""
_KERNEL = r"""
if have journalctl; then
  l=$(journalctl -k -b -n "$LINES_OF_LOG" -q --no-pager -o short-iso --utc 2>/dev/null)
  [ -n "$l" ] && { printf '%s\n' "$l" | tail -c 65000; exit 0; }
fi
have dmesg || { echo no-program; exit 0; }
dmesg 2>&1 | tail -n "$LINES_OF_LOG" | tail -c 65000
"""


def log_probe(unit: str) -> Probe:
    """Return the probe of a log. Raises `InvalidInput` for what is not one of `LOGS`."""
    if unit not in LOGS:
        raise InvalidInput("There is no such log.", f"Logs: {', '.join(LOGS)}")
    script = _KERNEL if unit == KERNEL else _UNIT % {"unit": unit}
    return Probe(f"log.{unit}", f"end of the log of {unit}", script, SECONDS, SIZE, "better")


async def read_log(connection: CanRunScript, unit: str) -> list[str]:
    """Return the last lines of a log, oldest first, without escapes and secrets.

    Raises `InvalidInput`, `NotFound` where the host has no log, `Failed`, and what `run_script` raises.
    """
    probe = log_probe(unit)
    marker = secrets.token_hex(16)
    text = shell.script([probe], marker, log_lines=MOST_LINES)
    result = await connection.run_script(text, timeout=shell.longest([probe]) + 20.0, limit=shell.limit([probe]))
    reading = frames.parse(result.output, marker, [probe]).readings[probe.id]
    if reading.state == "hung":
        raise Failed(f"The log of {unit} was not read within {SECONDS} s.", "The host may be busy or its disk slow.")
    if not reading.usable:
        raise Failed(f"The log of {unit} was not read.", "Try again, or open a shell.")
    lines = [line for line in reading.lines if line]
    if lines == ["no-program"]:
        raise NotFound(f"The host has no journal, and no file with the log of {unit}.", "Open a shell and look there.")
    return lines
