"""Which operating system runs in this boot: the boot id, the boot slot and the image, each as far as the host shows it.

What cannot be observed is left out and never concluded from what was wanted or installed elsewhere (rule P73).
"""

from __future__ import annotations

from typing import Dict

from edgewright.agent.facts.firmware import ACTIVE, PASSIVE, boot_slot
from edgewright.agent.facts.system import boot_id
from edgewright.agent.kernel.hostfs import Root
from edgewright.core.text import clean

LIVE = "/run/initramfs/live"
"""Where the partition of the running slot is mounted."""
SUMS = LIVE + "/cOS/SHA256SUMS"
"""Written by the installer for the two slots of that partition, after it had compared them with the medium."""
SYSTEM_IMAGE = "rootfs.squashfs"
_NAMES = (("KAIROS_NAME", "KAIROS_VERSION"), ("IMAGE_ID", "IMAGE_VERSION"))
"""Keys of name and version of an image: of Kairos, and of os-release(5)."""


def booted(root: Root) -> Dict[str, str]:
    """Return `bootId`, `slot`, `image` and `digest` (SHA-256 of the system's image) of this boot, as far as known."""
    slot = boot_slot(root)
    values = {
        "bootId": boot_id(root),
        "slot": slot,
        "image": _image(root),
        "digest": _digest(root) if slot in (ACTIVE, PASSIVE) else "",
    }
    return {name: clean(value, 128) for name, value in values.items() if value}


def _image(root: Root) -> str:
    for place in ("/etc/kairos-release", "/etc/os-release", "/usr/lib/os-release"):
        pairs = (line.partition("=") for line in root.lines(place))
        values = {key.strip(): value.strip().strip("\"'") for key, mark, value in pairs if mark}
        for name, version in _NAMES:
            if values.get(name):
                return " ".join(filter(None, (values[name], values.get(version, ""))))
    return ""


def _digest(root: Root) -> str:
    for line in root.lines(SUMS):
        digest, _, name = line.partition("  ")
        if name.strip() == SYSTEM_IMAGE and len(digest) == 64 and all(c in "0123456789abcdef" for c in digest):
            return digest
    return ""
