"""The steps of an installation on one host, and the way back; each is one script."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from edgewright.clients.ssh.files.progress import Meter, Progress
from edgewright.clients.ssh.install import scripts
from edgewright.clients.ssh.install.preflight import LIMIT, HostState, parse
from edgewright.clients.ssh.ports import CanRunScript, ScriptResult
from edgewright.core import times
from edgewright.core.errors import Conflict, EdgewrightError, Failed, InvalidInput, Refused
from edgewright.core.text import clean

STEP, SEND, INSTALL = 60.0, 180.0, 300.0
"""Seconds for a small script, for a piece of the program over a slow link, for the agent's own installation."""
OUTPUT = 65_536
FEW = 20


async def read_host(connection: CanRunScript, planes: str, root: str = "") -> HostState:
    """Return what a host is. Raises `EdgewrightError`, `Refused` where `sudo -n` is not possible."""
    sent = times.now()
    script = scripts.preflight(planes, root)
    result = await connection.run_script(script, timeout=STEP, limit=LIMIT, sudo=True)
    state = parse(result.output, sent, times.now())
    if state.first("uid") not in ("0", ""):
        raise Refused(
            "The scripts do not run as root on the host.", "Its user needs sudo without a password.", "NoSudo"
        )
    return state


class Installation:
    """An installation that runs on a host. `run` is a random word: a later run that takes over stops this one."""

    def __init__(self, connection: CanRunScript, run: str, python: str, host: str, root: str = "") -> None:
        self.connection, self.run, self.python, self.host, self.root = connection, run, python, host, root
        self.digest = ""

    async def send(
        self,
        program: bytes,
        files: Mapping[str, bytes],
        report: Callable[[str], None],
        progress: Callable[[Progress], None],
    ) -> None:
        """Send the program, from where an earlier run was cut, and the files. Raises `EdgewrightError`.

        `progress` is that of the program: where it begins, and after each piece.
        """
        self.digest = hashlib.sha256(program).hexdigest()
        began = await self._do(scripts.begin(self.run, self.digest, self.root), STEP)
        word = began.output.decode("ascii", "replace").strip().partition("have=")[2]
        have = int(word) if word.isdecimal() and len(word) < 12 and int(word) <= len(program) else 0
        name = f"agent-{self.digest}"
        if have:
            report(f"continue at {have} of {len(program)} bytes of the agent")
        if not await self._send_checked(name, program, have, Meter(progress)):
            raise Failed(f"{self.host} stored the agent with another hash.", "Try again; look at its disk.", "Hash")
        for file, data in files.items():
            if not await self._send_checked(file, data, 0, Meter(lambda ignored: None)):
                raise Failed(f"{self.host} stored {file} with another hash.", "Try again; look at its disk.", "Hash")

    async def _send_checked(self, name: str, data: bytes, have: int, meter: Meter) -> bool:
        """Send a file from `have` on; return whether its hash is right, after a second try from the beginning."""
        digest = hashlib.sha256(data).hexdigest()
        meter.total = len(data)
        for start in dict.fromkeys((have, 0)):
            meter.restart()
            meter.at(start)
            for offset in range(start, len(data), scripts.PIECE):
                piece = data[offset : offset + scripts.PIECE]
                await self._do(scripts.put(self.run, name, offset, piece, self.root), SEND)
                meter.at(offset + len(piece))
            checked = await self._do(scripts.check(self.run, name, digest, self.root), STEP, ok=(0, 65))
            if checked.status == 0:
                return True
        return False

    async def install(self, endpoint: str, secret: str) -> None:
        """Run the agent's own installation, which starts it. Raises `EdgewrightError` with its reason."""
        script = scripts.install(self.run, self.digest, self.python, endpoint, self.root)
        result = await self._do(script, INSTALL, ok=None)
        if result.status in (scripts.CONFLICT, scripts.NO_SPACE, scripts.TAKEN_OVER):
            raise self._error(result)
        if result.status:
            text = (result.output + result.errors).decode("utf-8", "replace")
            lines = (text.replace(secret, "***") if secret else text).strip().splitlines() or [f"code {result.status}"]
            reason = lines[-1].removeprefix("edgewright-agent: ")  # as the agent's command line reports a failure
            raise Failed(
                f"The installation on {self.host} failed: {clean(reason, 300)}",
                "",
                "InstallFailed",
            )

    async def status(self) -> dict[str, Any]:
        """Return the agent's status; {} while it has none. Raises `EdgewrightError` when the host does not answer."""
        script = scripts.status(self.python, self.root)
        result = await self.connection.run_script(script, timeout=STEP, limit=OUTPUT, sudo=True)
        return _document(result.output)

    async def finish(self) -> None:
        """Remove what was needed for the installation alone."""
        await self._do(scripts.finish(self.run, self.root), STEP)

    async def _do(self, script: bytes, patience: float, ok: tuple[int, ...] | None = (0,)) -> ScriptResult:
        result = await self.connection.run_script(script, timeout=patience, limit=OUTPUT, sudo=True)
        if ok is not None and result.status not in ok:
            raise self._error(result)
        return result

    def _error(self, result: ScriptResult) -> EdgewrightError:
        lines = result.errors.decode("utf-8", "replace").strip().splitlines()
        reason = clean(lines[-1], 200) if lines else "no reason given"
        if result.status == scripts.TAKEN_OVER:
            return Conflict(f"Another run installs {self.host} at the same time.", "Wait for it.", "TakenOver")
        if result.status == scripts.CONFLICT:
            return Conflict(f"An agent appeared on {self.host} meanwhile.", "Run the command again.", "AgentAppeared")
        if result.status == scripts.BAD_STAGE:
            return _bad_stage(self.host)
        if result.status == scripts.NO_SPACE:
            return Failed(f"{self.host} could not write: {reason}.", "Make room there.", "NotWritten")
        return Failed(f"A step on {self.host} ended with {result.status}: {reason}.", "", "StepFailed")


