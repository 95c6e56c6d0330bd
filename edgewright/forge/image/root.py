"""Whether an image can be the root of a host: kernel with its modules, initrd, init, and an agent."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from edgewright.core.errors import DocumentProblem, InvalidDocument

_NOTED = re.compile(
    r"(?:usr/)?(?:boot/(?:vmlinu[xz]|kernel|Image|initrd|initramfs)[^/]*"
    r"|lib/modules/[^/]+/(?:modules\.(?:dep|order|builtin)|vmlinuz)"
    r"|s?bin/init|lib/systemd/systemd|(?:local/)?s?bin/kairos-agent"
    r"|lib/edgewright/edgewright-agent\.pyz|lib/systemd/system/edgewright-(?:agent|boot)\.service)"
)
_KERNELS = ("kernel", "vmlinuz", "Image", "vmlinux")
_INITRDS = ("initrd", "initrd.img", "initramfs.img", "initramfs")
KAIROS, EDGEWRIGHT = "kairos", "edgewright"


def noted(name: str) -> bool:
    """Whether a path of an image decides what it can be."""
    return _NOTED.fullmatch(name) is not None


class Root(NamedTuple):
    """What a root has: versions with modules, paths of kernel and initrd ("" for none), `agent` by whose it is."""

    modules: tuple[str, ...]
    kernel: str
    initrd: str
    init: str
    agent: str


def read(names: Collection[str]) -> Root:
    """Return what the noted paths of an image mean; `usr/` before a path makes no difference (a merged root)."""
    by_short = {name.removeprefix("usr/"): name for name in sorted(names)}
    modules = sorted({path.split("/")[2] for path in by_short if path.startswith("lib/modules/")})

    def first(*paths: str) -> str:
        return next((by_short[path] for path in paths if path in by_short), "")

    named = {path.partition("-")[2] for path in by_short if path.startswith(("boot/vmlinuz-", "boot/Image-"))}
    known = sorted({*modules, *named}, reverse=True)
    kernels = [f"boot/{name}" for name in _KERNELS] + [
        path for v in known for path in (f"boot/vmlinuz-{v}", f"boot/Image-{v}", f"lib/modules/{v}/vmlinuz")
    ]
    kernel = first(*kernels)
    version = next((v for v in known if kernel.endswith(f"-{v}") or f"/{v}/" in kernel), "")
    versions = [version] if version else known
    initrds = [f"boot/{name}" for name in _INITRDS] + [
        path for v in versions for path in (f"boot/initrd.img-{v}", f"boot/initrd-{v}", f"boot/initramfs-{v}.img")
    ]
    ours = (
        "lib/edgewright/edgewright-agent.pyz" in by_short and "lib/systemd/system/edgewright-agent.service" in by_short
    )
    kairos = first("bin/kairos-agent", "sbin/kairos-agent", "local/bin/kairos-agent", "local/sbin/kairos-agent")
    return Root(
        modules=tuple(modules),
        kernel=kernel,
        initrd=first(*initrds),
        init=first("lib/systemd/systemd", "sbin/init", "bin/init"),
        agent=EDGEWRIGHT if ours else KAIROS if kairos else "",
    )


def check(name: str, root: Root, *, medium: bool) -> None:
    """Raise `InvalidDocument` naming every part that is missing; with `medium` kernel and initrd come from an ISO."""
    problems = []

    def lacks(what: str, message: str, hint: str) -> None:
        problems.append(DocumentProblem(what, message, hint, "NoRoot"))

    if not root.kernel and not medium:
        lacks("kernel", "There is none in /boot (vmlinuz, kernel).", "Install one (Debian: linux-image-amd64).")
    if not root.modules:
        lacks("kernel modules", "There is no /lib/modules/VERSION.", "They come with the kernel's package.")
    if not root.initrd and not medium:
        lacks("initrd", "There is none in /boot (initrd.img, initrd).", "Install dracut with dracut-live.")
    if not root.init:
        lacks("init", "There is neither /sbin/init nor systemd.", "Install it (Debian: systemd-sysv).")
    if not root.agent:
        lacks(
            "agent",
            "There is neither /usr/bin/kairos-agent nor Edgewright's agent with its units.",
            "Take a Kairos image, or an ISO of `edgewright forge base` (appliance:ISO).",
        )
    if problems:
        raise InvalidDocument(
            f"The base {name} cannot be the root of a host",
            problems,
            "For hosts with a system of their own: --for tree.",
        )
