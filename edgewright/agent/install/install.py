"""`install` and `uninstall`: put the agent, its token, its CA and its units in place, or remove them.

A plan is made first and can be looked at; steps that are done already are left out, so a second run changes nothing.
With `--root` everything goes into a mounted system (an image, a lab host) and nothing is started.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from typing import Callable, List, NamedTuple

from edgewright.agent.install import archive, unit
from edgewright.agent.kernel.settings import DATA, USER_DATA
from edgewright.agent.kernel.state import read_secret, sync_folder
from edgewright.agent.plane.client import parse_endpoint
from edgewright.agent.reconcile import exchange
from edgewright.core.errors import Failed, InvalidInput, Refused

ETC = "/etc/edgewright"
UNITS = "/etc/systemd/system"
WANTS = UNITS + "/multi-user.target.wants"


class InstallOptions(NamedTuple):
    """What `install` was asked for; paths of the host, `root` is where its file system is mounted."""

    endpoint: str = ""
    token_file: str = ""
    pairing_key_file: str = ""
    ca: str = ""
    data: str = DATA
    user_data: str = ""
    observe: bool = False
    metered: bool = False
    budget: int = 0
    interval: float = 0.0
    silence: float = 0.0
    prefix: str = "/usr/local/lib/edgewright"
    root: str = "/"
    python: str = "/usr/bin/python3"
    start: bool = True
    program: str = ""
    """The archive or binary to install; empty for the one that runs now."""


class Step(NamedTuple):
    """One thing to do: a file to write or remove, a folder to make, a link to set or a command to run."""

    kind: str
    target: str
    data: bytes = b""
    mode: int = 0o644
    arguments: "tuple[str, ...]" = ()

    def __str__(self) -> str:
        if self.kind == "run":
            return "run    " + " ".join(self.arguments)
        if self.kind == "remove":
            return f"remove {self.target}"
        if self.kind == "link":
            return f"link   {self.target} -> {self.arguments[0]}"
        if self.kind == "folder":
            return f"folder {self.target} (mode {self.mode:04o})"
        return f"write  {self.target} ({len(self.data)} bytes, mode {self.mode:04o})"


def make_plan(spec: InstallOptions) -> List[Step]:
    """Return the steps that are still to do. Raises `EdgewrightError` when a file is missing or a word is wrong."""
    if spec.endpoint:
        for address in spec.endpoint.split(","):
            parse_endpoint(address)
    elif not spec.user_data and not _has_user_data(spec):
        raise InvalidInput("No endpoint is given.", "Give --endpoint, or --user-data with stylus.site.paletteEndpoint.")
    for path in (spec.data, spec.prefix):
        if not os.path.isabs(path):
            raise InvalidInput(f"The path {path} is not absolute.", "Write it from / on.")
    program, binary = _program(spec)
    if not binary and spec.root != "/" and not os.path.lexists(_below(spec, spec.python)):
        raise Failed(
            f"There is no {spec.python} below {spec.root}.",
            "Install python3 there, name another with --python, or use the binary.",
        )
    name = "edgewright-agent" if binary else "edgewright-agent.pyz"
    home = os.path.join(spec.prefix, name)
    start = [home] if binary else [spec.python, home]
    command = [*start, "run", "--data", spec.data]
    steps = [
        Step("folder", ETC, mode=0o755),
        Step("folder", spec.data, mode=0o700),
        Step("write", home, program, 0o755),
    ]
    if spec.endpoint:
        command += ["--endpoint", spec.endpoint]
    if spec.token_file:
        steps.append(Step("write", ETC + "/token", _secret(spec.token_file, "registration token"), 0o600))
        command += ["--token-file", ETC + "/token"]
    if spec.pairing_key_file:
        steps.append(
            Step(
                "write",
                ETC + "/pairing-key",
                (read_secret(spec.pairing_key_file, "pairing key") + "\n").encode(),
                0o600,
            )
        )
        command += ["--pairing-key-file", ETC + "/pairing-key"]
    for path, place, flag in ((spec.ca, ETC + "/ca.crt", "--ca"), (spec.user_data, ETC + "/user-data", "--user-data")):
        if path:
            steps.append(Step("write", place, _read(path), 0o600 if flag == "--user-data" else 0o644))
            command += [flag, place]
    if spec.metered:
        command.append("--metered")
    if spec.budget:
        command += ["--budget", str(spec.budget)]
    for flag, value in (("--interval", spec.interval), ("--silence-limit", spec.silence)):
        if value:
            command += [flag, f"{value:g}"]
    if spec.observe:
        command.append("--observe")
    else:
        command += ["--run", unit.RUN]
    secrets = [step.target for step in steps if step.kind == "write" and step.mode == 0o600]
    text = unit.unit_text(command, spec.data, spec.observe, secrets)
    steps.append(Step("write", f"{UNITS}/{unit.NAME}", text.encode()))
    steps.append(Step("link", f"{WANTS}/{unit.NAME}", arguments=(f"{UNITS}/{unit.NAME}",)))
    steps += _without_reconciler() if spec.observe else _reconciler(start, spec.data)
    steps += _without_relay() if spec.observe else _relay(start, command, spec.data)
    left = [step for step in steps if not _done(spec, step)]
    if spec.root == "/" and spec.start:
        if any(step.kind in ("write", "link", "remove") for step in left):
            left.append(Step("run", "", arguments=("systemctl", "daemon-reload")))
            left.append(Step("run", "", arguments=("systemctl", "restart", unit.NAME)))
            if not spec.observe:  # steps are units of their own: a restart of the reconciler interrupts none
                left.append(Step("run", "", arguments=("systemctl", "restart", unit.PATH, unit.SERVICE)))
                left.append(Step("run", "", arguments=("systemctl", "restart", unit.RELAY_SOCKET)))
        elif _inactive():
            left.append(Step("run", "", arguments=("systemctl", "start", unit.NAME)))
    return [step._replace(target=_below(spec, step.target)) if step.target else step for step in left]


def _reconciler(start: List[str], data: str) -> List[Step]:
    places = exchange.folders(data)
    steps = [Step("folder", places[name], mode=0o700) for name in (exchange.REQUESTS, exchange.DOCUMENTS, exchange.OWN)]
    for name, text in unit.reconciler_units(start, data).items():
        steps.append(Step("write", f"{UNITS}/{name}", text.encode()))
    for name in (unit.SERVICE, unit.PATH, unit.ACTIVATE):
        steps.append(Step("link", f"{WANTS}/{name}", arguments=(f"{UNITS}/{name}",)))
    return steps


def _relay(start: List[str], command: List[str], data: str) -> List[Step]:
    """Return the units of the relay, which reaches the plane as the agent does."""
    arguments = [*start, "relay", "--data", data]
    for flag in ("--endpoint", "--ca", "--user-data"):
        if flag in command:
            arguments += [flag, command[command.index(flag) + 1]]
    units = unit.relay_units(arguments, data)
    steps = [Step("write", f"{UNITS}/{name}", text.encode()) for name, text in units.items()]
    return [*steps, Step("link", f"{WANTS}/{unit.RELAY_SOCKET}", arguments=(f"{UNITS}/{unit.RELAY_SOCKET}",))]


def _without_relay() -> List[Step]:
    names = (f"{WANTS}/{unit.RELAY_SOCKET}", f"{UNITS}/{unit.RELAY_SERVICE}", f"{UNITS}/{unit.RELAY_SOCKET}")
    return [Step("remove", name) for name in names]


def _without_reconciler() -> List[Step]:
    """Return the removal of the reconciler's units: a host that is only observed has no work."""
    links = [Step("remove", f"{WANTS}/{name}") for name in (unit.SERVICE, unit.PATH, unit.ACTIVATE)]
    units = (unit.SERVICE, unit.PATH, unit.TIMER, unit.ACTIVATE)
    return links + [Step("remove", f"{UNITS}/{name}") for name in units]


