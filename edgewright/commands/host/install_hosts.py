"""Installations on many hosts: some at a time, a result for each; a failure undoes its own host and no other."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple

from edgewright.commands.host.install_attempt import Done, Work
from edgewright.commands.kernel.base import Outcome
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.site.fleet.fan_out import Interrupted
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Failed
from edgewright.core.text import amount, clean

State = Literal["waiting", "running", "done", "failed", "ended", "not-begun"]
"""`ended`: by the user, and undone; `not-begun`: the run was stopped before."""
SHOWN = {
    "installed": "installed", "registered": "installed already", "completed": "completed", "undone": "undone",
    "nothing-to-undo": "nothing to undo", "failed": "failed", "ended": "ended by the user", "not-begun": "not begun",
    "waiting": "waiting", "running": "running",
}  # fmt: skip
COLUMNS = (
    Column("HOST"), Column("RESULT"), Column("UID"), Column("HEALTH"), Column("TOOK", right=True), Column("WHAT"),
)  # fmt: skip
OFTEN = 10.0
"""Seconds between two lines of progress of one host."""


class HostResult(NamedTuple):
    """What is known of one host."""

    target: str
    state: State = "waiting"
    done: Done | None = None
    seconds: float | None = None
    note: str = ""
    error: EdgewrightError | None = None

    @property
    def result(self) -> str:
        """One word, for programs."""
        return self.done.result if self.done is not None else self.state

    @property
    def what(self) -> str:
        """One sentence."""
        if self.error is not None:
            return self.error.message
        return self.done.message if self.done is not None else self.note


Carry = Callable[[Work, Callable[[str], None]], Awaitable[Done]]
"""Does the work of one host. Raises what failed, after its host was undone; also when it is cancelled."""


class InstallRun:
    """One run. `refused` are hosts that the preflight refused: failures, before any host begins."""

    def __init__(
        self, targets: Sequence[str], refused: Sequence[tuple[str, EdgewrightError]], at_a_time: int, stop_after: int
    ) -> None:
        self.results = {target: HostResult(target) for target in targets}
        for target, error in refused:
            self.results[target] = HostResult(target, "failed", error=error)
        self.why_stopped = ""
        self.interrupted = False
        self._at_a_time, self._stop_after = at_a_time, stop_after
        self._running: set[asyncio.Task[None]] = set()

    @property
    def is_stopping(self) -> bool:
        """Whether no further host begins."""
        return bool(self.why_stopped)

    def no_more(self, why: str = "it was stopped") -> None:
        """Let no further host begin; those that run end by themselves."""
        self.why_stopped = self.why_stopped or why

    def end_all(self) -> None:
        """Let those that run end and be undone, and let no further host begin."""
        self.no_more()
        for task in self._running:
            task.cancel()

    def failures(self) -> int:
        """Return how many hosts have failed."""
        return sum(result.state in ("failed", "ended") for result in self.results.values())

    async def run(self, works: Sequence[Work], carry: Carry, report: Callable[[str], None]) -> None:
        """Do it on all hosts. When it is cancelled, those that run are undone first."""
        waiting = list(reversed(works))

        async def work() -> None:
            while waiting and not self.is_stopping:
                task = asyncio.ensure_future(self._carry_out(waiting.pop(), carry, report))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                await asyncio.wait({task})
                if self._stop_after and self.failures() >= self._stop_after:
                    self.no_more(f"{amount(self.failures(), 'host')} failed")

        try:
            await asyncio.gather(*(work() for _ in range(min(self._at_a_time, len(works)))))
        except asyncio.CancelledError:
            self.end_all()
            if self._running:
                await asyncio.wait(set(self._running))
            raise
        finally:
            for target, result in self.results.items():
                if result.state == "waiting":
                    note = f"Not begun: {self.why_stopped}."
                    self.results[target] = result._replace(state="not-begun", note=note)

    async def _carry_out(self, work: Work, carry: Carry, report: Callable[[str], None]) -> None:
        target, began = work.target, time.monotonic()
        self.results[target] = result = HostResult(target, "running")
        try:
            done = await carry(work, _Often(target, report))
            result = result._replace(state="done", done=done)
        except EdgewrightError as error:
            result = result._replace(state="failed", error=named(target, error))
        except asyncio.CancelledError as ended:
            notes = " ".join(getattr(ended, "__notes__", ()))
            why = Interrupted(f"{target}: it was ended.", notes)
            result = result._replace(state="ended", note=notes, error=why)
        self.results[target] = result = result._replace(seconds=time.monotonic() - began)
        over = sum(each.state not in ("waiting", "running") for each in self.results.values())
        uid = f" as {result.done.uid}" if result.done is not None and result.done.uid else ""
        report(f"{target}: {SHOWN[result.result]}{uid} after {result.seconds:.1f} s ({over} of {len(self.results)})")


class _Often:
    """Puts the host before its lines; of those of progress only some are shown."""

    def __init__(self, target: str, report: Callable[[str], None]) -> None:
        self._target, self._report, self._next = target, report, 0.0

    def __call__(self, line: str) -> None:
        if line.startswith("sent ") or line.endswith(" s left"):
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + OFTEN
        self._report(f"{self._target}: {line}")


def named(target: str, error: EdgewrightError) -> EdgewrightError:
    """Return an error whose message has the host as it was typed."""
    if error.message.startswith(f"{target}: "):
        return error
    return type(error)(f"{target}: {error.message}", error.hint, error.code)


def outcome(run: InstallRun) -> Outcome:
    """Return what came of a run: a row for each host."""
    results = list(run.results.values())
    done = tuple(result.target for result in results if result.state == "done")
    left = Interrupted if run.interrupted else Failed
    failed = tuple(
        (result.target, result.error or left(f"{result.target}: {result.note}", "", "NotBegun"))
        for result in results
        if result.state != "done"
    )
    facts = {each.target: {"result": each.state, "seconds": _rounded(each.seconds)} for each in results}
    items = tuple(Item(result.target, _cells(result), document(result)) for result in results)
    return Outcome(done, failed, summary(run), Listing(COLUMNS, items), {"hosts": facts})


def summary(run: InstallRun) -> str:
    """Return one sentence about all hosts."""
    counts = Counter(result.result for result in run.results.values())
    order = ("installed", "completed", "undone", "registered", "nothing-to-undo", "failed", "ended", "not-begun")
    parts = [f"{counts[word]} {SHOWN[word]}" for word in order if counts[word]]
    why = f" ({run.why_stopped})" if counts["not-begun"] else ""
    return f"{amount(len(run.results), 'host')}: {', '.join(parts)}{why}."


def document(result: HostResult) -> dict[str, Any]:
    """Return one host as programs read it."""
    done = result.done
    return {
        "target": result.target,
        "result": result.result,
        "uid": (done.uid if done is not None else "") or None,
        "health": (done.health if done is not None else "") or None,
        "seconds": _rounded(result.seconds),
        "message": result.what,
        "error": None if result.error is None else result.error.as_dict(),
    }


def _cells(result: HostResult) -> tuple[str, ...]:
    done = result.done
    took = "-" if result.seconds is None else f"{result.seconds:.1f} s"
    if result.seconds is not None and result.seconds >= 60:
        took = times.duration(result.seconds)
    uid, health = (done.uid, done.health) if done is not None else ("", "")
    what = "-" if uid else clean(result.what, 400)
    return result.target, SHOWN[result.result], uid or "-", health or "-", took, what


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
