"""Why a boot failed, in a sentence with a next step, from what was on the console. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Why(NamedTuple):
    """Why it failed: a complete sentence, and what to do."""

    sentence: str
    hint: str = ""


_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"isofs_fill_super: get root inode failed",
        "The medium's partition does not contain its own file system (isofs: get root inode failed).",
        "The ISO was changed in place; build it again: edgewright forge iso",
    ),
    (
        r"Failed to mount block device of live image",
        "The live image on the medium could not be mounted (dracut: Failed to mount block device of live image).",
        "Check how the ISO was made: edgewright forge verify OUT.iso --cd shows whether it boots as a CD.",
    ),
    (
        r"by-label[/\\x2f]*(COS_LIVE\S*)\S* does not exist|Warning: /dev/disk/by-label/(\S+) does not exist",
        "The system on the medium did not find its own medium: no disk with the label it looks for came up.",
        "Its kernel may lack the driver; --devices virtio shows whether it boots on virtual hardware.",
    ),
    (
        r"Don't know how to handle 'root=live:",
        "The initramfs of the ISO has no live module (dracut: don't know how to handle root=live:).",
        "Build it with dracut's dmsquash-live.",
    ),
    (
        r"SQUASHFS error|squashfs: .*(?:error|failed)|EXT4-fs error|I/O error, dev (?!fd0)",
        "The system met errors while reading its medium or disk.",
        "Compare the ISO with its sha256.",
    ),
    (
        r"No space left on device",
        "The installer ran out of space on the disk.",
        "Give the disk more room: --disk 64, or make the partitions smaller.",
    ),
    (
        r"Out of memory: Killed process|out of memory",
        "The machine ran out of memory.",
        "Give it more: --memory 3072",
    ),
    (
        r"watchdog: BUG: soft lockup|IO-APIC \+ timer doesn't work",
        "The machine got too little time: this computer has too much else to do (its kernel reports a soft lockup).",
        "Try again when this computer has less to do.",
    ),
)
_KINDS = {
    "panic": ("The kernel panicked{detail}.", "See the last lines; `--console` shows all of them."),
    "live-image": ("The live image could not be mounted.", "See the last lines."),
    "dracut": ("The initramfs gave up{detail}.", "See the last lines."),
    "emergency": ("The system ended in an emergency shell.", "See the last lines for the unit that failed."),
    "signature": (
        "Secure Boot refused what the medium starts (Security Violation).",
        "Its boot loader or kernel is not signed with a key that the firmware trusts.",
    ),
    "no-medium": (
        "The firmware found nothing that it can boot.",
        "The ISO has no boot entry for this firmware and medium: edgewright forge verify with --cd, --bios or --uefi.",
    ),
    "grub": ("The boot loader came up and found nothing to start.", "Check its grub.cfg and the kernel's path."),
    "installed": ("The installer failed{detail}.", "See the last lines."),
    "person": (
        "The installer waits for an operator{detail}.",
        "Set it in the user-data: install.auto and install.device.",
    ),
    "again": (
        "The machine came back to the medium: the installed disk does not boot.",
        "Check the boot loader that the installer wrote.",
    ),
    "other-slot": ("The installed system fell back to another slot{detail}.", "Its active slot does not boot."),
    "refused": ("The plane refused the host{detail}.", "See its events: edgewright event list"),
    "not-trusted": (
        "The host does not trust its plane{detail}.",
        "Put the plane's ca.crt into caCerts of the user-data (stylus.site.caCerts), and make the installer again.",
    ),
    "wrong-name": (
        "The plane's certificate does not fit its address{detail}.",
        "Use a name that it contains (a hub: edgewright hub serve --advertise NAME), and make the installer again.",
    ),
    "dates": (
        "The plane's certificate is not valid for the host{detail}.",
        "Compare the clocks of the plane and of this machine (the proof's machine has this one's).",
    ),
    "approval": (
        "The host waits for approval{detail}.",
        "Put a registration token into the user-data: edgewright token create NAME",
    ),
    "off": ("The machine switched itself off or reset before that{detail}.", "See the last lines."),
    "qemu": ("QEMU ended{detail}.", "See its words in the last lines."),
    "no-secure-boot": (
        "The kernel reports that Secure Boot is off{detail}.",
        "It was started past shim; or its boot loader does not hand Secure Boot on.",
    ),
}


_REFUSALS: tuple[tuple[str, str], ...] = (
    (
        r"not signed by a CA|does not trust|(?:holds|contains) no certificate|caCerts .*cannot be read|CA file",
        "not-trusted",
    ),
    (r"certificate of .* is not for", "wrong-name"),
    (r"certificate .*(?:expired|ended|is valid only|not valid yet|not yet valid)|finds .* certificate", "dates"),
    (r"waits for approval", "approval"),
    (r"was refused:|refused the registration|does not know the registration token", "refused"),
    (r"registration token .* (?:has expired|was revoked)", "refused"),
)


def refusal_in(text: str) -> str:
    """Return the kind of failure that a host's reason for waiting means, "" for what may pass by itself.

    A certificate that the host does not trust stays so, however often it tries; a plane that is not reached may come.
    """
    return next((kind for label, kind in _REFUSALS if re.search(label, text, re.IGNORECASE)), "")


def why(kind: str, detail: str = "", lines: Sequence[str] = ()) -> Why:
    """Return the sentence for a kind of failure; a more exact message in the lines before it wins."""
    if kind in ("emergency", "dracut", "panic", "live-image", "installed", "off"):
        result = cause(lines)
        if result is not None:
            message = detail.rstrip(". ")
            return (
                Why(f"The installer failed: {message}. {result.sentence}", result.hint)
                if kind == "installed"
                else result
            )
    sentence, hint = _KINDS[kind]
    reported = f": {detail.rstrip('. ')}" if detail else ""
    return Why(sentence.replace("{detail}", reported), hint)


def cause(lines: Sequence[str]) -> Why | None:
    """Return what the last lines name as the cause, the most exact one first; None when they name none."""
    text = "\n".join(lines[-80:])
    for label, sentence, hint in _CAUSES:
        if re.search(label, text):
            return Why(sentence, hint)
    return None


def too_slow(waited: float, lines: Sequence[str], overall: bool = False) -> Why:
    """Return the sentence for a milestone that did not come; `waited` in seconds."""
    result = cause(lines)
    if result is not None:
        return result
    if overall:
        return Why(f"It took longer than {waited:.0f} s in all.", "Give it more time: --limit 1h")
    if not lines:
        return Why(
            f"Nothing came on the serial console for {waited:.0f} s.",
            "Its kernel needs console=ttyS0; or the firmware found nothing to boot.",
        )
    return Why(f"It did not come within {waited:.0f} s.", "The last lines show where it is.")
