"""A file to begin with: what is given stays as it is, what else there could be is a comment with its explanation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.core.cloudconfig.args.args import quoted
from edgewright.core.cloudconfig.args.keys import KEYS, SECRET
from edgewright.core.cloudconfig.look import at
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.cloudconfig.schema.model import Key
from edgewright.forge.userdata.text import HEADER, dump

USUAL = {
    model.PALETTE: (
        *("stylus.site.paletteEndpoint", "stylus.site.edgeHostToken", "stylus.site.caCerts", "stylus.site.projectName"),
        *(
            "stylus.site.name",
            "stylus.site.hostName",
            "stylus.site.prefix",
            "stylus.site.tags",
            "stylus.site.ntpServers",
        ),
        *("stylus.site.network.httpProxy", "stylus.site.network.httpsProxy", "stylus.site.network.noProxy"),
        *("stylus.site.network.nameserver", "stylus.site.network.interfaces", "stylus.site.users"),
        *("stylus.site.remoteShell.disable", "stylus.managementMode", "stylus.disableTui", "stylus.debug"),
        *("stylus.externalRegistries.registries", "install.device", "install.reboot", "install.poweroff"),
        *("install.partitions.persistent.size", "install.extra-partitions", "stages.initramfs"),
    ),
    model.KAIROS: (
        *("hostname", "users", "install.auto", "install.device", "install.reboot", "install.poweroff"),
        *("install.partitions.persistent.size", "install.extra-partitions", "install.ssh_hardening"),
        *("k3s.enabled", "k3s.args", "stages.initramfs"),
    ),
}
"""The keys that most people need, in the order of the file."""

_EXAMPLES: dict[str, str] = {
    "stylus.site.caCerts": "- |\n  -----BEGIN CERTIFICATE-----\n  ...\n  -----END CERTIFICATE-----",
    "stylus.site.tags": "site: berlin",
    "stylus.site.ntpServers": "- ntp.example.com",
    "stylus.site.network.interfaces": (
        "eno1:\n  type: static\n  ipAddress: 192.168.1.10/24\n  gateway: 192.168.1.1\n  nameserver: 192.168.1.1"
    ),
    "stylus.site.users": "- name: ops\n  groups: [sudo, admin]\n  ssh_authorized_keys:\n    - ssh-ed25519 AAAA... ops",
    "users": "- name: ops\n  groups: [admin]\n  ssh_authorized_keys:\n    - ssh-ed25519 AAAA... ops",
    "stylus.externalRegistries.registries": "- domain: registry.example.com:5000\n  username: edge\n  password: secret",
    "install.extra-partitions": "- name: data\n  size: 10240\n  fs: ext4\n  label: DATA",
    "stages.initramfs": "- name: show where it is\n  commands:\n    - echo Berlin, cellar > /etc/motd",
    "stylus.site.deviceUIDPaths": "- name: /sys/class/dmi/id/product_uuid",
    "k3s.args": "- --disable=traefik",
}


def starting_file(document: Mapping[str, Any], profile: str = model.PALETTE, everything: bool = False) -> str:
    """Return the text of a new user-data file: `document` as it is, the other keys as comments.

    `everything` lists every key of the profile, not the usual ones alone.
    """
    paths = list(_all(profile)) if everything else list(USUAL[profile])
    heads = dict.fromkeys([*(path.split(".")[0] for path in paths), *document])
    lines = [
        HEADER,
        f"# User-data for an installer (profile {profile}). Lines that begin with # are choices not taken;",
    ]
    lines.append("# explain a key: edgewright forge user-data show KEY; check the file: ... check FILE")
    for head in heads:
        lines.append("")
        lines += _part(head, [path for path in paths if path.split(".")[0] == head], document)
    return "\n".join(lines) + "\n"


def _all(profile: str) -> list[str]:
    heads = ("stylus", "install", "stages") if profile == model.PALETTE else ("users", "hostname", "install", "stages")
    matches = []
    for key in SCHEMA.keys.values():
        below = SCHEMA.node(key.path)
        leaf = below is None or not below.children or key.kind in (model.MAPS, model.TABLE)
        if key.path.split(".")[0] in heads and leaf and "[]" not in key.path and "*" not in key.path and not key.old:
            matches.append(key.path)
    if "stylus.site.network.noProxy" in matches:
        matches.insert(matches.index("stylus.site.network.noProxy") + 1, "stylus.site.network.interfaces")
    return [*matches, "stages.initramfs"]


def _part(head: str, paths: list[str], document: Mapping[str, Any]) -> list[str]:
    """Return the lines of one key at the top: what is given first, then the rest as comments below its map."""
    given = document.get(head)
    lines = []
    if head in document:
        lines += dump({head: given}).splitlines()[1:]
    else:
        lines.append(f"# {head}:" if any(path != head for path in paths) else "")
    open_ = _given(document)
    last = _open_end(head, given)
    for path in paths:
        if any(item == path or item.startswith((f"{path}.", f"{path}[")) for item in open_):
            continue
        steps = path.split(".")
        common = next(
            (n for n, (a, b) in enumerate(zip(steps, last, strict=False)) if a != b), min(len(steps), len(last))
        )
        for depth in range(max(common, 1), len(steps) - 1):
            there = at(document, *steps[: depth + 1]) is not None
            lines.append(f"# {'  ' * depth}{steps[depth]}:{'   # add what follows to the one above' if there else ''}")
        lines += _comment(path, len(steps) - 1)
        last = steps[:-1]
    return [line for line in lines if line]


def _open_end(head: str, given: Any) -> list[str]:
    """Return the path of the map in which the text of what is given ends: comments for it need no line of their own."""
    path = [head]
    while isinstance(given, Mapping) and given:
        name, given = list(given.items())[-1]
        if isinstance(given, Mapping):
            path.append(str(name))
    return path


def _given(document: Mapping[str, Any]) -> list[str]:
    matches = []

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping) and value:
            for name, item in value.items():
                walk(item, f"{path}.{name}" if path else str(name))
        else:
            matches.append(path)

    walk(document, "")
    return matches


def _comment(path: str, depth: int) -> list[str]:
    key = SCHEMA.key(path) or Key(path, model.MAPS, "")
    name = path.rsplit(".", 1)[-1]
    doc = f"   # {key.doc}" if key.doc else ""
    indent = "  " * depth
    example = _EXAMPLES.get(path)
    if example is not None:
        inner = [f"# {indent}  {line}" for line in example.split("\n")]
        return [f"# {indent}{name}:{doc}", *inner]
    return [f"# {indent}{name}: {_shown(key)}{doc}"]


def _shown(key: Key) -> str:
    default = key.default
    if isinstance(default, bool):
        return "true" if default else "false"
    if key.kind in (model.TEXTS, model.MAPS):
        return f"[{key.example}]"
    if key.example:
        return key.example
    if default in (None, ""):
        return {model.INT: "0", model.FLAG: "false", model.MAP: "{}", model.TABLE: "{}"}.get(key.kind, '""')
    if key.kind == model.INT and not isinstance(default, int):
        return "0"
    return repr(default).replace("'", '"') if isinstance(default, str) and not default.isalnum() else str(default)


def starting_args(values: Mapping[str, str]) -> str:
    """Return the text of a new `.arg` file: what is given, what CanvOS's template writes, the rest as comments."""
    lines = ["# Build arguments of CanvOS. Earthly reads this file, and a shell script sources it.", ""]
    for key in KEYS:
        if key.kind == SECRET or key.old:
            continue
        rule = "; ".join(part for part in (" | ".join(key.choices), key.rule) if part)
        lines.append(f"# {key.doc}" + (f" ({rule})" if rule else ""))
        if key.name in values:
            lines.append(f"{key.name}={quoted(values[key.name])}")
        else:
            lines.append(f"{key.name}={key.template}" if key.template else f"# {key.name}={quoted(key.default)}")
    lines += [f"{name}={quoted(value)}" for name, value in values.items() if name not in {key.name for key in KEYS}]
    return "\n".join(lines) + "\n"
