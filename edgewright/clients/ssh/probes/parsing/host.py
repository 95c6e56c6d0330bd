"""Identity, boot, units, memory and time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from edgewright.clients.ssh.probes.parsing.lines import first, integer_of, log, number, with_word, without_secrets
from edgewright.core.doctor.facts import LogLine, Unit

Lines = Sequence[str]
_LOADS = frozenset({"loaded", "not-found", "masked", "error", "bad-setting", "merged", "stub"})


def identity(lines: Lines) -> dict[str, Any]:
    """Return host name, system, kernel, ids of boot and system, and whether this is a container."""
    system = first(lines, "os PRETTY_NAME").strip("\"'")
    names = " ".join(with_word(lines, "os"))
    return {
        "hostname": first(lines, "hostname"),
        "system": system,
        "kernel": first(lines, "kernel"),
        "container": first(lines, "container"),
        "immutable": "KAIROS_VERSION" in names,
        "machine": (first(lines, "boot-id"), first(lines, "machine-id")),
    }


def cmdline(lines: Lines) -> dict[str, Any]:
    """Return the slot of this boot, and whether the last upgrade failed."""
    parts = " ".join(lines).split()
    if not parts:
        return {}
    text = " ".join(parts)
    slot = ""
    for name, mark in (("passive", "COS_PASSIVE"), ("recovery", "COS_RECOVERY"), ("active", "COS_ACTIVE")):
        if not slot and (f"LABEL={mark}" in text or f"cos-img/filename=/cOS/{name}.img" in text or mark in parts):
            slot = name
    if not slot and ("recovery-mode" in parts or "COS_SYSTEM" in text):
        slot = "recovery"
    return {"cmdline": text, "slot": slot, "upgrade_failure": "upgrade_failure" in text}


def uptime(lines: Lines) -> dict[str, Any]:
    """Return seconds since boot, load of the last minute, processors."""
    parts, load = first(lines, "uptime").split(), first(lines, "load").split()
    return {
        "uptime": number(parts[0]) if parts else None,
        "load": number(load[0]) if load else None,
        "cpus": integer_of(first(lines, "cpus")),
    }


def slots(lines: Lines) -> dict[str, Any]:
    """Return the boot environment; a marker file is better evidence of the slot than the command line."""
    facts: dict[str, Any] = {}
    pairs = (line.partition("=") for line in with_word(lines, "env"))
    facts["boot_env"] = {name: value for name, mark, value in pairs if mark}
    written = first(lines, "upgraded").split()
    facts["upgrade_file"] = written[-1] if written else ""
    facts["upgrade_at"] = number(written[0]) if len(written) == 2 else None
    facts["upgrade_log"] = tuple(without_secrets(row) for row in with_word(lines, "upgrade"))
    for name in ("active", "passive", "recovery", "live"):
        if f"marker {name}_mode" in lines:
            facts["slot"] = name
    return facts


def kernel(lines: Lines) -> dict[str, Any]:
    """Return the messages of the kernel that matter; those of `dmesg` have seconds of uptime, see `with_times`."""
    return {"kernel_log": log(lines)}


def with_times(lines: Sequence[LogLine], clock: float | None, uptime: float | None) -> tuple[LogLine, ...]:
    """Return messages of `dmesg` with times of the host's clock."""
    results = []
    for line in lines:
        match = re.fullmatch(r"(?:<\d+>)?\[ *(\d{1,9}\.\d{1,9})\] (.*)", line.text) if line.at is None else None
        if match is not None:
            at = None if clock is None or uptime is None else clock - uptime + float(match[1])
            line = LogLine(at, "kernel", match[2])
        results.append(line)
    return tuple(results)


def units(lines: Lines) -> dict[str, Any]:
    """Return the units that the host has, by name without `.service`.

    11.1: `LoadState=not-found` is what exit code 4 of `systemctl status` means (no such unit, no fault by itself),
    an inactive or failed one is code 3, an active one code 0.
    """
    if "no-systemctl" in lines or first(lines, "system") == "offline":
        return {"systemd": False}
    results: dict[str, Unit] = {}
    block: dict[str, str] = {}
    for line in [*lines, ""]:
        name, mark, value = line.partition("=")
        if mark and re.fullmatch(r"[A-Za-z]+", name):
            block[name] = value
        elif block:
            unit = _unit(block)
            if unit is not None and unit.load != "not-found":
                results[unit.name] = unit
            block = {}
    if not results and not first(lines, "system"):
        return {}
    return {"systemd": True, "units": results, "system_state": first(lines, "system")}


def errors(lines: Lines) -> dict[str, Any]:
    """Return units that failed or are starting, with what they wrote last, by the name with its ending."""
    block: dict[str, str] = {}
    states: dict[str, Unit] = {}
    logs: dict[str, list[str]] = {}
    for line in [*lines, ""]:
        if line.startswith("log "):
            name, _, text = line[4:].partition(" ")
            logs.setdefault(name, []).append(text)
            line = ""
        key, mark, value = line.partition("=")
        if mark and re.fullmatch(r"[A-Za-z]+", key):
            block[key] = value
        elif block:
            unit = _unit(block)
            if unit is not None:
                states[block["Id"]] = unit
            block = {}
    return {
        "other_units": states,
        "unit_logs": {name: log(rows) for name, rows in logs.items()},
        "sshd_faults": tuple(with_word(lines, "sshd")),
    }


