"""Running a step's program so that it outlives the reconciler: its exit status and log survive `kill -9` of it.

On a host with systemd each step is a transient unit. Without systemd it is a process in a session of its own, whose
shell writes the exit status to a file. In both cases the name is the lock: a second start of the same step fails.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import time
from typing import Dict, List, NamedTuple, Optional, Sequence, Set

from edgewright.core.errors import Failed

SYSTEMD = "/run/systemd/system"
"""This folder exists exactly on hosts that systemd has booted."""
CALL = 20.0
"""Seconds that a call of systemd's programs may take."""
LOG_LINES = 40
POLL = 0.5
"""Seconds between two looks at a program whose end the kernel does not report (before Linux 5.3)."""
SETTLES = 0.02
"""Seconds after the end of a process until its exit status is looked for again."""


class UnitState(NamedTuple):
    """What is known about a step's program: `running`, `ended`, `absent` or `unknown`."""

    name: str
    code: int = 0
    """Exit status of one that has ended; above 128 the signal that ended it."""
    text: str = ""
    pid: int = 0
    """Process of one that runs, 0 where it is not known."""


class Runner:
    """Starts programs and observes them."""

    def __init__(self) -> None:
        self._pids: Dict[str, int] = {}
        self._ended: Set[str] = set()
        """Units whose end `wait` has returned."""

    def start(self, unit: str, command: Sequence[str], limit: float) -> None:
        """Start a program that may take `limit` seconds. Raises `Failed` when it cannot be started."""
        raise NotImplementedError

    def state(self, unit: str) -> UnitState:
        """Return what became of a program. Never raises."""
        raise NotImplementedError

    def log(self, unit: str) -> List[str]:
        """Return the last lines that a program printed. Never raises."""
        raise NotImplementedError

    def forget(self, unit: str) -> None:
        """Remove a program's traces, so that the name can be used again; one that runs is ended. Never raises."""
        raise NotImplementedError

    def wait(self, units: Sequence[str], seconds: float) -> bool:
        """Wait until one of these programs has ended, `seconds` at most; return whether one has.

        Each end is returned once: what cannot be judged yet (a full disk) is not a reason to look without a pause.
        """
        until = time.monotonic() + seconds
        while True:
            pids = [self._process(unit) for unit in units if unit not in self._ended]
            if None in pids:
                self._ended.update(unit for unit in units if self._process(unit) is None)
                return True
            left = until - time.monotonic()
            if left <= 0:
                return False
            if not first_end([pid or 0 for pid in pids], left):
                continue
            time.sleep(SETTLES)
            self._pids.clear()

    def _process(self, unit: str) -> Optional[int]:
        """Return the process of a program, 0 where that is not known, `None` when it does not run any more."""
        if unit not in self._pids:
            state = self.state(unit)
            if state.name not in ("running", "unknown"):
                return None
            if not state.pid:
                return 0
            self._pids[unit] = state.pid
        return self._pids[unit]

    def _begin(self, unit: str) -> None:
        """Forget what was known of an earlier program of this name."""
        self._pids.pop(unit, None)
        self._ended.discard(unit)


def first_end(pids: Sequence[int], seconds: float) -> bool:
    """Wait until one of these processes ends; return whether one may have, by `seconds` at the latest."""
    opened = getattr(os, "pidfd_open", None)
    if not pids:
        time.sleep(seconds)
        return False
    handles: List[int] = []
    try:
        if opened is None or 0 in pids:
            raise OSError("the kernel cannot be asked")
        poll = select.poll()
        for pid in pids:
            handles.append(opened(pid))
            poll.register(handles[-1], select.POLLIN)
        return bool(poll.poll(1000 * seconds))
    except ProcessLookupError:
        return True
    except OSError:
        time.sleep(min(POLL, seconds))
        return True
    finally:
        for handle in handles:
            os.close(handle)


def choose_runner(folder: str) -> Runner:
    """Return the runner of this host; `folder` is where a host without systemd has its files."""
    return SystemdRunner() if os.path.isdir(SYSTEMD) else ProcessRunner(folder)


