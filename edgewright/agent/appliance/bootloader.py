"""What GRUB reads: its configuration with two tries and a way back, the stub on the EFI partition, and its memory.

Rule of the way back (after Kairos's boot assessment, but on at every boot): before a slot starts, GRUB notes the try;
the running system clears the note once it is up. Two tries without an answer, and `active` gives way to `passive`,
`passive` to `recovery`; `failed_slot` stores that until an operator chooses otherwise, so a broken slot is not tried
again at each power cut. One interrupted start alone changes nothing: people do pull plugs.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, NamedTuple

from edgewright.agent.appliance.install_spec import InstallSpec
from edgewright.agent.appliance.paths import L_RECOVERY, L_STATE, SLOTS
from edgewright.core.errors import InvalidInput

ENV_SIZE = 1024
_ENV_HEAD = "# GRUB Environment Block\n"
LABEL = {"active": L_STATE, "passive": L_STATE, "recovery": L_RECOVERY}
BASE = (
    "rd.live.overlay.overlayfs=1 rd.neednet=0 rd.cos.disable net.ifnames=1 console=tty1 console=ttyS0 "
    "panic=30 no_timer_check"
)
"""Kairos's words, a kernel that restarts instead of stopping, and no panic in a slow virtual machine's timer."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f;|&<>(){}'\"\\$`]")

_STUB = """\
search --no-floppy --label COS_STATE --set=root
set prefix=($root)/grub
configfile ($root)/grub/grub.cfg
"""

_HEAD = """\
# Written by the installer; the choices that may change lie in grubenv on COS_OEM.
set timeout=3
set default=active
set failed_slot=
set tries=
if serial --unit=0 --speed=115200; then
  terminal_input console serial
  terminal_output console serial
fi
search --no-floppy --label COS_OEM --set=oem
if [ -n "$oem" -a -s ($oem)/grubenv ]; then
  load_env -f ($oem)/grubenv saved_entry next_entry extra_cmdline tries tried_slot failed_slot
  if [ -n "$saved_entry" ]; then
    set default="$saved_entry"
  fi
  if [ "$default" = "active" -a "$failed_slot" = "active" ]; then
    set default=passive
  fi
  if [ -n "$next_entry" ]; then
    set default="$next_entry"
    set next_entry=
    save_env -f ($oem)/grubenv next_entry
  fi
  if [ "$tries" = "2" -a "$tried_slot" = "$default" ]; then
    set failed_slot="$default"
    if [ "$default" = "active" ]; then
      set default=passive
    else
      set default=recovery
    fi
    set tries=
    echo "edgewright: slot $failed_slot did not come up twice; starting $default"
    save_env -f ($oem)/grubenv failed_slot tries
  fi
fi
function note_try {
  if [ -n "$oem" -a -s ($oem)/grubenv ]; then
    if [ "$tries" = "1" -a "$tried_slot" = "$1" ]; then
      set tries=2
    else
      set tries=1
    fi
    set tried_slot="$1"
    save_env -f ($oem)/grubenv tries tried_slot
  fi
}
"""

_ENTRY = """\
menuentry "{title}" --id {slot} {{
  note_try {slot}
  search --no-floppy --label {label} --set=where
  linux ($where)/cOS/{slot}/kernel {words} $extra_cmdline
  initrd ($where)/cOS/{slot}/initrd
}}
"""

_TITLES = {"active": "{name}", "passive": "{name} (fallback)", "recovery": "{name} (recovery)"}


def kernel_arguments(slot: str, spec: InstallSpec, machine_id: str) -> str:
    """Return the kernel line of a slot. Raises `InvalidInput` for extra words that GRUB would take apart."""
    parts = [
        f"root=live:LABEL={LABEL[slot]}",
        f"rd.live.dir=/cOS/{slot}",
        "rd.live.squashimg=rootfs.squashfs",
        BASE,
        f"cos-img/filename=/cOS/{slot}.img",
        f"edgewright.slot={slot}",
        f"systemd.machine_id={machine_id}",
    ]
    if slot != "recovery":
        parts.append("rd.shell=0 rd.emergency=reboot")  # an initrd that finds no root counts as a failed try
    for key in ("extra_cmdline", f"extra_{slot}_cmdline"):
        extra = spec.grub_options.get(key, "")
        if _UNSAFE.search(extra):
            raise InvalidInput(
                f"install.grub_options.{key} contains a character that the boot loader would split.",
                "Use letters, digits and = , . _ - / : only.",
            )
        parts.extend(extra.split())
    return " ".join(parts)


def grub_cfg(spec: InstallSpec, machine_id: str) -> str:
    """Return the configuration of GRUB on COS_STATE, for BIOS and UEFI."""
    name = "".join(character for character in spec.entry_name if character.isalnum() or character in " -_.")[:60]
    text = _HEAD
    for slot in SLOTS:
        title = _TITLES[slot].format(name=name or "Edgewright")
        text += _ENTRY.format(title=title, slot=slot, label=LABEL[slot], words=kernel_arguments(slot, spec, machine_id))
    return text


def efi_stub() -> str:
    """Return EFI/debian/grub.cfg, where the signed GRUB looks first."""
    return _STUB


def env_text(values: Mapping[str, str]) -> bytes:
    """Return a GRUB environment block of 1024 bytes. Raises `InvalidInput` when the values do not fit."""
    text = _ENV_HEAD
    for key, value in values.items():
        text += f"{key}=" + value.replace("\\", "\\\\").replace("\n", "\\\n") + "\n"
    data = text.encode()
    if len(data) > ENV_SIZE:
        raise InvalidInput("The boot loader's environment is full.", "Shorten extra_cmdline.")
    return data + b"#" * (ENV_SIZE - len(data))


def read_env(data: bytes) -> Dict[str, str]:
    """Return the values of a GRUB environment block; empty for what is none."""
    text = data.decode("utf-8", "replace")
    if not text.startswith(_ENV_HEAD):
        return {}
    matches: Dict[str, str] = {}
    for line in text[len(_ENV_HEAD) :].split("\n"):
        key, mark, value = line.partition("=")
        if mark and key and not key.startswith("#"):
            matches[key] = value.replace("\\\\", "\\")
    return matches


class Judged(NamedTuple):
    """What a boot means: the environment to write, and a sentence for a user (empty when all is as it should)."""

    values: Dict[str, str]
    sentence: str


def judge(values: Mapping[str, str], slot: str, good: bool) -> Judged:
    """Return what to store after `slot` came up; a boot that is not good leaves the note of its try in place."""
    stored = dict(values)
    failed = stored.get("failed_slot", "")
    if good:
        stored["tries"] = stored["tried_slot"] = ""
        if failed == slot:
            stored["failed_slot"] = failed = ""
    if failed and slot != failed:
        return Judged(
            stored,
            f"The slot {failed} did not come up; {slot} runs instead. The boot menu starts {failed} again.",
        )
    return Judged(stored, "" if good else f"The slot {slot} is up, but not complete; it is not marked as good.")


def slot_of(cmdline: str) -> str:
    """Return the slot that runs, by the kernel line: active, passive, recovery, `live`, or empty for unknown.

    An unknown word is never taken for `active`.
    """
    text: List[str] = cmdline.split()
    named = [word.partition("=")[2] for word in text if word.startswith("edgewright.slot=")]
    if named:
        return named[-1] if named[-1] in SLOTS else ""
    root = [word for word in text if word.startswith("root=live:")]
    return "live" if root and "COS_LIVE" in root[-1] else ""
