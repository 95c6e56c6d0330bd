"""Rules about disks, memory and clock."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence, Tuple

from edgewright.core import times
from edgewright.core.doctor.facts import Facts, FileSystem, LogLine
from edgewright.core.doctor.findings import (
    CONFIRM,
    DESTRUCTIVE,
    LIKELY,
    MACHINE,
    SAFE,
    SURE,
    UNSURE,
    Evidence,
    Finding,
    Fix,
    word,
)
from edgewright.core.doctor.repairs import fix_of
from edgewright.core.doctor.rules.reading import SHOWN, match, quote, recent, size
from edgewright.core.text import amount, clip

FULL = 95
"""Percent used from which a file system is full: a kubelet evicts from there, and root's reserve is 5 %."""
LEAST_FREE_KB = 20 * 1024
IMAGES = frozenset({"squashfs", "iso9660", "erofs", "cramfs", "udf", "devtmpfs", "efivarfs"})
"""File systems that are always full, or that are never filled."""
MEMORY = frozenset({"tmpfs", "ramfs"})
CLOCK_OFF = 60.0
"""Seconds from which a clock is wrong; agent and hub use the same."""
WRITABLE = frozenset(
    {
        "/var",
        "/var/log",
        "/var/lib",
        "/var/lib/edgewright",
        "/var/lib/containerd",
        "/var/lib/kubelet",
        "/var/lib/etcd",
        "/var/lib/rancher",
        "/usr/local",
        "/opt",
        "/oem",
        "/etc",
        "/tmp",
        "/var/tmp",
        "/etc/kubernetes",
    }
)
"""Folders that a host writes to."""


_DISK_ERRORS = (
    r"I/O error|EXT4-fs error|XFS .*(corrupt|error|shut)|blk_update_request|medium error|BTRFS.*(error|corrupt)"
    r"|failed command: |nvme.*(timeout|controller is down)|offline device|JBD2: .*(error|abort)|mmc\d.*(error|timeout)"
)
_OOM = r"out of memory|oom-kill|killed process"
KILL_TOGETHER = 2.5
"""Seconds between the kernel's line about a kill and systemd's: the clock of `dmesg` drifts."""
DISKS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs"})
OLD_ERRORS = 86_400.0
"""Seconds after which errors of a disk may be those of one that was taken out since."""


def rules(facts: Facts) -> List[Finding]:
    """Return what is wrong with disks, memory and clock."""
    return [*_disks(facts), *_read_only(facts), *_memory(facts), *_clock(facts), *_trim(facts)]


def _trim(facts: Facts) -> List[Finding]:
    """Return that the encrypted disks of a host with Trusted Boot get slow; others are encrypted by their owners."""
    if not facts.without_discards or "rd.immucore.uki" not in facts.cmdline:
        return []
    name = facts.without_discards[0]
    text = f"The encrypted disk {name} passes no TRIM on: it gets slow as it is written to."
    fix = Fix("show its settings", f"cryptsetup status {word(name)}", SAFE)
    evidence = (Evidence("disk.mounts", f"{name}: no allow_discards"),)
    return [Finding("no-trim", text, evidence, "Allow discards for the encrypted disks.", UNSURE, name, (fix,))]


def _disks(facts: Facts) -> List[Finding]:
    findings = []
    for system in facts.file_systems:
        if system.read_only or system.kind in IMAGES:
            continue
        free = system.free_kb
        if (
            system.used is not None
            and (system.used >= FULL or (free is not None and free < LEAST_FREE_KB))
            and _counts(system)
        ):
            findings.append(_full(facts, system))
        if system.inodes_used is not None and system.inodes_used >= FULL:
            text = f"{system.mount} has no inodes left ({system.inodes_used} % used): no file can be created there."
            fix = Fix(
                "find the folder with the most files",
                f"find {word(system.mount)} -xdev -printf '%h\\n' | sort | uniq -c | sort -rn | head",
            )
            step = "Find the folder with the most files and remove what is not needed."
            evidence = (Evidence("disk.inodes", f"{system.mount}: inodes {system.inodes_used} % used"),)
            findings.append(Finding("inodes-full", text, evidence, step, SURE, system.mount, (fix,)))
    return findings


def _counts(system: FileSystem) -> bool:
    """Return whether a full one is a fault; a small one in memory that is nearly empty has little free as well."""
    if system.used is not None and system.used >= FULL:
        return True
    return system.kind not in MEMORY and (system.size_kb or 0) > 8 * LEAST_FREE_KB