class SystemdRunner(Runner):
    """Transient units (`systemd-run`): the unit exists until it is forgotten, also after its program has ended."""

    def start(self, unit: str, command: Sequence[str], limit: float) -> None:
        """See `Runner.start`."""
        options = ["--quiet", f"--unit={unit}", "--property=RemainAfterExit=yes"]
        options += [f"--property=RuntimeMaxSec={limit:.0f}", "--property=KillMode=control-group"]
        options += [f"--description=Edgewright step {unit}"]
        self._begin(unit)
        done = _call(["systemd-run", *options, "--", *command])
        if done is None:
            raise Failed("systemd-run cannot be started or does not answer.")
        if done.returncode != 0:
            raise Failed(f"systemd-run refused {unit}: {_last(done.stderr) or done.returncode}.")

    def state(self, unit: str) -> UnitState:
        """See `Runner.state`."""
        names = "LoadState,ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,MainPID"
        done = _call(["systemctl", "show", unit, f"--property={names}"])
        if done is None or done.returncode != 0:
            return UnitState("unknown", text="systemd does not answer")
        lines = (line.partition("=") for line in done.stdout.decode("utf-8", "replace").splitlines())
        return read_unit({name: value for name, _, value in lines})

    def log(self, unit: str) -> List[str]:
        """See `Runner.log`."""
        done = _call(
            ["journalctl", "--no-pager", "--quiet", "-o", "cat", "-n", str(LOG_LINES), f"_SYSTEMD_UNIT={unit}"]
        )
        return [] if done is None else done.stdout.decode("utf-8", "replace").splitlines()[-LOG_LINES:]

    def forget(self, unit: str) -> None:
        """See `Runner.forget`."""
        _call(["systemctl", "stop", unit])
        _call(["systemctl", "reset-failed", unit])


def read_unit(values: Dict[str, str]) -> UnitState:
    """Return the state of a unit from what `systemctl show` printed."""
    if values.get("LoadState") == "not-found" or not values.get("ActiveState"):
        return UnitState("absent")
    active, sub = values["ActiveState"], values.get("SubState", "")
    if active in ("activating", "deactivating", "reloading") or (active == "active" and sub != "exited"):
        main = values.get("MainPID", "")
        return UnitState("running", pid=int(main) if main.isdigit() else 0)
    if active == "inactive" and values.get("Result", "success") == "success" and values.get("ExecMainCode") == "0":
        return UnitState("absent")  # loaded, never started
    digits = values.get("ExecMainStatus", "")
    status = int(digits) if digits.isdigit() else 0
    code = status if values.get("ExecMainCode") == "1" else 128 + status
    result = values.get("Result", "")
    if result in ("", "success"):
        return UnitState("ended", code, "")
    text = {"timeout": "it did not end within its limit", "oom-kill": "the kernel ended it: out of memory"}
    return UnitState("ended", code or 1, text.get(result, ""))


class ProcessRunner(Runner):
    """Processes of their own session, for hosts without systemd (containers); one folder for each."""

    _SHELL = 'echo $$ > "$0/pid"; "$@" > "$0/log" 2>&1 < /dev/null; echo $? > "$0/code.new"; mv "$0/code.new" "$0/code"'

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder
        self._children: Dict[str, "subprocess.Popen[bytes]"] = {}

    def start(self, unit: str, command: Sequence[str], limit: float) -> None:
        """See `Runner.start`."""
        self._begin(unit)
        place = os.path.join(self.folder, unit)
        bounded = ["timeout", f"{limit:.0f}", *command] if shutil.which("timeout") else list(command)
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            os.mkdir(place, 0o700)  # fails when the name is in use
            child = subprocess.Popen(
                ["/bin/sh", "-c", self._SHELL, place, *bounded],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise Failed(f"{unit} cannot be started: {(error.strerror or str(error)).lower()}.") from None
        self._children[unit] = child

    def state(self, unit: str) -> UnitState:
        """See `Runner.state`."""
        self._children = {name: child for name, child in self._children.items() if child.poll() is None}
        place = os.path.join(self.folder, unit)
        code = _number(os.path.join(place, "code"))
        if code is not None:
            return UnitState("ended", code, "it did not end within its limit" if code == 124 else "")
        if not os.path.isdir(place):
            return UnitState("absent")
        pid = _number(os.path.join(place, "pid"))
        if unit in self._children or (pid is not None and _runs(pid, place)):
            return UnitState("running", pid=pid or 0)
        # The status may have been written between the two looks.
        code = _number(os.path.join(place, "code"))
        return UnitState("absent" if code is None else "ended", code or 0)

    def log(self, unit: str) -> List[str]:
        """See `Runner.log`."""
        try:
            with open(os.path.join(self.folder, unit, "log"), "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - 65_536))
                return file.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
        except OSError:
            return []

    def forget(self, unit: str) -> None:
        """See `Runner.forget`."""
        place = os.path.join(self.folder, unit)
        pid = _number(os.path.join(place, "pid"))
        if pid is not None and _runs(pid, place):
            try:
                os.killpg(pid, signal.SIGKILL)
            except OSError:
                pass  # it has ended meanwhile
        shutil.rmtree(place, ignore_errors=True)


def _runs(pid: int, place: str) -> bool:
    """Return whether `pid` is still the shell of that step: numbers of processes are used again."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return place.encode() in file.read(65_536)
    except OSError:
        return False


def _number(path: str) -> Optional[int]:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read(32))
    except (OSError, ValueError):
        return None


def _call(command: Sequence[str]) -> "Optional[subprocess.CompletedProcess[bytes]]":
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=CALL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None


def _last(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].rstrip(".") if lines else ""