def make_removal(spec: InstallOptions, purge: bool = False) -> List[Step]:
    """Return the steps that remove the agent; with `purge` also its identity, credential and data."""
    home = [os.path.join(spec.prefix, name) for name in ("edgewright-agent", "edgewright-agent.pyz")]
    steps = [Step("remove", f"{WANTS}/{unit.NAME}"), Step("remove", f"{UNITS}/{unit.NAME}"), *_without_reconciler()]
    steps += [*_without_relay(), *(Step("remove", path) for path in home)]
    if purge:
        steps += [Step("remove", path) for path in (ETC, spec.data)]
    left = [step for step in steps if os.path.lexists(_below(spec, step.target))]
    left = [step._replace(target=_below(spec, step.target)) for step in left]
    if spec.root == "/" and spec.start and left:
        units = (unit.RELAY_SOCKET, unit.RELAY_SERVICE, unit.PATH, unit.TIMER, unit.SERVICE, unit.NAME)
        stop = [Step("run", "", arguments=("systemctl", "stop", name)) for name in (*units, unit.STEPS)]
        present = [step for step in stop if step.arguments[2] == unit.STEPS or _loaded(step.arguments[2])]
        left = [*present, *left, Step("run", "", arguments=("systemctl", "daemon-reload"))]
    return left


