"""A hub on this machine, started for the user: the process, its readiness, its end, and the hosts beside it.

The hub and the observed agent outlive the console (`detached`); those of a demonstration end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.clients.palette.client import Credential, PlaneClient
from edgewright.config import locations
from edgewright.config.credentials import read_key_file
from edgewright.core import times
from edgewright.core.errors import Failed, TimedOut
from edgewright.core.slow_files import read_in_time
from edgewright.hub.process import configuration
from edgewright.hub.process.files import lock_holder

_PR_SET_PDEATHSIG = 1
_LIBC: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
READY = re.compile(r"hub ready at (https://\S+) \(ca (.+), (?:no admin key file.*|admin key (.+))\)")
PATIENCE = 30.0
"""Seconds that a hub may take to be ready."""

Report = Callable[[str], None]


class HubInfo(NamedTuple):
    """Where a hub is and how to be let in."""

    url: str
    ca: Path
    key_file: Path


class LocalHub:
    """One hub on this machine with its data in `data`, and the agents that were started beside it."""

    def __init__(
        self, data: Path, listen: str = "127.0.0.1:8443", *, extra: tuple[str, ...] = (), temporary: bool = False
    ) -> None:
        self.data = data
        self.listen = listen
        self.extra = extra
        self.temporary = temporary
        self._note = data / "local.json"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def log(self) -> Path:
        """Where the hub's output goes."""
        return self.data / "hub.out"

    def running(self) -> bool:
        """Whether the hub that was started here runs."""
        return self._alive("hub")

    def in_use(self) -> bool:
        """Whether any hub runs on the data, also one that was started as a service or in a shell."""
        try:
            return lock_holder(self.data) is not None
        except OSError:
            return False

    def info(self) -> HubInfo | None:
        """Return where the hub is, as it reported when it was ready; None if it never was."""
        note = self._read_note()
        if not all(isinstance(note.get(k), str) for k in ("url", "ca", "key")):
            return None
        return HubInfo(str(note["url"]), Path(str(note["ca"])), Path(str(note["key"])))

    async def start(self, report: Report) -> HubInfo:
        """Start the hub unless it runs, and wait until it is ready.

        Raises `Failed` with the hub's own words when it ends, `TimedOut` when it takes too long.
        """
        known = self.info()
        if known is not None and self.running():
            report(f"A hub runs here already at {known.url}")
            return known
        if self.running():  # by a console that ended before the hub was ready
            report("A hub that was started before is not ready yet")
        else:
            locations.ensure(self.data)
            listen = self._free_listen(configuration.read(self.data).listen or self.listen)
            report(f"Starting a hub that listens on {listen}")
            self._spawn("hub", ["hub", "serve", "--listen", listen, "--data", str(self.data), *self.extra], self.log)
        info = await self._wait_ready()
        self._write_note(url=info.url, ca=str(info.ca), key=str(info.key_file))
        report(f"The hub is ready at {info.url}")
        return info

    async def set_address(self, address: str, report: Report) -> None:
        """Let hosts reach the hub by `address` (`NAME_OR_IP[:PORT]`); one that runs is stopped, and `start` starts it.

        The CA stays, and so does the port where the address names none. Raises `InvalidInput` for a text that is not an
        address.
        """
        port = int(self.listen.rpartition(":")[2] or 0) or configuration.DEFAULT_PORT
        wanted = configuration.for_address(address, default_port=port)
        locations.ensure(self.data)
        if wanted == configuration.read(self.data):
            return
        if self.running():
            report("Stopping the hub, to start it with the new address")
            await self.stop()
        configuration.write(self.data, wanted)

    @property
    def hosts_url(self) -> str:
        """Return the address by which hosts reach the hub; "" where it is the one that the console uses."""
        stored = configuration.read(self.data)
        return configuration.url_of(stored) if stored.listen else ""

    async def observe_this_machine(self, info: HubInfo, report: Report) -> None:
        """Take this very machine in as an observed host: unprivileged, read-only. Raises `EdgewrightError`."""
        if self._alive("agent"):
            return
        report("Registering this machine as an observed host")
        folder = locations.ensure(self.data / "observed")
        token = await self.token_file(info, "this-machine", folder / "token")
        arguments = ["agent", "run", "--observe", "--endpoint", info.url, "--ca", str(info.ca)]
        arguments += ["--token-file", str(token), "--data", str(folder / "agent")]
        self._spawn("agent", arguments, folder / "agent.out")

    async def simulate(self, info: HubInfo, hosts: int, report: Report, *options: str) -> None:
        """Start simulated hosts; faults happen to them. `options` are of `agent simulate`. Raises `EdgewrightError`."""
        report(f"Registering {hosts} simulated hosts")
        token = await self.token_file(info, "demo", self.data / "demo-token")
        arguments = ["agent", "simulate", "--hosts", str(hosts), "--endpoint", info.url, "--ca", str(info.ca)]
        arguments += ["--token-file", str(token), *options]
        self._spawn("simulated", arguments, self.data / "simulated.out")

    async def token_file(self, info: HubInfo, name: str, path: Path) -> Path:
        """Return a file with a registration token of this name; made if it is not there or ends within a day."""
        from edgewright.wire.palette.tokens import EdgeToken

        key = await read_in_time(lambda: read_key_file(str(info.key_file)), str(info.key_file))
        async with PlaneClient(info.url, Credential(api_key=key), ca=info.ca) as client:
            now = times.now()
            tokens = [
                t for t in map(EdgeToken, await client.tokens.all()) if t.name == name and t.usable(now + times.DAY)
            ]
            if not tokens:
                projects = await client.projects.all()
                project = str((projects[0].get("metadata") or {}).get("uid", "")) if projects else ""
                uid = await client.tokens.create(name, project, now + 365 * times.DAY, "made for hosts of this machine")
                tokens = [t for t in map(EdgeToken, await client.tokens.all()) if t.uid == uid]
        if not tokens or not tokens[0].token:
            raise Failed(f"The hub at {info.url} made no token for this machine.", f"Its log is {self.log}")
        locations.write_private(path, tokens[0].token + "\n")
        return path

    async def stop(self) -> None:
        """Stop agents and hub, in this order, and wait for their end (10 s, then without mercy)."""
        for name in ("agent", "simulated", "hub"):
            pid = self._pid(name)
            if pid:
                await asyncio.to_thread(_end, pid)
                child = self._children.pop(name, None)
                if child is not None:
                    await asyncio.to_thread(child.wait)
        self._write_note(hub=0, agent=0, simulated=0)

    def stop_now(self) -> None:
        """Stop everything without a loop: at the end of the program."""
        asyncio.run(self.stop())
        if self.temporary:
            shutil.rmtree(self.data, ignore_errors=True)

    def end_now(self) -> None:
        """Stop everything within a second, from any thread: for a program that is about to be ended itself.

        A hub with persistent data is only asked and ends by itself; one of a demonstration is killed if need be.
        """
        pids = [pid for pid in map(self._pid, ("agent", "simulated", "hub")) if pid]
        for pid in pids:
            _send(pid, signal.SIGTERM)
        deadline = time.monotonic() + 0.8
        while any(map(_is_ours, pids)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if self.temporary:
            for pid in filter(_is_ours, pids):
                _send(pid, signal.SIGKILL)
            shutil.rmtree(self.data, ignore_errors=True)

    def wait(self) -> None:
        """Wait until the hub ends by itself. Raises `Failed` then, `KeyboardInterrupt` at Ctrl-C."""
        code = self._children["hub"].wait()
        raise Failed(f"The hub ended by itself with {code}.", f"Its log is {self.log}")

    @staticmethod
    def _free_listen(listen: str) -> str:
        """Return where to listen: on loopback another port where the one asked for is in use.

        An address that hosts use stays what it is: they would not find a hub that took another port.
        """
        host, _, port = listen.rpartition(":")
        if host not in ("127.0.0.1", "[::1]", "localhost"):
            return listen
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.strip("[]"), int(port)))
            except OSError:
                return f"{host}:0"
        return listen

    def _spawn(self, name: str, arguments: list[str], log: Path) -> None:
        package = str(Path(__file__).resolve().parents[3])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            child = subprocess.Popen(
                [sys.executable, "-m", "edgewright", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                start_new_session=True,
                preexec_fn=_end_with_parent if self.temporary and _LIBC is not None else None,
                env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            )
        except OSError as error:
            raise Failed(f"The {name} could not be started: {error.strerror}.") from None
        finally:
            os.close(handle)
        self._children[name] = child
        self._write_note(**{name: child.pid})

    async def _wait_ready(self) -> HubInfo:
        child = self._children.get("hub")
        pid = child.pid if child is not None else self._pid("hub")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            text = self.log.read_text("utf-8", "replace")
            match = READY.search(text)
            if match and match.group(3) is None:
                await asyncio.to_thread(_end, pid)
                if child is not None:
                    await asyncio.to_thread(child.wait)
                raise Failed(
                    f"The hub in {self.data} has no admin key file, so this console cannot be let in.",
                    f"Make one: edgewright hub serve --data {shlex.quote(str(self.data))} --new-admin-key",
                )
            if match:
                return HubInfo(_reachable(match.group(1)), Path(match.group(2)), Path(match.group(3)))
            if not self.running():
                ended = f"it ended with {child.returncode}" if child is not None else "it ended"
                last = text.strip().splitlines()[-1:] or [ended]
                raise Failed(f"The hub did not start: {last[0].rstrip('.')}.", f"Its log is {self.log}")
            await asyncio.sleep(0.05)
        await asyncio.to_thread(_end, pid)
        raise TimedOut(f"The hub was not ready within {PATIENCE:.0f} s.", f"Its log is {self.log}")

    def _read_note(self) -> dict[str, object]:
        try:
            note = json.loads(self._note.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _write_note(self, **values: object) -> None:
        if self.data.is_dir():
            locations.write_private(self._note, json.dumps({**self._read_note(), **values}) + "\n")

    def _pid(self, name: str) -> int:
        pid = self._read_note().get(name)
        return pid if isinstance(pid, int) and pid > 0 and _is_ours(pid) else 0

    def _alive(self, name: str) -> bool:
        child = self._children.get(name)
        if child is not None:
            return child.poll() is None
        return self._pid(name) > 0


def _reachable(url: str) -> str:
    """Return the address by which this machine reaches a hub that listens on all of its addresses."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _is_ours(pid: int) -> bool:
    """Whether a process runs and belongs to Edgewright; a number that another program has now is not."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return b"edgewright" in arguments and state != "Z"


def _end_with_parent() -> None:
    """Let the kernel end this child when its parent ends, also by SIGKILL; runs between fork and exec."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _end(pid: int) -> None:
    """End a process and wait for it: asked first, killed after 10 s; 0 means none."""
    if not pid:
        return
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 2.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _is_ours(pid):
                return
            time.sleep(0.05)
