"""A host for tests of logs: a real shell of this machine, with a journal made of a file."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.core.errors import Unreachable

JOURNALCTL = r"""#!/bin/sh
# A journal of one file: lines of JSON. What the script asks for is written to `asked`.
D=$(dirname "$0")
printf '%s\n' "$*" >>"$D/asked"
n=all f=0 c='' after='' one=''
for w in "$@"; do
  case $one in -n) n=$w ;; --cursor) c=$w ;; --after-cursor) after=$w ;; esac
  one=$w
  [ "$w" = -f ] && f=1
done
if [ -n "$after" ]; then
  at=$(grep -nF "\"$after\"" "$D/journal" | cut -d: -f1)
  set -- "+$((at + 1))"
elif [ -n "$c" ]; then
  at=$(grep -nF "\"$c\"" "$D/journal" | cut -d: -f1)
  set -- "+${at:-1}"
elif [ "$f" = 1 ]; then set -- +1
elif [ "$n" = all ]; then set -- +1
else set -- "$n"
fi
if [ "$f" = 1 ]; then exec tail -n "$1" -f "$D/journal"; fi
exec tail -n "$1" "$D/journal"
"""


def row(number: int, message: str, at: float, unit: str = "kubelet.service", **fields: Any) -> str:
    """Return a line as journalctl prints it."""
    document = {
        "__CURSOR": f"s=0a1b;i={number:x};b=ff",
        "__REALTIME_TIMESTAMP": str(int(at * 1_000_000)),
        "PRIORITY": "6",
        "_SYSTEMD_UNIT": unit,
        "MESSAGE": message,
        **fields,
    }
    return json.dumps(document)


class LocalStream:
    """A script that runs; what it prints is read piece by piece."""

    def __init__(self, process: asyncio.subprocess.Process, host: LocalHost) -> None:
        self.process, self._host = process, host

    async def read(self) -> bytes:
        assert self.process.stdout is not None
        read = asyncio.ensure_future(self.process.stdout.read(32_768))
        broke = asyncio.ensure_future(self._host.cut.wait())
        await asyncio.wait((read, broke), return_when=asyncio.FIRST_COMPLETED)
        broke.cancel()
        if self._host.cut.is_set():
            read.cancel()
            raise Unreachable("The connection broke.")
        return await read

    async def aclose(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        output = self.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        if output is not None:
            output.close()
        for _ in range(500):  # the script ends what it started; a loop that ends before kills the shell alone
            if self.process.returncode is not None:
                return
            await asyncio.sleep(0.01)


class LocalHost:
    """One host. `shell`: the words that run its shell; programs of `folder` come before those of this machine."""

    def __init__(self, folder: Path, journal: bool = True, shell: tuple[str, ...] = ("sh",)) -> None:
        self.folder, self.shell = folder, shell
        self.cut = asyncio.Event()
        """Set while the link is cut."""
        self.streams: list[LocalStream] = []
        self.scripts: list[bytes] = []
        self.journal = folder / "journal"
        if journal:
            self.journal.write_text("")
            self.program("journalctl", JOURNALCTL)
        else:
            self.program("journalctl", "#!/bin/sh\nexit 1\n")

    def program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    @property
    def asked(self) -> str:
        return (self.folder / "asked").read_text()

    def write(self, *lines: str) -> None:
        with self.journal.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalStream:
        self.scripts.append(script)
        process = await asyncio.create_subprocess_exec(
            *self.shell, "-s", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=max(window, 4096) // 2,
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert process.stdin is not None
        # Programs of the test come first also behind the folders that the script puts before PATH.
        script = script.replace(b"export PATH\n", f"PATH={self.folder}:$PATH\nexport PATH\n".encode(), 1)
        process.stdin.write(script)
        await process.stdin.drain()
        self.streams.append(LocalStream(process, self))
        return self.streams[-1]

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        raise NotImplementedError

    async def aclose(self) -> None:
        return None
