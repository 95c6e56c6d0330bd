"""Facts of the machine and its OS: CPU, memory, OS, kernel, boot id, load."""

from __future__ import annotations

import os
from typing import Dict, NamedTuple, Optional, Tuple

from edgewright.agent.kernel.hostfs import Root

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def cpu_cores(root: Root) -> int:
    """Return the number of CPUs that are online; 0 when unknown."""
    listed = _count_ranges(root.text("/sys/devices/system/cpu/online"))
    if listed:
        return listed
    result = sum(1 for line in root.lines("/proc/cpuinfo") if line.split(":")[0].strip() == "processor")
    return result or ((os.cpu_count() or 0) if root.real else 0)


def _count_ranges(text: str) -> int:
    total = 0
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            return 0
        total += int(last) - int(first) + 1 if dash else 1
    return total


def memory_mb(root: Root) -> Tuple[int, int]:
    """Return (total, used) memory in MB; used is what is not available to new programs."""
    values: Dict[str, int] = {}
    for line in root.lines("/proc/meminfo"):
        name, _, rest = line.partition(":")
        number = rest.split()[:1]
        if number and number[0].isdigit():
            values[name] = int(number[0])
    total = values.get("MemTotal", 0)
    free = values.get("MemAvailable", values.get("MemFree", 0))
    return total // 1024, max(0, total - free) // 1024


def architecture(root: Root, machine: Optional[str] = None) -> str:
    """Return `amd64` or `arm64`, else the kernel's own word. `machine` is what `uname -m` prints."""
    word = (machine or root.text("/proc/sys/kernel/arch") or os.uname().machine).lower()
    return _ARCHITECTURES.get(word, word)


def os_release(root: Root) -> Tuple[str, str]:
    """Return (family, version) from os-release, e.g. `("debian", "12")`."""
    values: Dict[str, str] = {}
    for name in ("/etc/os-release", "/usr/lib/os-release"):
        for line in root.lines(name):
            key, equals, value = line.partition("=")
            if equals and key.strip() not in values:
                values[key.strip()] = value.strip().strip("\"'")
        if values:
            break
    return values.get("ID", ""), values.get("VERSION_ID", values.get("BUILD_ID", ""))


def kernel(root: Root) -> Tuple[str, str]:
    """Return (kernel, version), e.g. `("Linux", "6.1.0-18-amd64")`."""
    name = root.text("/proc/sys/kernel/ostype")
    release = root.text("/proc/sys/kernel/osrelease")
    if root.real and not release:
        name, release = os.uname().sysname, os.uname().release
    return name, release


def host_name(root: Root) -> str:
    """Return the OS host name."""
    return root.text("/proc/sys/kernel/hostname") or root.text("/etc/hostname")


def boot_id(root: Root) -> str:
    """Return the id that the kernel made for this boot; the empty text when unknown."""
    return root.text("/proc/sys/kernel/random/boot_id")


TIME_SERVICES = ("chronyd", "ntpd", "ntp-daemon", "phc2sys", "systemd-timesyn")
"""Programs that set clocks, by the names of their processes (15 characters)."""


def time_service(root: Root) -> str:
    """Return the time service that runs on this host, e.g. `systemd-timesyncd`; empty when none does."""
    for name in root.names("/proc"):
        if name.isdigit():
            comm = root.text(f"/proc/{name}/comm", 64)
            if comm in TIME_SERVICES:
                return comm + ("cd" if comm.endswith("timesyn") else "")
    return ""


class Gauges(NamedTuple):
    """What moves all the time: sent with each heartbeat, never a reason to send the facts again."""

    load1: float
    cpu_percent: float
    memory_used_mb: int
    uptime_seconds: int


class Meter:
    """Reads the gauges; CPU percent is the mean since the reading before."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._busy, self._all = self._ticks()

    def read(self) -> Gauges:
        """Return the gauges now."""
        busy, all_ = self._ticks()
        spent, passed = busy - self._busy, all_ - self._all
        self._busy, self._all = busy, all_
        percent = round(100.0 * spent / passed, 1) if passed > 0 else 0.0
        return Gauges(
            _first_float(self._root.text("/proc/loadavg")),
            max(0.0, min(100.0, percent)),
            memory_mb(self._root)[1],
            int(_first_float(self._root.text("/proc/uptime"))),
        )

    def _ticks(self) -> Tuple[int, int]:
        fields = self._root.text("/proc/stat", 512).partition("\n")[0].split()[1:]
        if len(fields) < 5 or not all(field.isdigit() for field in fields):
            return 0, 0
        ticks = [int(field) for field in fields[:8]]
        idle = ticks[3] + ticks[4]
        return sum(ticks) - idle, sum(ticks)


def _first_float(text: str) -> float:
    try:
        return float(text.split()[0])
    except (ValueError, IndexError):
        return 0.0