async def undo(connection: CanRunScript, host: str, run: str = "", root: str = "") -> dict[str, Any] | None:
    """Take back what an installation made. Raises `EdgewrightError`.

    Returns the status of its agent at its end, {} where that is not known; None where there was no installation.
    """
    result = await connection.run_script(scripts.undo(run, root), timeout=INSTALL, limit=OUTPUT, sudo=True)
    if result.status == scripts.TAKEN_OVER:
        raise Conflict(f"Another run installs {host} at the same time.", "Wait for it.", "TakenOver")
    if result.status == scripts.BAD_STAGE:
        raise _bad_stage(host)
    if result.status:
        reason = clean(result.errors.decode("utf-8", "replace").strip(), 200)
        raise Failed(
            f"What was made on {host} is not all removed: {reason or f'code {result.status}'}.",
            f"What is left is listed in {scripts.STAGE}/absent there.",
            "NotUndone",
        )
    text, undone, rest = result.output.rpartition(b"\nundone\n")
    return _document(text) if undone and not rest else None


def _document(text: bytes) -> dict[str, Any]:
    """Return a JSON object; {} for anything else."""
    try:
        document = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _bad_stage(host: str) -> Conflict:
    hint = f"Look at it there, and remove it: ls -ld {scripts.STAGE}"
    return Conflict(f"{scripts.STAGE} on {host} is not a folder of root.", hint, "BadStage")


def elf_arch(program: bytes) -> str:
    """Return `amd64` or `arm64` for a binary, "" for an archive. Raises `InvalidInput` for anything else."""
    if program[:4] == b"\x7fELF":
        arch = {62: "amd64", 183: "arm64"}.get(int.from_bytes(program[18:20], "little"), "")
        if arch:
            return arch
    elif program[:2] == b"#!" and b"PK\x03\x04" in program[: FEW * 10]:
        return ""
    raise InvalidInput(
        "The program is neither the agent's archive nor its binary.", "Build both: make agent", "Program"
    )