def _full(facts: Facts, system: FileSystem) -> Finding:
    places = set(system.paths)
    users = [row for row in facts.usage if _on(system, row[0], facts)]
    text = f"{system.mount} is full ({size(system.free_kb)} free of {size(system.size_kb)})"
    text += f"; {_most_of_it(users, system.mount)}." if users and users[0][1] > 1024 else "."
    evidence = [Evidence("disk.space", f"{system.mount}: {system.used} % used, {size(system.free_kb)} free")]
    evidence += [Evidence("disk.usage", f"{path} {size(kb)}") for path, kb in users[:3]]
    fixes: List[Fix] = []
    folders = [path for path, kb in users if kb > 50 * 1024]
    if "/var/log/journal" in folders:
        fixes.append(Fix("shorten the journal to 500 MB", "journalctl --vacuum-size=500M", SAFE))
    if any(
        path.startswith(("/var/lib/containerd", "/var/lib/edgewright/containerd", "/var/lib/rancher"))
        for path in folders
    ):
        fixes.append(Fix("list images and their size", "crictl images", SAFE))
        fixes.append(Fix("remove images that no container uses", "crictl rmi --prune", DESTRUCTIVE))
    if "/var/crash" in folders:
        fixes.append(Fix("list the crash dumps", "ls -la /var/crash", SAFE))
    if not fixes:
        fixes.append(Fix("list the largest folders", f"du -xh {word(system.mount)} | sort -rh | head -n 20", SAFE))
    step = f"Free space on {system.mount}: {fixes[0].title}."
    important = system.kind not in MEMORY or places & {"/run", "/tmp"}
    return Finding("disk-full", text, tuple(evidence), step, SURE if important else LIKELY, system.mount, tuple(fixes))


def _most_of_it(users: Sequence[Tuple[str, int]], mount: str) -> str:
    """Return what has most of a full disk: the innermost that has half of what is around it, and its largest part."""
    (path, kb), parts = users[0], _within(users[0][0], users)
    while parts and (2 * parts[0][1] >= kb or path == mount):
        (path, kb), parts = parts[0], _within(parts[0][0], users)
    largest = f", {clip(parts[0][0], SHOWN)} {size(parts[0][1])}" if parts and parts[0][1] > 1024 else ""
    return f"{clip(path, SHOWN)} has {size(kb)} of it{largest}"


def _within(path: str, users: Sequence[Tuple[str, int]]) -> List[Tuple[str, int]]:
    return [row for row in users if row[0].startswith(path.rstrip("/") + "/")]


def _on(system: FileSystem, path: str, facts: Facts) -> bool:
    """Return whether a folder is on a file system: the longest mount that begins it."""
    mounts = [s.mount for s in facts.file_systems if path == s.mount or path.startswith(s.mount.rstrip("/") + "/")]
    return bool(mounts) and max(mounts, key=len) == system.mount


def _read_only(facts: Facts) -> List[Finding]:
    findings = []
    recent_lines = list(reversed(facts.kernel_log))
    disks = [line for line in recent_lines if not re.search(r"\bdev (fd|sr)\d", line.text)]  # an empty drive is normal
    others: List[LogLine] = []
    if facts.container:  # it sees the messages of its machine, too: those about its own disks count
        own = [s.device.removeprefix("/dev/") for s in facts.file_systems if s.device.startswith("/dev/")]
        own += facts.disks.values()
        others = [line for line in recent(facts, facts.kernel_log) if line.at is not None and line in disks]
        disks = [line for line in disks if any(re.search(rf"\b{re.escape(name)}\b", line.text) for name in own)]
    findings += _unread(facts)
    errors = match(disks, _DISK_ERRORS)
    if errors is None and not findings:
        findings += _of_machine("io-errors", match(others, _DISK_ERRORS), "reports errors of a disk")
    if errors is not None:
        disk = re.search(r"\b(x?vd[a-z]+|sd[a-z]+|nvme\d{1,3}n\d{1,3}|mmcblk\d{1,3}|loop\d{1,7})", errors.text)
        fix = Fix("list the disks", "lsblk -o NAME,SIZE,TYPE,MODEL,MOUNTPOINT", SAFE)
        if disk is not None:
            fix = Fix("read the disk's own report", f"smartctl -a /dev/{disk[1]}", SAFE)
        text = "The kernel reports errors of a disk or file system."
        step = "Check cable and disk, save what is on it, then replace it."
        age = None if errors.at is None or facts.clock is None else facts.clock - errors.at
        certainty = UNSURE if age is not None and age > OLD_ERRORS else LIKELY
        findings.append(Finding("io-errors", text, (quote("boot.kernel", errors),), step, certainty, "", (fix,)))
    wanted = [path for path in facts.no_writes if path in WRITABLE and not _expected(facts, path)]
    if wanted:
        mount = _mount_of(facts, wanted[0])
        shown = ", ".join(wanted[:4])
        text = f"{shown} take no writes: {mount or 'the file system'} is mounted read-only."
        if len(wanted) == 1:
            text = text.replace(" take ", " takes ")
        if any(system.mount == mount and system.read_only is False for system in facts.file_systems):
            text = f"Nothing can be written to {shown}, though {mount} is mounted writable (chattr +i? errors?)."
        evidence = [Evidence("disk.mounts", f"no writes: {shown}")]
        line = match(recent_lines, r"read-only")
        if line is not None and not facts.container:
            evidence.append(quote("boot.kernel", line))
        fix = fix_of("mount-writable", mount or "/")
        step = "Find out why (a disk with errors is mounted read-only by the kernel), then mount it writable again."
        findings.append(Finding("read-only", text, tuple(evidence), step, SURE, mount or wanted[0], (fix,)))
        return findings
    return [*findings, *_mounted_read_only(facts)]


