"""One command on many hosts: some at a time, a result for each; it can begin no more, or end all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple

from edgewright.clients.ssh.commands.bounded import Output
from edgewright.clients.ssh.commands.command import Arrived, CommandResult
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, ExitCode, Failed, TimedOut, Unreachable
from edgewright.core.text import amount

State = Literal[
    "waiting", "connecting", "running", "done", "failed", "late", "ended", "lost", "not-reached", "not-begun"
]
"""`done`: exit code 0; `failed`: another one, or a signal; `ended`: by the user; `lost`: the link broke meanwhile;
`not-begun`: it was stopped before."""
UNDER_WAY: tuple[State, ...] = ("waiting", "connecting", "running")
SHOWN: dict[State, str] = {
    "done": "done", "failed": "failed", "late": "out of time", "ended": "ended by the user", "lost": "connection lost",
    "not-reached": "not reached", "not-begun": "not begun", "waiting": "waiting", "connecting": "connecting",
    "running": "running",
}  # fmt: skip
MAY_RUN_ON = "It may still run on the host."


class Interrupted(Failed):
    """The user stopped it with Ctrl-C, before or while it ran (exit 130)."""

    exit_code = ExitCode.INTERRUPTED
    default_code = "Interrupted"


class HostResult(NamedTuple):
    """What is known of the command on one host. `began`: epoch seconds when it was connected to."""

    target: str
    state: State = "waiting"
    status: int | None = None
    seconds: float | None = None
    began: float | None = None
    output: Output = Output()
    errors: Output = Output()
    note: str = ""
    error: EdgewrightError | None = None

    @property
    def word(self) -> str:
        """The state for people, with the exit code."""
        if self.state in ("done", "failed") and self.status is not None:
            return f"exit {self.status}"
        return "ended by a signal" if self.state == "failed" else SHOWN[self.state]

    @property
    def last_line(self) -> str:
        """What is shown of it in one line: why it failed, or the last line that it printed."""
        if self.error is not None and self.state in ("not-reached", "lost"):
            return self.error.message
        lines = self.errors.lines if self.state == "failed" and self.errors.lines else self.output.lines
        return (lines or self.errors.lines or (self.note,))[-1]


class CanRunCommand:
    """What is needed of a connection (`clients.ssh.connection.SshConnection` has it)."""

    async def run_command(
        self,
        command: str,
        *,
        limit: float,
        size: int,
        sudo: bool = False,
        stop: asyncio.Event | None = None,
        arrived: Callable[[Arrived], None] | None = None,
    ) -> CommandResult:
        """Run a command of the user."""
        raise NotImplementedError


class What(NamedTuple):
    """What runs where. `limit`: seconds on one host; `stop_after`: failures after which no host begins, 0 without."""

    command: str
    targets: tuple[str, ...]
    sudo: bool = False
    at_a_time: int = 8
    stop_after: int = 0
    limit: float = 300.0
    size: int = 65_536


Reach = Callable[[str], Awaitable[tuple[Any, bool]]]
"""Gives a connection to a target, and whether it is to be closed afterwards. Raises `EdgewrightError`."""


class FanOut:
    """One run. `results` has a result for each target at any time.

    `changed` is called with each target that changed, and with "" at the end; `printed` with the lines that a target
    printed to its two outputs, as they arrive.
    """

    def __init__(self, what: What) -> None:
        self.what = what
        self.results = {target: HostResult(target) for target in what.targets}
        self.changed: Callable[[str], None] = lambda target: None
        self.printed: Callable[[str, Sequence[str], Sequence[str]], None] = lambda target, lines, errors: None
        self.began: float | None = None
        self.ended: float | None = None
        self.why_stopped = ""
        self.interrupted = False
        """Whether the user stopped it, so that hosts are left out or cut."""
        self._stopping, self._end = asyncio.Event(), asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether no further host begins."""
        return bool(self.why_stopped)

    def no_more(self, why: str = "it was stopped") -> None:
        """Let no further host begin, also none that is connected to; those that run end by themselves."""
        self.why_stopped = self.why_stopped or why
        self._stopping.set()

    def end_all(self) -> None:
        """Let the commands that run end, and let no further host begin."""
        self.no_more()
        self._end.set()

    def counts(self) -> Counter[State]:
        """Return how many hosts are in each state."""
        return Counter(result.state for result in self.results.values())

    def failures(self) -> int:
        """Return on how many hosts it has failed."""
        fine = (*UNDER_WAY, "done", "not-begun")
        return sum(result.state not in fine for result in self.results.values())

    async def run(self, reach: Reach) -> None:
        """Run it on all hosts; the failure of one is in its result. When it is cancelled, all are ended first."""
        self.began = times.now()
        waiting = list(reversed(self.what.targets))

        async def work() -> None:
            while waiting and not self.is_stopping:
                await self._run_on(waiting.pop(), reach)
                if self.what.stop_after and self.failures() >= self.what.stop_after:
                    self.no_more(f"{amount(self.failures(), 'host')} failed")

        tasks = [asyncio.ensure_future(work()) for _ in range(min(self.what.at_a_time, len(waiting)))]
        try:
            await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            self.end_all()
            await asyncio.wait(tasks, timeout=5.0)
            raise
        finally:
            for task in tasks:
                task.cancel()
            for target, result in list(self.results.items()):
                if result.state in ("waiting", "connecting"):
                    self._put(result._replace(state="not-begun", note=f"Not begun: {self.why_stopped}."), target)
                elif result.state == "running":
                    self._put(result._replace(state="ended", note=MAY_RUN_ON), target)
            self.ended = times.now()
            self.changed("")

    async def _run_on(self, target: str, reach: Reach) -> None:
        result = self.results[target]._replace(state="connecting", began=times.now())
        self._put(result, target)
        connecting = asyncio.ensure_future(reach(target))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([connecting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                connecting.cancel()
                self._put(result._replace(state="not-begun", note=f"Not begun: {self.why_stopped}."), target)
                return
            connection, own = connecting.result()
        except EdgewrightError as error:
            self._put(result._replace(state="not-reached", error=error), target)
            return
        finally:
            stopping.cancel()
            connecting.cancel()
        try:
            self._put(result := result._replace(state="running"), target)
            what = self.what
            done = await connection.run_command(
                what.command, limit=what.limit, size=what.size, sudo=what.sudo, stop=self._end,
                arrived=lambda arrived: self._take(arrived, target),
            )  # fmt: skip
            self._put(judged(result, done, what.limit), target)
        except EdgewrightError as error:
            self._put(result._replace(state="not-reached", error=error), target)
        except asyncio.CancelledError:
            self._put(self.results[target]._replace(state="ended", note=MAY_RUN_ON), target)
            raise
        finally:
            if own:
                await connection.aclose()

    def _take(self, arrived: Arrived, target: str) -> None:
        result = self.results[target]
        if result.state == "running":  # what comes later is in the result already
            self._put(result._replace(output=arrived.output, errors=arrived.errors), target)
        if arrived.new or arrived.new_errors:
            self.printed(target, arrived.new, arrived.new_errors)

    def _put(self, result: HostResult, target: str) -> None:
        self.results[target] = result
        self.changed(target)


def judged(result: HostResult, done: CommandResult, limit: float) -> HostResult:
    """Return the result of a command that ended, in one way or another."""
    result = result._replace(
        status=done.status, seconds=done.seconds, output=done.output, errors=done.errors,
        note="" if done.has_ended else MAY_RUN_ON,
    )  # fmt: skip
    target, rest = result.target, "" if done.has_ended else f" {MAY_RUN_ON}"
    if done.ending == "exit" and done.status == 0:
        return result._replace(state="done")
    if done.ending in ("exit", "signal"):
        how = f"with exit code {done.status}" if done.ending == "exit" else "by a signal"
        return result._replace(state="failed", error=Failed(f"{target}: it ended {how}.", "", "CommandFailed"))
    if done.ending == "late":
        text = f"{target}: it took longer than {limit:g} s and got the signal to end.{rest}"
        return result._replace(
            state="late", error=TimedOut(text, "Give it longer with --time-limit.", "CommandTimeout")
        )
    if done.ending == "lost":
        text = f"{target}: the connection broke while it ran; what it did is not known."
        return result._replace(state="lost", error=Unreachable(text, "Look at the host before it runs again.", "Lost"))
    return result._replace(state="ended", error=Interrupted(f"{target}: it was ended.{rest}"))
