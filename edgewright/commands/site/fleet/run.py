"""Action: one command on many hosts over SSH, with a result for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ssh.commands.command import as_root
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Printed, Text
from edgewright.commands.site import open_verbs as declared
from edgewright.commands.site.connecting import connect
from edgewright.commands.site.fleet.fan_out import FanOut, HostResult, Interrupted, Reach, What
from edgewright.commands.site.fleet.interrupts import interrupts
from edgewright.commands.site.fleet.targets import AT_A_TIME, choose, in_lines, number_in
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, UsageError
from edgewright.core.redaction.stream import Redactor
from edgewright.core.text import amount, clean, clip, is_harmless

MOST_LETTERS = 4000
"""Characters of a command: a plan shows all of them."""
TIME_LIMIT = (1.0, 86_400.0)


class SiteRun(declared.SiteRun):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Choose the hosts and show the command; nothing is dialled. Raises `UsageError`, `InvalidInput`."""
        command = read_command(str(args.get("command") or ""))
        chosen = await choose(ctx, args, "site run")
        what = What(
            command,
            chosen.targets,
            sudo=bool(args.get("sudo")),
            at_a_time=number_in(args, "at_a_time", 8, *AT_A_TIME),
            stop_after=number_in(args, "stop_after", 0, 0, len(chosen.targets)),
            limit=_span(args.get("time_limit")),
        )
        first = what.command.strip().partition("\n")[0]
        title = f"Run {clip(first, 60)} on {amount(len(what.targets), 'host')} over SSH"
        cli = self.cli_line((), {**args, "hosts": list(what.targets), "selector": "", "where": []})
        return Plan(title, lines_of(what, chosen.notes), what.targets, (), cli,
                    payload=what)  # fmt: skip

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Run it; what failed on a host is in the outcome."""
        run: FanOut = args.get("run") or FanOut(plan.payload)
        reach: Reach = args.get("reach") or _reach_of(ctx)
        if args.get("run") is None:
            run.changed = _reporter(run, report)
        prefix = bool(args.get("prefix")) and args.get("run") is None
        with interrupts(run, report) if ctx.actor == "cli" else contextlib.nullcontext():
            await (_printed(run, reach, report) if prefix else run.run(reach))
        ended = outcome(run)
        if prefix and isinstance(ended.result, Text):
            ended = ended._replace(result=ended.result._replace(text=""))  # all of it was printed
        return ended

    @classmethod
    def for_journal(cls, plan: Plan) -> Plan:
        """Return the plan without the secrets that are recognised in the command."""
        title = covered(plan.title)
        return plan._replace(title=title, lines=tuple(covered(line) for line in plan.lines), cli=covered(plan.cli))


def read_command(text: str) -> str:
    """Return a command that can be shown as it is. Raises `UsageError`, `InvalidInput`."""
    if not text.strip():
        raise UsageError("There is no command to run.", "Write it after --: edgewright site run HOST -- uptime")
    if len(text) > MOST_LETTERS:
        raise InvalidInput(f"A command has at most {MOST_LETTERS:,} characters, not {len(text):,}.", "Use a script.")
    bad = next((letter for letter in text if letter not in "\t\n" and not is_harmless(letter)), "")
    if bad:
        raise InvalidInput(
            f"The command has a character that cannot be shown (U+{ord(bad):04X}), so its plan could not be read.",
            "Write it as an escape of the shell, e.g. printf '\\033'.",
        )
    return text


def covered(text: str) -> str:
    """Return a text without the secrets that are recognised."""
    redactor = Redactor()
    return (redactor.feed(text.encode()) + redactor.finish()).decode("utf-8", "replace")


def lines_of(what: What, notes: Sequence[str]) -> tuple[str, ...]:
    """Return the plan: the exact command, all hosts, how many at a time, when it stops."""
    run_as = f"by root: {as_root(what.command)}" if what.sudo else "by the shell of the user"
    first, *more = what.command.split("\n")
    how = [f"{what.at_a_time} at a time", f"{times.duration(what.limit)} on each host at most"]
    how += [f"no further host begins after {amount(what.stop_after, 'failure')}"] if what.stop_after else []
    return (
        f"Command: {first}",
        *(f"         {line}" for line in more),
        f"Run {run_as}",
        *(f"{'Hosts:   ' if not n else '         '}{line}" for n, line in enumerate(in_lines(what.targets))),
        f"{'; '.join(how)}.",
        *notes,
    )


def _span(value: Any) -> float:
    try:
        seconds = times.parse_span(value) if isinstance(value, str) else 300.0 if value is None else float(value)
    except ValueError as error:
        raise InvalidInput(f"--time-limit: {error}.", "Give e.g. 90s or 10m.") from None
    if not TIME_LIMIT[0] <= seconds <= TIME_LIMIT[1]:
        raise InvalidInput("--time-limit is between 1s and 24h.", "Give e.g. 90s or 10m.")
    return seconds


def _reach_of(ctx: CommandContext) -> Reach:
    async def reach(target: str) -> tuple[Any, bool]:
        return await connect(target, ctx), True

    return reach


def _reporter(run: FanOut, report: Callable[[str], None]) -> Callable[[str], None]:
    """Return what prints a line for each host that has ended."""

    def changed(target: str) -> None:
        result = run.results.get(target)
        if result is None or result.state in ("waiting", "connecting", "running", "not-begun"):
            return
        ended = sum(each.state not in ("waiting", "connecting", "running") for each in run.results.values())
        took = "" if result.seconds is None else f" after {result.seconds:.1f} s"
        report(f"{target}: {result.word}{took} ({ended} of {len(run.results)})")

    return changed


async def _printed(run: FanOut, reach: Reach, report: Callable[[str], None]) -> None:
    """Run it, and print the lines of all hosts as they arrive. Raises what printing raises, with all hosts ended."""
    waiting: deque[str] = deque()
    arrived = asyncio.Event()

    def take(target: str, lines: Sequence[str], errors: Sequence[str]) -> None:
        name = clean(target, 80)
        waiting.extend(Printed(f"{name}: {line}") for line in lines)
        waiting.extend(f"{name}: ! {line}" for line in errors)
        arrived.set()

    def flush() -> None:
        while waiting:
            report(waiting.popleft())

    async def show() -> None:
        while True:
            await arrived.wait()
            arrived.clear()
            flush()

    run.printed = take
    work, shows = asyncio.ensure_future(run.run(reach)), asyncio.ensure_future(show())
    try:
        await asyncio.wait((work, shows), return_when=asyncio.FIRST_COMPLETED)
        if shows.done():
            shows.result()
        await work
        flush()
    finally:
        shows.cancel()
        if not work.done():
            work.cancel()
            await asyncio.wait([work])


def outcome(run: FanOut) -> Outcome:
    """Return what came of a run: for the command line, and for the journal (no output of hosts)."""
    results = list(run.results.values())
    done = tuple(result.target for result in results if result.state == "done")
    failed = tuple((result.target, _error(result, run)) for result in results if result.state != "done")
    facts = {
        result.target: {"result": result.state, "exit": result.status, "seconds": _rounded(result.seconds)}
        for result in results
    }
    text = "\n".join(block(result) for result in results)
    documents = [document(result) for result in results]
    return Outcome(done, failed, summary(run), Text(text, documents, "\n".join(done)), {"hosts": facts})


def summary(run: FanOut) -> str:
    """Return one sentence about all hosts."""
    counts = run.counts()
    failed = run.failures()
    parts = [f"done on {counts['done']} of {amount(len(run.results), 'host')}"]
    parts += [f"failed on {failed}"] if failed else []
    parts += [f"not begun on {counts['not-begun']}: {run.why_stopped}"] if counts["not-begun"] else []
    sentence = ", ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _error(result: HostResult, run: FanOut) -> EdgewrightError:
    error = result.error
    if error is None:
        kind = Interrupted if run.interrupted else Failed
        return kind(f"{result.target}: {result.note or result.word}", "", "NotBegun")
    if result.target in error.message:
        return error
    return type(error)(f"{result.target}: {error.message}", error.hint, error.code)


def block(result: HostResult) -> str:
    """Return one host as text: its name and result, then what it printed."""
    took = "" if result.seconds is None else f"  {result.seconds:.1f} s"
    lines = [f"{clean(result.target, 80)}  {result.word}{took}", *(f"  {line}" for line in result.output.lines)]
    lines += [f"  ! {line}" for line in result.errors.lines]
    if result.state == "not-reached" and result.error is not None:
        lines.append(f"  {clean(result.error.message, 400)}")
    return "\n".join([*lines, *([f"  {result.note}"] if result.note else [])])


def document(result: HostResult) -> dict[str, Any]:
    """Return one host as programs read it."""
    return {
        "target": result.target,
        "result": result.state,
        "exit": result.status,
        "seconds": _rounded(result.seconds),
        "output": list(result.output.lines),
        "outputLeftOut": result.output.left_out,
        "errors": list(result.errors.lines),
        "errorsLeftOut": result.errors.left_out,
        "mayRunOn": bool(result.seconds is not None and result.note),
        "error": None if result.error is None else result.error.as_dict(),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