def _unread(facts: Facts) -> List[Finding]:
    """Return disks of which a block or a file cannot be read, or whose file system has counted errors."""
    findings = []
    step = "Check cable and disk, save what is on it, then replace it."
    fix = Fix("list the disks", "lsblk -o NAME,SIZE,TYPE,MODEL,MOUNTPOINT", SAFE)
    for mount, error in facts.read_faults[:3]:
        text = f"The disk of {mount} cannot be read: {clip(error.rpartition(': ')[2], 60)}."
        shown = (Evidence("disk.reads", clip(error, 160)),)
        findings.append(Finding("io-errors", text, shown, step, SURE, mount, (fix,)))
    for mount, count, at in facts.counted_errors[:3]:
        if any(finding.object == mount for finding in findings):
            continue
        old = at is None or facts.clock is None or facts.clock - at > OLD_ERRORS
        text = f"The file system of {mount} has counted {amount(count, 'error')}."
        when = f", the last {times.rfc3339(at)}" if at is not None else ""
        shown = (Evidence("disk.reads", f"{mount}: errors_count {count}{when}"),)
        findings.append(Finding("io-errors", text, shown, step, UNSURE if old else LIKELY, mount, (fix,)))
    return findings


def _of_machine(symptom: str, line: Optional[LogLine], what: str) -> List[Finding]:
    """Return what the kernel of the machine below a container wrote just now: it may be about another container."""
    if line is None:
        return []
    text = f"The kernel of the machine that this container runs on {what}; it may be another container's."
    fix = Fix("read the kernel's messages", "dmesg | tail -n 50", SAFE)
    step = "Look at the machine below, and whether a program of this host was concerned."
    return [Finding(symptom, text, (quote("boot.kernel", line),), step, UNSURE, MACHINE, (fix,))]


def _mounted_read_only(facts: Facts) -> List[Finding]:
    """Return disks that are mounted read-only against /etc/fstab, or for no reason that is known."""
    findings = []
    wanted = {entry.mount: entry.writes for entry in facts.fstab}
    for system in facts.file_systems:
        if system.read_only is not True or system.kind not in DISKS or system.mount.startswith("/run/host"):
            continue
        against = wanted.get(system.mount) is True
        meant = wanted.get(system.mount) is False or system.mount == "/" or system.mount.startswith("/boot")
        if facts.immutable or (meant and not against):
            continue
        why = ": /etc/fstab mounts it writable" if against else ""
        text = f"{system.mount} is mounted read-only{why}."
        fix = Fix("mount it writable", f"mount -o remount,rw {word(system.mount)}", CONFIRM)
        step = "Find out why (the kernel does it after errors of a disk), then mount it writable again."
        shown = (Evidence("disk.mounts", f"{system.mount} {system.kind} ro"),)
        certainty = LIKELY if against else UNSURE
        findings.append(Finding("read-only", text, shown, step, certainty, system.mount, (fix,)))
    return findings


def _expected(facts: Facts, path: str) -> bool:
    """Return whether a folder that takes no writes is how an image-based system is made."""
    return facts.immutable and path in ("/opt", "/usr/local", "/etc", "/var", "/var/lib") and "/var/log" in facts.writes


