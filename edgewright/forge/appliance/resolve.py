"""A fresh lock: apt chooses the versions, in a folder of its own, as if nothing were installed on this machine."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgewright.core.errors import Failed, Unreachable
from edgewright.forge.appliance import parts
from edgewright.forge.appliance.lock import Lock, Package
from edgewright.forge.programs import run
from edgewright.forge.progress import Job
from edgewright.forge.scratch import scratch

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def refresh(mirrors: Mapping[str, str], job: Job, names: Sequence[str] = parts.PACKAGES) -> Lock:
    """Return a lock of the present versions of `names` and all that they need.

    Raises `Failed` when apt cannot choose them, `Unreachable` when a mirror does not answer.
    """
    with scratch("lock") as place:
        folder = Path(place)
        env = _private(folder, mirrors)
        job.step("reading the package lists", "steps")
        # apt continues without a list that it could not read; a lock made so would lack the security archive's versions
        _apt(
            ["apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update"],
            env,
            job,
            "read the package lists",
            Unreachable,
        )
        job.step("choosing versions", "steps")
        wanted = _chosen(names, mirrors, env, job)
        known = _described([f"{name}={version}" for name, version, _ in wanted], env, job)
        packages = []
        for name, version, archive in wanted:
            fields = known[name, version]
            packages.append(
                Package(
                    name,
                    version,
                    fields["Architecture"],
                    archive,
                    fields["Filename"],
                    int(fields["Size"]),
                    fields["SHA256"],
                )
            )
        return Lock(
            "debian", parts.ARCHITECTURE, parts.SUITES, _newest(folder / "state/lists"), tuple(sorted(packages))
        )


def _private(folder: Path, mirrors: Mapping[str, str]) -> dict[str, str]:
    """Write apt's configuration: nothing of the machine's package state is read or changed; its proxies stay."""
    for name in ("state/lists/partial", "cache/archives/partial", "parts"):
        (folder / name).mkdir(parents=True)
    (folder / "status").write_text("")
    signed = f"signed-by={KEYRING} " if KEYRING.is_file() else ""
    lines = [
        f"deb [{signed}arch={parts.ARCHITECTURE}] {mirrors[archive]} {suite} {' '.join(parts.COMPONENTS)}\n"
        for archive, suite in parts.SUITES
    ]
    (folder / "sources.list").write_text("".join(lines))
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": folder / "parts",
        "Dir::Etc::preferences": folder / "none",
        "Dir::Etc::preferencesparts": folder / "parts",
        "APT::Architecture": parts.ARCHITECTURE,
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
    }
    text = "".join(f'{key} "{value}";\n' for key, value in settings.items())
    (folder / "apt.conf").write_text(text + f'APT::Architectures {{ "{parts.ARCHITECTURE}"; }};\n')
    return {"APT_CONFIG": str(folder / "apt.conf")}


def _apt(
    text: Sequence[str], env: Mapping[str, str], job: Job, doing: str, error: type[Failed | Unreachable] = Failed
) -> list[str]:
    """Return every line that apt printed. Raises `error` with its first complaint."""
    lines: list[str] = []
    done = run(text, job, on_line=lines.append, env=env)
    if done.code != 0:
        reported = next((line[2:].strip() for line in lines if line.startswith("E:")), f"code {done.code}")
        raise error(
            f"apt could not {doing}: {reported.rstrip('.')}.", "Check apt's sources and the network, then run it again."
        )
    return lines


def _chosen(
    names: Sequence[str], mirrors: Mapping[str, str], env: Mapping[str, str], job: Job
) -> list[tuple[str, str, str]]:
    """Return (name, version, archive) of every package, the essential ones too."""
    terms = ["apt-get", "-qq", "-y", "--print-uris", "install", "?essential", *names]
    matches = []
    for line in _apt(terms, env, job, "choose the packages"):
        match = re.match(r"'([^']+)' (\S+)_(\S+)_[a-z0-9]+\.deb \d+", line)
        if match:
            address, name, version = match.groups()
            # the longer address first: one mirror's may begin with another's
            archive = max((a for a, m in mirrors.items() if address.startswith(m + "/")), key=lambda a: len(mirrors[a]))
            matches.append((name, version.replace("%3a", ":").replace("%7e", "~"), archive))
    if not matches:
        raise Failed("apt named no package to install.", "Check apt's sources on this machine.")
    return matches


def _described(text: Sequence[str], env: Mapping[str, str], job: Job) -> dict[tuple[str, str], dict[str, str]]:
    """Return the fields of each package's stanza by name and version."""
    known: dict[tuple[str, str], dict[str, str]] = {}
    fields: dict[str, str] = {}
    for line in _apt(["apt-cache", "show", *text], env, job, "describe the packages"):
        if line.startswith("Package: "):
            fields = {}
        key, _, value = line.partition(": ")
        if key and not key.startswith(" "):
            fields[key] = value
        if "Package" in fields and "Version" in fields:
            known[fields["Package"], fields["Version"]] = fields
    return known


def _newest(lists: Path) -> int:
    """Return the time of the newest list: the same lists give the same lock, whenever it is refreshed."""
    newest = 0
    for file in lists.glob("*Release"):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Date: "):
                newest = max(newest, int(email.utils.parsedate_to_datetime(line[6:]).timestamp()))
                break
    if not newest:
        raise Failed("apt's lists bear no date.", "Check the mirror.")
    return newest