def _loaded(name: str) -> bool:
    return any(os.path.exists(f"{folder}/{name}") for folder in (UNITS, "/usr/lib/systemd/system"))


def apply_plan(plan: List[Step], report: Callable[[str], None], done: str = "installed") -> None:
    """Do the steps in order, report each. Raises `EdgewrightError` at the first that fails; run again to continue."""
    for step in plan:
        report(str(step))
        try:
            _apply(step)
        except PermissionError:
            raise Refused(
                f"{step.target or step.arguments[0]}: permission denied.", "Run the installation as root."
            ) from None
        except OSError as error:
            reported = (error.strerror or str(error)).lower()
            raise Failed(
                f"{step.target or step.arguments[0]}: {reported}.", "Fix that and run the installation again."
            ) from None
    report(done if plan else "nothing to do: everything is in place")


def _apply(step: Step) -> None:
    if step.kind == "run":
        done = subprocess.run(step.arguments, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"code {done.returncode}"]
            reason = lines[0].rstrip(".")  # systemctl's last line is about where to look
            raise Failed(f"`{' '.join(step.arguments)}` failed: {reason}.", f"Look at `journalctl -u {unit.NAME}`.")
    elif step.kind == "remove":
        if os.path.isdir(step.target) and not os.path.islink(step.target):
            shutil.rmtree(step.target)
        else:
            os.unlink(step.target)
    elif step.kind == "folder":
        os.makedirs(step.target, mode=step.mode, exist_ok=True)
        os.chmod(step.target, step.mode)
    elif step.kind == "link":
        os.makedirs(os.path.dirname(step.target), exist_ok=True)
        if os.path.lexists(step.target):
            os.unlink(step.target)
        os.symlink(step.arguments[0], step.target)
    else:
        _write(step.target, step.data, step.mode)


def _write(path: str, data: bytes, mode: int) -> None:
    """Write a file so that it is there completely or not at all, with its mode from the first byte on."""
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    handle, fresh = tempfile.mkstemp(prefix=".edgewright-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
    sync_folder(folder)


def _done(spec: InstallOptions, step: Step) -> bool:
    path = _below(spec, step.target)
    try:
        if step.kind == "remove":
            return not os.path.lexists(path)
        if step.kind == "folder":
            return os.path.isdir(path) and os.stat(path).st_mode & 0o777 == step.mode
        if step.kind == "link":
            return os.readlink(path) == step.arguments[0]
        with open(path, "rb") as file:
            return file.read() == step.data and os.stat(path).st_mode & 0o777 == step.mode
    except OSError:
        return False


def _program(spec: InstallOptions) -> "tuple[bytes, bool]":
    """Return the agent's own file and whether it is the binary; run from its sources, the archive is built."""
    path = spec.program
    if not path and getattr(sys, "frozen", False):
        path = sys.executable
    if not path and sys.argv[0].endswith(".pyz"):
        path = sys.argv[0]
    if path:
        data = _read(path)
        return data, data[:4] == b"\x7fELF"
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with tempfile.TemporaryDirectory(prefix="edgewright-") as folder:
        target = os.path.join(folder, "agent.pyz")
        try:
            archive.build(target, package)
        except OSError as error:
            raise Failed(
                f"The agent's archive cannot be made from {package}: {error}.", "Build it with `make agent`."
            ) from None
        return _read(target), False


def _has_user_data(spec: InstallOptions) -> bool:
    return any(os.path.isfile(_below(spec, path)) for path in USER_DATA)


def _inactive() -> bool:
    done = subprocess.run(["systemctl", "is-active", "--quiet", unit.NAME], check=False, stdin=subprocess.DEVNULL)
    return done.returncode != 0


def _secret(path: str, what: str) -> bytes:
    return (read_secret(path, what) + "\n").encode()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failed(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.", "Check the path.") from None


def _below(spec: InstallOptions, path: str) -> str:
    return os.path.join(spec.root, path.lstrip("/"))