def _mount_of(facts: Facts, path: str) -> str:
    mounts = [s.mount for s in facts.file_systems if path == s.mount or path.startswith(s.mount.rstrip("/") + "/")]
    return max(mounts, key=len) if mounts else ""


def _memory(facts: Facts) -> List[Finding]:
    findings = []
    killed = [(name, count) for name, count in facts.oom_units if count]
    line, by_signal = _kernel_kill(facts)
    results = [unit.name for unit in facts.units.values() if unit.result == "oom-kill"]
    written = match(recent(facts, facts.oom_log), r"\S+\.\w+: ")
    if killed or results or line is not None or written is not None:
        units = [] if written is None else [written.text.partition(": ")[0].removesuffix(".service")]
        units = units or ([by_signal.text.partition(": ")[0].removesuffix(".service")] if by_signal else [])
        names = results or units or [name for name, _ in killed]
        text = f"The kernel ended programs for want of memory{': ' + ', '.join(names[:3]) if names else ''}."
        evidence = [Evidence("units.memory", f"{name}: {count} killed") for name, count in killed[:3]]
        evidence += [Evidence("units.state", f"{name}: Result=oom-kill") for name in results[:3]]
        if line is not None:
            evidence.append(quote("boot.kernel", line))
        if written is not None:
            evidence.append(quote("units.memory", written))
        fix = Fix("list what uses the memory", "ps -eo rss,pid,args --sort=-rss | head -n 15", SAFE)
        step = "Find the program or pod that uses the memory, and give it a limit or the host more memory."
        timed = results or line is not None or written is not None
        certainty = SURE if timed else UNSURE  # a count has no time: it may be weeks old
        findings.append(
            Finding("out-of-memory", text, tuple(evidence), step, certainty, names[0] if names else "", (fix,))
        )
    elif facts.container:
        findings += _of_machine(
            "out-of-memory", match(recent(facts, facts.kernel_log), _OOM), "ended a program for memory"
        )
    total, free = facts.memory_kb, facts.available_kb
    if total and free is not None and free * 100 < total * 5:
        text = f"Memory is nearly used up: {size(free)} available of {size(total)}."
        fix = Fix("list what uses the memory", "ps -eo rss,pid,args --sort=-rss | head -n 15", SAFE)
        shown = (Evidence("units.memory", f"MemAvailable {size(free)} of {size(total)}"),)
        findings.append(Finding("memory-low", text, shown, "Find the program that uses the memory.", SURE, "", (fix,)))
    return findings


def _kernel_kill(facts: Facts) -> "Tuple[Optional[LogLine], Optional[LogLine]]":
    """Return the kernel's line about a program that it ended for memory, and the end of a unit that goes with it.

    A container sees the lines of its machine: one counts for it when a unit of its own ended by KILL at that moment.
    """
    lines = [line for line in recent(facts, facts.kernel_log) if match([line], _OOM) is not None]
    for line in lines:
        for kill in facts.kill_log:
            if line.at is not None and kill.at is not None and abs(line.at - kill.at) <= KILL_TOGETHER:
                return line, kill
    return (None if facts.container or not lines else lines[0]), None


def _clock(facts: Facts) -> List[Finding]:
    off = facts.clock_off
    if off is None or abs(off) - facts.clock_error < CLOCK_OFF:
        return []
    side = "ahead of" if off > 0 else "behind"
    text = f"The clock is {times.duration(abs(off))} {side} this machine's."
    evidence = [Evidence("time.clock", f"host {times.rfc3339(facts.clock)}, this machine {times.rfc3339(facts.at)}")]
    if facts.time_synchronized is not None:
        evidence.append(Evidence("time.sync", f"synchronized: {'yes' if facts.time_synchronized else 'no'}"))
    service = next(
        (n for n in ("chronyd", "chrony", "systemd-timesyncd", "ntp") if n in facts.units), "systemd-timesyncd"
    )
    fixes = (
        fix_of("time-restart", service),
        Fix("set the clock", f"date -u -s '{_plain(facts.at)}'", CONFIRM),
    )
    certainty = LIKELY if facts.time_synchronized else SURE  # then this machine may be the one that is wrong
    step = "Check the time service and its servers; make sure that the clock of this machine is right."
    return [Finding("clock-wrong", text, tuple(evidence), step, certainty, "", fixes)]


def _plain(moment: float) -> str:
    """Return a time as every `date -s` takes it, BusyBox's too."""
    return times.rfc3339(moment)[:19].replace("T", " ")
