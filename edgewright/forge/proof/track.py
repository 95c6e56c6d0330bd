"""The state of a proof: signs arrive, milestones are ticked, and the end is reported. Pure, without a clock.

A later milestone vouches for those before it: a quiet kernel prints nothing, and yet it ran.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgewright.forge.proof.failures import Why, refusal_in, too_slow, why
from edgewright.forge.proof.log_patterns import Sign
from edgewright.forge.proof.milestones import BY_KEY, MILESTONES, Mark, Until, wanted

_RANK = {milestone.key: rank for rank, milestone in enumerate(MILESTONES)}
REFUSALS = 30.0
"""Seconds after a refusal in which the host may still register (it tries again) before it counts."""

STARVED = 4
"""How many starts may end in a timer that a busy computer did not serve."""


class Track:
    """The milestones of one proof. Times are seconds since the machine was switched on first."""

    def __init__(
        self,
        until: Until,
        *,
        secure_boot: bool = False,
        scale: float = 1.0,
        on_mark: Callable[[Mark], None] = lambda mark: None,
    ) -> None:
        self.until = until
        self.marks = {key: Mark(key) for key in wanted(until, secure_boot)}
        self.from_disk = False
        """Whether the machine was started after the installer was done: its disk is expected to boot."""
        self.why: Why | None = None
        self.failed = ""
        self.step = ""
        """What the installer reports that it does."""
        self.installed = False
        self.starved = 0
        """How often a kernel gave up at its start since the emulation had no time for its timers."""
        self.off = False
        """The host reports that it registered, or the machine may be switched off now."""
        self.scale = scale
        self._on_mark = on_mark
        self._since = 0.0
        self._refused: tuple[float, str, str] | None = None
        """When the host was refused first, the kind of failure, and the sentence."""
        self._waits = ""
        """The host's last reason for waiting."""
        self._reported = ""
        """What the plane last reported about hosts that it let not in."""

    def done(self) -> bool:
        """Whether the last milestone is passed."""
        return self.marks[self.until if self.until != "installed" else "disk"].state == "passed"

    def over(self) -> bool:
        """Whether it is done, or has failed."""
        return self.done() or self.why is not None

    @property
    def next(self) -> str:
        """The key of the milestone that is waited for."""
        return next((mark.key for mark in self.marks.values() if mark.state == "waiting"), "")

    @property
    def patience(self) -> float:
        """Seconds of silence that the milestone waited for may still take in total."""
        key = self.next
        return BY_KEY[key].patience * self.scale if key else 0.0

    def started(self, now: float) -> None:
        """Take note that the machine was switched on (again)."""
        self.from_disk, self._since = self.installed, now

    def quiet(self, now: float) -> float:
        """Return for how many seconds there was no progress."""
        return max(0.0, now - self._since)

    def take(self, sign: Sign, now: float, lines: Sequence[str] = ()) -> None:
        """Take a sign from the console."""
        if sign.kind == "milestone":
            self._milestone(sign, now)
        elif sign.kind == "step":
            self.step, self._since = sign.text, now
            self.passed("install", now)
        elif sign.kind == "failure":
            self.fail(sign.key, sign.text, now, lines)
        elif sign.kind == "told":
            self._reported_term(sign, now, lines)

    def passed(self, key: str, now: float, detail: str = "") -> None:
        """Tick a milestone; those before it that were not seen are marked so."""
        mark = self.marks.get(key)
        if mark is None or mark.state == "passed" or self.why is not None:
            return
        for earlier in self.marks.values():
            if _RANK[earlier.key] < _RANK[key] and earlier.state == "waiting" and earlier.key != "secure-boot":
                self.marks[earlier.key] = earlier._replace(state="unseen")
        self.marks[key] = mark._replace(state="passed", at=now, detail=detail)
        self._since = now
        self._on_mark(self.marks[key])

    def fail(self, kind: str, detail: str, now: float, lines: Sequence[str] = ()) -> None:
        """End it: the milestone that was waited for failed."""
        self.end(why(kind, detail, lines), now)

    def end(self, reason: Why, now: float) -> None:
        """End it with this reason, once."""
        if self.why is not None or self.done():
            return
        self.why, self.failed = reason, self.next
        mark = self.marks[self.failed]._replace(state="failed", at=now, detail=reason.sentence)
        self.marks[self.failed] = mark
        self._on_mark(mark)

    def overdue(self, now: float, lines: Sequence[str]) -> None:
        """End it when what is waited for is overdue, or when a refusal stayed."""
        if self._refused is not None and now - self._refused[0] >= REFUSALS * self.scale:
            self.fail(*self._refused[1:], now, lines)
        elif self.next and now - self._since > self.patience:
            self.end(self._with_reason(too_slow(now - self._since, lines)), now)

    def out_of_time(self, now: float, lines: Sequence[str]) -> None:
        """End it: all of it took too long. The host's last reason is more exact than the clock."""
        if self._refused is not None:
            self.fail(*self._refused[1:], now, lines)
        else:
            self.end(self._with_reason(too_slow(now, lines, overall=True)), now)

    def reported(self, message: str, now: float, *, about_host: bool) -> None:
        """Take what the plane reports: a refusal of this very host, or of one whose name is not known."""
        self._reported = message
        if about_host and self._refused is None:
            self._refused = (now, refusal_in(message) or "refused", message)

    def _with_reason(self, reason: Why) -> Why:
        if self.next not in ("registering", "registered"):
            return reason
        parts = [reason.sentence, *([f"The host reports: {self._waits}"] if self._waits else [])]
        parts += [f"The plane reports: {self._reported}"] if self._reported else []
        kind = refusal_in(self._waits) or refusal_in(self._reported)
        if kind:
            return Why(" ".join(parts), why(kind).hint)
        return Why(" ".join(parts), "See that the plane can be reached.") if self._waits else reason

    def _milestone(self, sign: Sign, now: float) -> None:
        key = sign.key
        if self.from_disk and key == "live":
            return  # reported again by the same system; that it is the medium's is reported by `not-again`
        if key == "login":
            self.passed("disk" if self.from_disk else "live", now)
        if key == "secure-boot":
            self.passed("kernel", now)
        if key == "install" and self.from_disk:
            self.fail("again", "", now)
            return
        if key == "disk" and not self.from_disk and "disk" in self.marks:
            return  # source a machine that was not installed by us
        if key == "installed":
            self.installed = True
        self.passed(key, now, sign.text)

    def _reported_term(self, sign: Sign, now: float, lines: Sequence[str]) -> None:
        if sign.key == "starved":
            self.starved += 1
            if self.starved >= STARVED:
                self.fail("panic", sign.text, now, lines)
        elif sign.key == "person" and "install" in self.marks:
            self.fail("person", sign.text, now, lines)
        elif sign.key == "waits":
            self._waits = sign.text
            kind = refusal_in(sign.text)
            if kind and self._refused is None and "registered" in self.marks:
                self._refused = (now, kind, sign.text)
        elif sign.key in ("person", "screen"):
            self.passed("login", now, "first-boot screen")
        elif sign.key == "not-again" and self.from_disk:
            self.fail("again", "", now, lines)
        elif sign.key == "other-slot" and self.from_disk:
            self.fail("other-slot", sign.text, now, lines)
        elif sign.key == "no-secure-boot" and "secure-boot" in self.marks:
            self.fail("no-secure-boot", sign.text, now, lines)
        elif sign.key == "userspace" and not self.from_disk:
            self.passed("live", now)
        elif sign.key == "userspace" and self.from_disk:
            self.passed("disk", now)
        elif sign.key == "registered":
            self.passed("registering", now)
            self._refused, self._waits = None, ""
        elif sign.key == "refused" and self._refused is None and "registered" in self.marks:
            self._refused = (now, "refused", sign.text)
