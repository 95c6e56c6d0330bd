"""Read facts from a host over anything that runs a script: one round trip."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from edgewright.clients.ssh.ports import CanRunScript
from edgewright.clients.ssh.probes import frames, shell
from edgewright.clients.ssh.probes.facts import NO_FORK, facts_of
from edgewright.clients.ssh.probes.probe import Probe
from edgewright.clients.ssh.probes.progress import Progress
from edgewright.core import times
from edgewright.core.doctor.facts import Facts
from edgewright.core.errors import Failed
from edgewright.core.text import clean


class Examined(NamedTuple):
    """One host as it was read: its facts, the run behind them, and how long the run took in seconds."""

    facts: Facts
    run: frames.Run
    seconds: float


async def examine(
    connection: CanRunScript, probes: Sequence[Probe], *, log_lines: int = 100, progress: Progress | None = None
) -> Examined:
    """Run `probes` in one script and return what they gave; `progress` is filled meanwhile.

    Raises `Failed` when the host printed no frame at all.
    """
    marker = secrets.token_hex(16)
    progress = progress or Progress(probes)
    progress.expect(marker)
    text = shell.script(probes, marker, log_lines=log_lines)
    sent = times.now()
    result = await connection.run_script(
        text, timeout=shell.longest(probes) + 20.0, limit=shell.limit(probes), each_piece=progress.take
    )
    received = times.now()
    run = frames.parse(result.output, marker, probes)
    errors = result.errors.decode("utf-8", "replace")
    if run.way == "unknown" and not any(reading.usable for reading in run.readings.values()):
        reason = clean(errors.strip(), 200)
        if NO_FORK.search(reason):
            raise Failed(
                f"The host cannot start processes: {reason}.",
                "A limit of processes is reached (kernel.pid_max, or that of user.slice): end programs at its console.",
                code="NoProcesses",
            )
        raise Failed(
            f"The host ran none of the probes{': ' + reason if reason else ''}.",
            "Its user needs a POSIX shell: try `ssh HOST sh -c true`.",
            code="NoShell",
        )
    return Examined(facts_of(run, sent, received, errors), run, result.seconds)
