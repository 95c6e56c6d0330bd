"""Run `deploy/compose/compose.yaml` by podman: what `docker compose` does with it, as far as that file asks for it.

There is no Docker here. A key of the file that this runner does not know is an error, so nothing in it is left out.
Everything is in a network namespace and a storage of its own. Two limits of the machine that runs the tests show:
each container gets small `ulimit`s, and health checks are run by the test, since podman's timers need systemd.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.fleet import until

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::(-|\?)([^}]*))?\})")
_KNOWN = {
    "image", "command", "entrypoint", "secrets", "configs", "environment", "depends_on", "restart", "stop_grace_period",
    "hostname", "read_only", "tmpfs", "cap_drop", "security_opt", "networks", "volumes", "ports", "healthcheck",
}  # fmt: skip
_LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]


def filled(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` replaced. Raises `KeyError`."""

    def value(match: re.Match[str]) -> str:
        dollar, name, kind, more = match.groups()
        if dollar:
            return "$"
        if variables.get(name):
            return variables[name]
        if kind == "-":
            return str(more)
        raise KeyError(f"{name}: {more or 'not set'}")

    return _VARIABLE.sub(value, text)


def _every(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return filled(value, variables)
    if isinstance(value, dict):
        return {key: _every(each, variables) for key, each in value.items()}
    return [_every(each, variables) for each in value] if isinstance(value, list) else value


class Composed:
    """The services of a compose file as containers `edgewright-SERVICE-1`, below `folder`."""

    def __init__(self, file: Path, variables: Mapping[str, str], folder: Path) -> None:
        self.file, self.folder = file, folder
        self.document: dict[str, Any] = _every(yaml.safe_load(file.read_text()), variables)
        self.services: dict[str, dict[str, Any]] = self.document["services"]
        for name, service in self.services.items():
            assert set(service) <= _KNOWN, f"{name}: not known to this runner: {set(service) - _KNOWN}"
        self.project = str(self.document["name"])
        self.netns = f"ew-{secrets.token_hex(3)}"
        self._podman = ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run")]
        self._podman += ["--network-config-dir", str(folder / "networks"), "--tmpdir", str(folder / "tmp")]
        self._podman += ["--cgroup-manager", "cgroupfs", "--runtime", "runc", "--events-backend", "file"]

    @property
    def inside(self) -> list[str]:
        """Return the words before a command that is to run where the published ports are."""
        return ["nsenter", f"--net=/run/netns/{self.netns}"]

    def prepare(self) -> None:
        """Make the network namespace and the storage."""
        for words in (["netns", "add", self.netns], ["-n", self.netns, "link", "set", "lo", "up"]):
            subprocess.run(["ip", *words], check=True)
        for name in ("root", "run", "networks", "tmp"):
            (self.folder / name).mkdir(parents=True)

    def podman(self, *words: str, check: bool = True, timeout: float = 120) -> str:
        """Run podman and return its output."""
        command = [*self.inside, *self._podman, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0 or not check, f"podman {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self.project}-{service}-1"

    def up(self) -> None:
        """Start every service in the order of what they depend on, as `up -d` does."""
        for name, network in self.document["networks"].items():
            internal = ["--internal"] if (network or {}).get("internal") else []
            self.podman("network", "create", *internal, f"{self.project}_{name}")
        for name in self.document["volumes"]:
            self.podman("volume", "create", f"{self.project}_{name}")
        started: set[str] = set()
        while len(started) < len(self.services):
            ready = [name for name in self.services if name not in started and set(self._needs(name)) <= started]
            assert ready, "services depend on each other"
            for name in ready:
                for other, condition in self._needs(name).items():
                    if condition == "service_healthy":
                        until(f"{other} is healthy", 60, lambda other=other: self.healthy(other))  # type: ignore[misc]
                self._run(name)
                started.add(name)

    def _needs(self, name: str) -> dict[str, str]:
        needs = self.services[name].get("depends_on", {})
        if isinstance(needs, list):
            return dict.fromkeys(needs, "service_started")
        return {other: more["condition"] for other, more in needs.items()}

    def healthy(self, service: str) -> bool:
        """Run the health check of a service once, that of the compose file or of its image."""
        command = [*self.inside, *self._podman, "healthcheck", "run", self.container(service)]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0

    def _run(self, name: str) -> None:
        service = self.services[name]
        words = ["run", "-d", "--name", self.container(name), "--hostname", service.get("hostname", name), *_LIMITS]
        words += ["--restart", service["restart"]] if "restart" in service else []
        words += ["--read-only", "--read-only-tmpfs=false"] if service.get("read_only") else []
        words += [f"--tmpfs={each}" for each in service.get("tmpfs", [])]
        words += [f"--cap-drop={each}" for each in service.get("cap_drop", [])]
        words += [f"--security-opt={each.replace(':true', '')}" for each in service.get("security_opt", [])]
        words += [f"--network={self.project}_{each}:alias={name}" for each in service.get("networks", ["default"])]
        words += [f"--volume={self.project}_{each}" for each in service.get("volumes", [])]
        words += [f"--publish={each}" for each in service.get("ports", [])]
        words += [f"--env={key}={value}" for key, value in service.get("environment", {}).items()]
        if "stop_grace_period" in service:
            words.append(f"--stop-timeout={service['stop_grace_period'].removesuffix('s')}")
        for secret in service.get("secrets", []):
            source = self._file(self.document["secrets"][secret]["file"])
            words.append(f"--volume={source}:/run/secrets/{secret}:ro")
        for config in service.get("configs", []):
            source = self._file(self.document["configs"][config["source"]]["file"])
            words.append(f"--volume={source}:{config['target']}:ro")
        if "healthcheck" in service:
            check = service["healthcheck"]["test"]
            words += ["--health-cmd", check[1] if check[0] == "CMD-SHELL" else shlex.join(check[1:])]
        if "entrypoint" in service:
            words += ["--entrypoint", json.dumps(service["entrypoint"])]
        self.podman(*words, service["image"], *service.get("command", []))

    def _file(self, name: str) -> Path:
        return (self.file.parent / name).resolve()

    def logs(self, service: str) -> str:
        """Return what a service wrote."""
        command = [*self.inside, *self._podman, "logs", self.container(service)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def down(self) -> None:
        """Remove everything, also when it is half there."""
        if shutil.which("podman"):
            for words in ("rm -f -a -t 5", "volume prune -f", "network prune -f", "rmi -a -f"):
                with contextlib.suppress(subprocess.TimeoutExpired):  # the namespace and the mounts go all the same
                    self.podman(*words.split(), check=False, timeout=300)
        subprocess.run(["ip", "netns", "del", self.netns], check=False, capture_output=True)
        for mount in sorted(_mounts(self.folder), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False, capture_output=True)


def _mounts(folder: Path) -> list[str]:
    below = os.fspath(folder) + "/"
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1] for line in lines if line.split()[1].startswith(below)]
