"""Rules about the slot that the host runs, and the last upgrade of its system."""

from __future__ import annotations

import re
from typing import List, Optional, Tuple

from edgewright.core import times
from edgewright.core.doctor.facts import Facts
from edgewright.core.doctor.findings import CONFIRM, LIKELY, SAFE, SURE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.text import clip


def rules(facts: Facts) -> List[Finding]:
    """Return a slot that is not the active one, and an upgrade that failed."""
    findings: List[Finding] = []
    shown: Tuple[Evidence, ...] = (Evidence("boot.cmdline", clip(_boot_options(facts.cmdline), 160)),)
    if facts.boot_env.get("failed_slot"):
        shown = (*shown, Evidence("boot.slots", f"failed_slot={clip(facts.boot_env['failed_slot'], 40)}"))
    ours = any(word.startswith("edgewright.slot=") for word in facts.cmdline.split())
    env, entry = ("grub-editenv /oem/grubenv", "active") if ours else ("grub2-editenv /oem/grubenv", "cos")
    command = f"{env} set next_entry={entry} && reboot"
    back = Fix("boot the active slot next", command, CONFIRM, f"{env} unset next_entry")
    if facts.slot == "recovery":
        step = "Find out why recovery was booted, then boot the active slot."
        findings.append(
            Finding("booted-recovery", "The host runs its recovery system.", shown, step, SURE, "", (back,))
        )
    if facts.slot == "passive" or (facts.upgrade_failure and facts.slot != "active"):
        text = "The host runs its passive slot: it was chosen, or the active one did not boot."
        certainty = SURE
        if facts.upgrade_failure:
            text = "The host runs its passive slot: its last upgrade failed."
        step = "Read /var/log/stylus-upgrade.log, then boot the active slot again."
        if ours and not facts.upgrade_failure:
            step = "`edgewright-agent appliance status` on the host names a slot that failed; then boot the active one."
        findings.append(Finding("booted-passive", text, shown, step, certainty, "", (back,)))
    upgrade = _upgrade(facts)
    if upgrade is not None:
        findings.append(upgrade)
    elif facts.upgrade_failure and facts.slot == "active":
        text = "The last upgrade of the system failed; the host came back on the slot that it shows as active."
        step = "Read /var/log/stylus-upgrade.log before the next try."
        fix = Fix("read the log of the upgrade", "tail -n 50 /var/log/stylus-upgrade.log", SAFE)
        findings.append(Finding("upgrade-failed", text, shown, step, LIKELY, "", (fix,)))
    return findings


_UPGRADE_FAILED = (
    r"level=(?:error|fatal)|\"level\":\"(?:error|fatal)|^\W{0,3}(?:ERRO|FATA|ERROR|FATAL)\b|\berror:|\bpanic:"
    r"|\berrors? (?:occurred|while)|\bfail(?:ed|ure)\b|no space left|\b(?:cannot|could not|unable to)\b"
    r"|exit(?:ed with)? (?:status|code) [1-9]"
)
_NO_FAILURE = (
    r"\b(?:0|no|without) (?:errors?|failures?)\b|err(?:or)?=(?:nil|<nil>|\"\")|upgrade_failure|ignor|retry|retries|warn"
)
_UPGRADE_DONE = r"\b(?:success|successful|successfully|succeeded|completed?|finished|done)\b|\breboot(?:ing)?\b"
LATELY = 7 * 86_400.0
"""Seconds for which the end of an upgrade's log is about the system that runs."""


def _upgrade(facts: Facts) -> Optional[Finding]:
    """Return that the newest log of an upgrade ends with a failure: what it wrote after that was no success."""
    failed = ""
    for line in facts.upgrade_log:
        if re.search(_UPGRADE_FAILED, line, re.IGNORECASE) and not re.search(_NO_FAILURE, line, re.IGNORECASE):
            failed = line
        elif re.search(_UPGRADE_DONE, line, re.IGNORECASE):
            failed = ""
    if not failed:
        return None
    path = f"/var/log/{facts.upgrade_file}"
    age = None if facts.upgrade_at is None or facts.clock is None else facts.clock - facts.upgrade_at
    ago = f" {times.duration(age)} ago" if age is not None and age > 60 else ""
    text = f"The last upgrade of the system failed{ago}: {clip(failed.strip().rstrip('.'), 110)}."
    rows = [Evidence("boot.slots", f"{path}: {clip(failed.strip(), 160)}")]
    if facts.upgrade_failure:
        rows.append(Evidence("boot.cmdline", clip(_boot_options(facts.cmdline), 160)))
    sure = facts.upgrade_failure or facts.slot in ("passive", "recovery") or (age is not None and -60 < age < LATELY)
    step = f"Correct what {path} names before the next try."
    fix = Fix("read the log of the upgrade", f"tail -n 50 {word(path)}", SAFE)
    return Finding("upgrade-failed", text, tuple(rows), step, LIKELY if sure else UNSURE, "", (fix,))


def _boot_options(cmdline: str) -> str:
    """Return the words of the kernel's command line about slot and upgrade."""
    marks: Tuple[str, ...] = ("COS_", "upgrade_failure", "rd.", "recovery", ".img")
    return " ".join(word for word in cmdline.split() if any(mark in word for mark in marks)) or cmdline
