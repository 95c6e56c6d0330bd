"""What the Kubernetes layer of an appliance image contains: programs, images, fields of the release file, and a marker.

Programs go to /usr/bin, k3s too: /usr/local is the persistent partition on these hosts and would hide it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgewright.forge.image.inputs import Input
from edgewright.forge.image.kinds import APPLIANCE, SLOT
from edgewright.forge.image.slot import SlotFile
from edgewright.forge.registry.reference import Kubernetes, Name
from edgewright.forge.registry.tarlayer import Entry

RELEASE = "etc/kairos-release"
MARKER = "usr/lib/edgewright/provider-image.json"
IMAGES = "opt/content/images"
K3S_NAMES = ("kubectl", "crictl", "ctr")
"""What k3s is also called by: it looks at its own name."""
BASE_FILES = (RELEASE, "etc/os-release", "usr/lib/os-release", "var/lib/dpkg/status", "lib/apk/db/installed")


def wanted(name: str) -> bool:
    """Whether a file of the base is read: its release, its system, its packages."""
    return name in BASE_FILES or name.startswith("var/lib/dpkg/status.d/")


class System(NamedTuple):
    """The operating system of a base."""

    name: str
    version: str
    pretty: str = ""


def system(files: Mapping[str, bytes]) -> System:
    """Return what the base is by its own files; empty names when they do not state it."""
    raw = files.get("etc/os-release") or files.get("usr/lib/os-release") or b""
    fields = shell_fields(raw.decode("utf-8", "replace"))
    return System(fields.get("ID", ""), fields.get("VERSION_ID", ""), fields.get("PRETTY_NAME", ""))


def shell_fields(text: str) -> dict[str, str]:
    """Return the fields of a file like os-release."""
    matches = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and re.fullmatch(r"[A-Z_][A-Z0-9_]*", key):
            matches[key] = value.strip().strip("\"'")
    return matches


def release(old: str, kubernetes: Kubernetes) -> str:
    """Return the release file of the base with the fields that define which Kubernetes is in the image.

    The others stay; without such a file in the base there is none in the image ("").
    """
    fields = shell_fields(old)
    if not fields:
        return ""
    fresh = {
        "KAIROS_VARIANT": "standard",
        "KAIROS_SOFTWARE_VERSION": kubernetes.full,
        "KAIROS_SOFTWARE_VERSION_PREFIX": kubernetes.distribution,
    }
    label = fields.get("KAIROS_IMAGE_LABEL", "")
    if label:
        fresh["KAIROS_IMAGE_LABEL"] = label.replace("-core-", "-standard-")
    lines, done = [], set()
    for line in old.splitlines():
        key = line.strip().partition("=")[0]
        if key in fresh:
            line = f'{key}="{fresh[key]}"'
            done.add(key)
        lines.append(line)
    lines += [f'{key}="{value}"' for key, value in fresh.items() if key not in done]
    return "\n".join(lines) + "\n"


def entries(
    name: Name, inputs: Sequence[Input], release_text: str, base_digest: str, arch: str, slot: Sequence[SlotFile]
) -> list[Entry]:
    """Return what goes into the layer of Kubernetes, each path once; `slot` is named in the marker."""
    kubernetes = name.kubernetes
    marker = {
        "apiVersion": "edgewright/v1",
        "kind": "ProviderImage",
        "for": APPLIANCE,
        "image": str(name.reference),
        "kubernetes": {"distribution": kubernetes.distribution, "version": kubernetes.full},
        "peVersion": name.pe_version,
        "architecture": arch,
        "base": base_digest,
        "images": f"/{IMAGES}",
        "files": [{"file": item.name, "sha256": item.sha256} for item in inputs if not item.link],
        "slot": {"path": f"/{SLOT}", "files": [{"file": file.name, "sha256": file.sha256} for file in slot]},
    }
    made = [
        *([Entry(RELEASE, data=release_text.encode())] if release_text else []),
        Entry("usr/lib/edgewright", folder=True, mode=0o755),
        Entry(MARKER, data=(json.dumps(marker, indent=2) + "\n").encode()),
    ]
    programs = {item.name for item in inputs if item.kind == "binary"}
    for item in inputs:
        if item.kind == "images":
            made.append(Entry(f"{IMAGES}/{item.name}", source=item.path))
        elif item.link:
            made.append(Entry(f"usr/bin/{item.name}", link=item.link))
        else:
            made.append(Entry(f"usr/bin/{item.name}", source=item.path, mode=0o755))
    if kubernetes.distribution == "k3s":
        made += [Entry(f"usr/bin/{alias}", link="k3s") for alias in K3S_NAMES if alias not in programs]
    if any(item.kind == "images" for item in inputs):
        made += [Entry("opt/content", folder=True, mode=0o755), Entry(IMAGES, folder=True, mode=0o755)]
    return made


def merged(made: Sequence[Entry], overlay: Sequence[Entry]) -> list[Entry]:
    """Return the entries with the user's own over them: what the user brings wins."""
    return list({**{entry.path: entry for entry in made}, **{entry.path: entry for entry in overlay}}.values())
