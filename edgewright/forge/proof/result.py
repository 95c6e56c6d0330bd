"""What came of a proof: the document for the manifest and for `-o json`, and its words."""

from __future__ import annotations

from typing import Any, NamedTuple

from edgewright.forge.proof.milestones import Mark


class Proof(NamedTuple):
    """One boot of one ISO. Times in seconds; `at` is when it began, RFC 3339."""

    iso: str
    iso_sha256: str
    until: str
    ok: bool
    firmware: str
    secure_boot: bool
    medium: str
    medium_text: str
    accel: str
    accel_note: str
    at: str
    took: float
    marks: tuple[Mark, ...] = ()
    failed: str = ""
    reason: str = ""
    hint: str = ""
    lines: tuple[str, ...] = ()
    not_proven: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    plane: str = ""
    uid: str = ""
    log: str = ""

    @property
    def proven(self) -> bool:
        """Whether it was seen to register: only that makes an ISO *proven*."""
        return self.ok and self.until == "registered"

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "ok": self.ok,
            "until": self.until,
            "proven": self.proven,
            "iso": self.iso,
            "isoSha256": self.iso_sha256,
            "firmware": self.firmware,
            "secureBoot": self.secure_boot,
            "medium": self.medium,
            "mediumDevice": self.medium_text,
            "accel": self.accel,
            "accelNote": self.accel_note,
            "startedAt": self.at,
            "took": round(self.took, 1),
            "milestones": [mark.as_dict() for mark in self.marks],
            "failedAt": self.failed,
            "reason": self.reason,
            "hint": self.hint,
            "lastLines": list(self.lines),
            "notProven": list(self.not_proven),
            "notes": list(self.notes),
            "left": list(self.left),
            "plane": self.plane,
            "uid": self.uid,
            "log": self.log,
        }

    def text(self) -> str:
        """Return it as text."""
        secure = " with Secure Boot" if self.secure_boot else ""
        where = f"{self.firmware.upper()}{secure}, {self.medium_text}, {self.accel.upper()}"
        verdict = {True: f"{self.until} in {self.took:.0f} s", False: f"FAILED at: {self.failed or 'start'}"}[self.ok]
        rows = [f"{self.iso}: {verdict}  ({where})", ""]
        rows += [f"  {mark}" for mark in self.marks]
        if self.lines and not self.ok:
            rows += ["", "  last lines of the console:", *(f"  | {line}" for line in self.lines)]
        for title, items in (("note", self.notes), ("not proven", self.not_proven), ("left behind", self.left)):
            rows += ["", f"  {title}:", *(f"  - {item}" for item in items)] if items else []
        return "\n".join([*rows, *(["", f"  log: {self.log}"] if self.log else [])])