def _unit(block: dict[str, str]) -> Unit | None:
    name, load = block.get("Id", "").removesuffix(".service"), block.get("LoadState", "")
    if not name or load not in _LOADS:
        return None
    looked_at = block.get("ConditionTimestampMonotonic", "") not in ("", "0")  # `no` before, whatever they are
    condition, entered = block.get("ConditionResult", ""), block.get("ActiveEnterTimestampMonotonic", "")
    return Unit(
        name,
        load,
        block.get("ActiveState", ""),
        block.get("SubState", ""),
        block.get("UnitFileState", ""),
        block.get("Result", ""),
        integer_of(block.get("NRestarts", "")),
        condition == "yes" if condition in ("yes", "no") and looked_at else None,
        block.get("Type", ""),
        integer_of(block.get("ExecMainStatus", "")),
        entered != "0" if entered.isdecimal() else None,
        _moment(entered),
        _moment(block.get("InactiveExitTimestampMonotonic", "")),
        _moment(block.get("StateChangeTimestampMonotonic", "")),
    )


def _moment(text: str) -> float | None:
    """Return microseconds of uptime as seconds; 0 means never."""
    return int(text) / 1e6 if integer_of(text) else None


def failed(lines: Lines, status: int | None) -> dict[str, Any]:
    """Return the names of all failed units."""
    if status != 0:
        return {}
    names = [line.split()[0].lstrip("●*") or line.split()[-1] for line in lines if line.strip()]
    return {"failed_units": tuple(name for name in names if "." in name)}


def jobs(lines: Lines, status: int | None) -> dict[str, Any]:
    """Return jobs that wait or run, as `UNIT TYPE STATE`."""
    if status != 0:
        return {}
    rows = [line.split() for line in lines]
    return {"waiting_jobs": tuple(" ".join(row[1:4]) for row in rows if len(row) == 4 and row[0].isdecimal())}


def processes(lines: Lines) -> dict[str, Any]:
    """Return which programs of an edge host run."""
    rows = [line.split() for line in lines]
    return {
        "processes": frozenset(row[1] for row in rows if len(row) == 2 and row[0].isdecimal()),
        "frozen_units": tuple(dict.fromkeys(with_word(lines, "frozen"))),
    }


def memory(lines: Lines) -> dict[str, Any]:
    """Return memory, whether swap is on, and units of which the kernel killed a process."""
    sizes: dict[str, int | None] = {}
    for line in lines:
        match = re.fullmatch(r"(Mem\w+|Swap\w+): +(\d+) kB", line, re.ASCII)
        if match:
            sizes[match[1]] = integer_of(match[2])
    kills = [row.split() for row in with_word(lines, "oom")]
    swap = sizes.get("SwapTotal")
    signals = log(with_word(lines, "oom-log"))
    return {
        "memory_kb": sizes.get("MemTotal"),
        "available_kb": sizes.get("MemAvailable"),
        "swap": None if swap is None else swap > 0,
        "oom_units": tuple((row[1], integer_of(row[0]) or 0) for row in kills if len(row) == 2),
        "oom_log": tuple(line for line in signals if "code=killed" not in line.text),
        "kill_log": tuple(line for line in signals if "code=killed" in line.text),
    }


def limits(lines: Lines) -> dict[str, Any]:
    """Return how much of the limits of processes and of tracked connections is used."""
    threads = [integer_of(word) for word in first(lines, "threads").split()]
    tracked = [integer_of(word) for word in first(lines, "conntrack").split()]
    facts: dict[str, Any] = {}
    if len(threads) == 3 and None not in threads:
        facts["threads"], facts["threads_limit"] = threads[0], min(n for n in threads[1:] if n is not None)
    if len(tracked) == 2 and None not in tracked:
        facts["conntrack"] = tuple(tracked)
    rows = []
    for parts in (row.split(None, 3) for row in with_word(lines, "pids")):
        numbers = [integer_of(word) for word in parts[:3]]
        if len(parts) == 4 and None not in numbers:
            rows.append((parts[3], *(n or 0 for n in numbers)))
    return {**facts, "limited": tuple(rows)}


def clock(lines: Lines) -> dict[str, Any]:
    """Return the time that the host shows, and its uptime at that moment: other probes may run many seconds apart."""
    up = number(first(lines, "uptime"))
    return {"clock": number(first(lines, "epoch")), **({} if up is None else {"uptime": up})}


def synchronized(lines: Lines) -> dict[str, Any]:
    """Return whether a time service reports the clock as synchronized."""
    chrony = [line for line in with_word(lines, "chrony") if line.startswith("Leap status")]
    if chrony:
        return {"time_synchronized": "Not synchronised" not in chrony[0]}
    for line in lines:
        if line.startswith("NTPSynchronized="):
            return {"time_synchronized": line == "NTPSynchronized=yes"}
    return {}
