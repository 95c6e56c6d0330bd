"""Programs from Debian: packages of a suite, unpacked beside the system and never installed into it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from edgewright.core.errors import NotFound
from edgewright.lab.kubernetes import programs
from edgewright.lab.kubernetes.cache import Cache

NEW = "sid"
"""The suite of containerd: that of the lab's hosts is too old for Kubernetes 1.34 and later."""
HOST = "bookworm"
"""The suite of the lab's hosts: programs with libraries must come from there."""
NEW_PACKAGES = ("containerd",)
HOST_PACKAGES = ("runc", "keepalived", "containernetworking-plugins", "busybox-static")
LAYER_PACKAGES = ("nftables", "iptables", "kmod", "libc6")
"""What kube-proxy's and flannel's images need below their programs."""

_URIS = re.compile(r"^URIs:\s*(\S+)", re.MULTILINE)
_LINE = re.compile(r"^deb\s+(?:\[[^]]*\]\s+)?(https?://\S+)", re.MULTILINE)
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def mirror(sources: Path = Path("/etc/apt")) -> str:
    """Return the Debian mirror that this machine's apt uses. Raises `NotFound`."""
    for path in [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        text = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#"))
        for uri in [*_URIS.findall(text), *_LINE.findall(text)]:
            if uri.rstrip("/").endswith("/debian"):
                return str(uri)
    raise NotFound(
        "apt of this machine names no mirror of Debian.", f"Add one to {sources}/sources.list.d (URIs: .../debian)."
    )


def unpacked(cache: Cache, suite: str, packages: Sequence[str], arch: str) -> Path:
    """Return a folder with these packages of a suite unpacked, without what they depend on."""

    def make(folder: Path) -> None:
        what = f"Debian {suite} ({', '.join(packages)})"
        work = cache.folder / "work" / f"apt-{suite}-{arch}"
        options = _options(work, suite, arch)
        cache.report(f"{what}: reading the list of packages")
        programs.run(["apt-get", *options, "update", "-q"], what, cache.folder)
        fetched = work / "fetched"
        fetched.mkdir(exist_ok=True)
        for old in fetched.glob("*.deb"):
            old.unlink()
        wanted = [f"{name}:{arch}" for name in packages]
        programs.run(["apt-get", *options, "download", "-q", *wanted], what, cache.folder, cwd=fetched)
        for deb in sorted(fetched.glob("*.deb")):
            programs.run(["dpkg-deb", "-x", deb, folder], what, cache.folder)
        # a file is named PACKAGE_VERSION_ARCHITECTURE.deb, with %3a for the colon behind an epoch
        names = [deb.stem.split("_") for deb in sorted(fetched.glob("*.deb"))]
        lines = [f"{fields[0]} {fields[1].rpartition('%3a')[2]}\n" for fields in names]
        (folder / "VERSIONS").write_text("".join(lines))

    return cache.part(f"debian-{suite}", {"suite": suite, "packages": list(packages), "arch": arch, "form": 2}, make)


def _options(work: Path, suite: str, arch: str) -> list[str]:
    """Write a configuration of apt apart from the machine's; its proxies and logins stay in force."""
    for part in ("state/lists/partial", "cache/archives/partial", "preferences.d", "sources.d"):
        (work / part).mkdir(parents=True, exist_ok=True)
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING} arch={arch}] {mirror()} {suite} main\n")
    (work / "status").touch()
    facts = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": work / "sources.d",
        "Dir::Etc::PreferencesParts": work / "preferences.d",
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Architecture": arch,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        # mirrors are often frozen at a day, and the list of a moving suite then counts as expired; it is still signed
        "Acquire::Check-Valid-Until": "false",
    }
    return [word for key, value in facts.items() for word in ("-o", f"{key}={value}")]


def base_layer(cache: Cache, arch: str) -> Path:
    """Return a folder with the C library, nft and iptables, for images that need them."""

    def make(folder: Path) -> None:
        command = [
            "mmdebstrap",
            "--quiet",
            f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
            "--variant=extract",
            f"--architectures={arch}",
            '--aptopt=Acquire::Languages "none"',
            f"--include={','.join(LAYER_PACKAGES)}",
            HOST,
            str(folder / "root"),
        ]
        programs.run(command, "The layer with nft and iptables", cache.folder)
        links = {"iptables": "xtables-nft-multi", "ip6tables": "xtables-nft-multi"}
        for name in ("iptables", "ip6tables"):
            for suffix in ("", "-save", "-restore"):
                path = folder / "root/usr/sbin" / f"{name}{suffix}"
                path.unlink(missing_ok=True)  # an alternative that is not set up, because nothing was configured
                path.symlink_to(links[name])

    recipe = {"suite": HOST, "packages": list(LAYER_PACKAGES), "arch": arch, "links": 1}
    return cache.part("base-layer", recipe, make)
