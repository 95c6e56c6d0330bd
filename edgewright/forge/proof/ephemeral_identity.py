"""The user-data of a proof: as it is on the ISO, but for who the host is and what QEMU cannot show. Pure.

The box that ships must not be a duplicate at the plane, so the copy names a host of its own and registers with a token
of its own. What QEMU's network cannot show is replaced by DHCP and is reported as not proven.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

ALWAYS = (
    "the real disks, network cards and firmware of the machine",
    "a TPM, and whatever is sealed by it",
    "how far the plane can be reached from the site's network",
)
"""What QEMU never proves."""
_NETWORK = {
    "httpProxy": "the proxy (httpProxy)",
    "httpsProxy": "the proxy (httpsProxy)",
    "noProxy": "the exceptions of the proxy (noProxy)",
    "nameserver": "the name server",
}
_NETWORK_FILES = (
    "/etc/systemd/network/",
    "/etc/netplan/",
    "/etc/NetworkManager/system-connections/",
    "/etc/sysconfig/network",
    "/etc/network/interfaces",
)
_JOINS = {"clusterId": "joining its cluster (clusterId)", "clusterName": "joining its cluster (clusterName)"}
_IDENTITY = {
    "tagsFromFile": "tags from a file of the machine",
    "tagsFromScript": "tags from a script, where it looks at the machine",
    "deviceUIDPaths": "the UID by deviceUIDPaths (the proof has a name of its own)",
}


class Copy(NamedTuple):
    """The copied document, the name the host goes by, and sentences about what is not proven by it."""

    document: dict[str, Any]
    uid: str
    not_proven: tuple[str, ...]


def new_uid() -> str:
    """Return a throw-away UID, e.g. `proof-3f9c21ab`."""
    return f"proof-{secrets.token_hex(4)}"


def make_copy(document: Mapping[str, Any], token: str, uid: str, tag: str) -> Copy:
    """Return the document with this token and UID, `edgewright-proof: TAG`, and DHCP; the given one stays as it is."""
    made: dict[str, Any] = copy.deepcopy(dict(document))
    messages: list[str] = []
    stylus = made.setdefault("stylus", {})
    site = stylus.setdefault("site", {})
    _addresses(site, messages)
    _files(made, messages)
    _disk(made, messages)
    for key, text in _JOINS.items():
        if site.pop(key, None):
            messages.append(text)
    messages += [text for key, text in _IDENTITY.items() if site.get(key)]
    if not site.get("name") and not site.get("deviceUIDPaths"):
        messages.append("the UID that the machine finds for itself (product_uuid)")
    site["edgeHostToken"] = token
    site["name"] = site["hostName"] = uid
    tags = site.get("tags")
    site["tags"] = {**(tags if isinstance(tags, Mapping) else {}), "edgewright-proof": tag}
    return Copy(made, uid, (*messages, *ALWAYS))


def _addresses(site: dict[str, Any], messages: list[str]) -> None:
    network = site.get("network")
    if not isinstance(network, dict):
        return
    for key, text in _NETWORK.items():
        if network.pop(key, None):
            messages.append(text)
    interfaces = network.pop("interfaces", None)
    if isinstance(interfaces, Mapping):
        for name, item in interfaces.items():
            facts = item if isinstance(item, Mapping) else {}
            if str(facts.get("type", "")).lower() == "static" or facts.get("ipAddress"):
                messages.append(f"the static address of {name} ({facts.get('ipAddress') or 'none given'})")
            else:
                messages.append(f"DHCP on {name} (the machine's card has another name)")
            if "vlan" in str(facts).lower() or "." in str(name):
                messages.append(f"the VLAN of {name}")
            if "bond" in str(facts).lower() or str(name).startswith("bond"):
                messages.append(f"the bond {name}")
    for key in [key for key in network if key in ("vlans", "bonds", "bridges")]:
        network.pop(key)
        messages.append(f"the {key} of the network")
    if not network:
        site.pop("network")


def _files(made: dict[str, Any], messages: list[str]) -> None:
    """Take network files out of the stages (and `write_files`): they name cards that the machine does not have."""
    stages = made.get("stages")
    for steps in stages.values() if isinstance(stages, dict) else ():
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, dict) and isinstance(step.get("files"), list):
                step["files"] = _without(step["files"], messages)
    if isinstance(made.get("write_files"), list):
        made["write_files"] = _without(made["write_files"], messages)


def _without(files: list[Any], messages: list[str]) -> list[Any]:
    stored = []
    for file in files:
        path = str(file.get("path", "")) if isinstance(file, Mapping) else ""
        if path.startswith(_NETWORK_FILES):
            text = str(file).lower()
            kinds = [word for word in ("VLAN", "bond") if word.lower() in text]
            messages.append(f"the {' and '.join(kinds) or 'addresses'} in {path}")
        else:
            stored.append(file)
    return stored


def _disk(made: dict[str, Any], messages: list[str]) -> None:
    """Let the installer choose the disk where its rule names a machine's very own one."""
    install = made.get("install")
    if not isinstance(install, dict):
        return
    device = str(install.get("device") or "")
    if device.startswith("/dev/sd"):
        messages.append(f"the choice of the disk ({device}: such names change with what is plugged in)")
        install["device"] = "auto"
    elif device.startswith("/dev/disk/") or (device and device != "auto" and not device.startswith("/dev/")):
        messages.append(f"the choice of the disk ({device})")
        install["device"] = "auto"
    if install.get("encrypted_partitions"):
        messages.append("encrypted partitions")


def disk_gib(document: Mapping[str, Any], least: int = 32) -> int:
    """Return how large the disk must be for the partitions of the user-data, GiB."""
    install = document.get("install")
    total = 0
    if isinstance(install, Mapping):
        parts = install.get("partitions")
        sized = list(parts.values()) if isinstance(parts, Mapping) else []
        extra = install.get("extra-partitions")
        sized += extra if isinstance(extra, list) else []
        for item in sized:
            size = item.get("size") if isinstance(item, Mapping) else None
            total += size if isinstance(size, int) and not isinstance(size, bool) and 0 < size < 10_000_000 else 0
    return max(least, -(-total // 1024) + 16)


def secrets_of(document: Any, matches: set[str] | None = None) -> set[str]:
    """Return every text of a document that is a secret by its key: tokens, passwords, keys."""
    matches = set() if matches is None else matches
    if isinstance(document, Mapping):
        for key, value in document.items():
            if isinstance(value, str) and len(value) >= 6 and _secret(str(key)):
                matches.add(value)
            else:
                secrets_of(value, matches)
    elif isinstance(document, list | tuple):
        for item in document:
            secrets_of(item, matches)
    return matches


def _secret(key: str) -> bool:
    folded = key.lower().replace("_", "").replace("-", "")
    return folded.endswith(("token", "password", "passwd", "secret", "encodedpassword", "privatekey", "apikey"))
