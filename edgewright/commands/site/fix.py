"""Action: apply a fix of Doctor's catalogue, read the host again, and report whether the symptom is still there."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.ssh import repairing
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.commands.site import open_verbs as declared
from edgewright.commands.site.connecting import check
from edgewright.commands.site.doctor_text import ROOT, cause_of, key_of
from edgewright.commands.site.fix_hosts import DialledHost, FixHost, OpenHost, Report
from edgewright.core.doctor.repairs import Repair, repair
from edgewright.core.errors import EdgewrightError, Failed, NotFound, Refused, TimedOut, Unreachable, UsageError
from edgewright.core.text import clean

SETTLE, AGAIN = 2.0, 6.0
"""Seconds from a command until the host is read, and until it is read once more where the symptom is still there."""
STARTING = 5
"""Times that a host is read again while the unit of a fix is starting."""
DANGER = {"safe": "nothing that is in use is lost", "confirm": "interrupts what it is about"}
SHOWN = 6
"""Last lines of the output that are shown."""


class Work(NamedTuple):
    """What a plan is about. `finding`: its key, "" for an undo that names none; `title`: of its symptom."""

    host: FixHost
    repair: Repair
    undo: bool
    finding: str
    title: str

    @property
    def command(self) -> str:
        """The line that is run."""
        return self.repair.undo if self.undo else self.repair.command


class SiteFix(declared.SiteFix):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the host, and return the command that would be run. Raises `EdgewrightError`, `NotFound` for a finding.

        In the console (`site` of the arguments) what its Doctor read last counts.
        """
        site, wanted, undo = args.get("site"), str(args.get("finding") or ""), str(args.get("undo") or "")
        if bool(wanted) == bool(undo) and site is None:
            raise UsageError(
                "`site fix` takes a finding, or --undo with a fix.", "Findings: edgewright site doctor TARGET"
            )
        taken_back = repair(undo) if undo else None
        if taken_back is not None and not taken_back.undo:
            raise Refused(f"The fix {taken_back.id} has no undo.", "", "NoUndo")
        target = site.target if site is not None else str(args["host"])
        check(target)
        host: FixHost = OpenHost(site) if site is not None else DialledHost(target, ctx)
        if isinstance(host, DialledHost):
            ctx.at_end(host.aclose)
        report = site.report if site is not None else await host.read()
        if report is None:
            raise Refused(f"{target} was not read yet.", "Read it first.", "NotRead")
        if report["root"] not in ("root", "sudo"):
            why = ROOT.get(str(report["root"]), ROOT["unknown"])
            raise Refused(f"A fix needs root on {target}: {why}.", "Connect as root, or allow sudo.", "NoRoot")
        if taken_back is not None:
            title = _titles(report).get(wanted, "")
            return self._planned(Work(host, taken_back, True, wanted, title), f"Undo on {clean(target, 80)}: ", args)
        finding = _finding(report, wanted, target)
        chosen = _chosen(finding, str(args.get("fix") or ""), target)
        work = Work(host, chosen, False, key_of(finding), _title(finding))
        return self._planned(work, f"Fix {clean(target, 80)}: ", args, clean(finding["text"], 400))

    def _planned(self, work: Work, start: str, args: Mapping[str, Any], about: str = "") -> Plan:
        it = work.repair
        lines = [f"symptom  {about}"] if about else []
        lines += [f"command  {work.command}", "runs     as root; the host is read after it"]
        lines.append(f"after    {it.changes if not work.undo else 'The fix is taken back.'}")
        lines.append(f"danger   {DANGER[it.danger] if not work.undo else DANGER['confirm']}")
        if it.may_cut:
            lines.append("link     may end; the host is read when it is back")
        if not work.undo:
            lines.append(f"undo     {it.undo or 'none'}")
        none = () if it.undo or it.danger == "safe" else ("an interruption of what is restarted or renewed",)
        named = {"host": work.host.target, "finding": work.finding} | ({"fix": it.id} if not work.undo else {})
        if work.undo:
            named = {"host": work.host.target, "undo": it.id}
        title = start + (f"take back: {it.title}" if work.undo else it.title)
        return Plan(title, tuple(lines), (work.host.target,), none, self.cli_line((), named), None, work)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Run it, read the host, and return what came of it. Raises where that is not known."""
        work: Work = plan.payload
        site = args.get("site")
        try:
            return await self._apply(work, site, report)
        except asyncio.CancelledError:
            if site is not None:
                site.unsettled = work.command
            raise

    async def _apply(self, work: Work, site: Any, report: Callable[[str], None]) -> Outcome:
        target = work.host.target
        report(f"running: {work.command}")
        ran, cut = await self._run(work, report)
        await asyncio.sleep(SETTLE)
        report("reading the host again")
        try:
            after = await _read(work.host, report)
        except (Unreachable, TimedOut) as error:
            raise _unread(work, ran, error) from None
        for turn in range(STARTING):
            starts = work.repair.value in after["starting"]
            if work.undo or not (starts or (turn == 0 and work.finding in _titles(after))):
                break
            report(f"{'still starting' if starts else 'still there'}; reading once more in {AGAIN:g} s")
            await asyncio.sleep(AGAIN)
            after = await _read(work.host, report)
        if site is not None:
            site.remember(work.finding, work.repair.id, undone=work.undo)
        return _outcome(target, work, ran, cut, after, console=site is not None)

    async def _run(self, work: Work, report: Callable[[str], None]) -> tuple[repairing.Ran | None, bool]:
        """Return what the command left, None where that is not known, and whether the connection broke."""
        try:
            return await repairing.run(await work.host.connection(), work.command), False
        except (Unreachable, TimedOut) as error:
            report(f"The connection broke while the command ran: whether it was done is not known. {error.message}")
            if isinstance(error, Unreachable):
                await work.host.broke(error)
        report("waiting until the host is there again")
        if not await work.host.back():
            raise _unknown(work)
        return None, True


async def _read(host: FixHost, report: Callable[[str], None]) -> Report:
    """Return what Doctor reads now, also after a connection that breaks once more. Raises `EdgewrightError`."""
    try:
        return await host.read()
    except (Unreachable, TimedOut) as error:
        report(f"{error.message} Waiting until the host is there again.")
        if isinstance(error, Unreachable):
            await host.broke(error)
        if not await host.back():
            raise
        return await host.read()


def _unknown(work: Work) -> Unreachable:
    target = work.host.target
    return Unreachable(
        f"The connection to {target} broke while `{work.command}` ran, and {target} is not there again: whether it was "
        "done is not known.",
        f"When it is back, read it: edgewright site doctor {shlex.quote(target)}",
        "OutcomeUnknown",
    )


def _unread(work: Work, ran: repairing.Ran | None, error: Unreachable | TimedOut) -> Unreachable:
    """Return that the command ran and what it did is not known, since the host was not read afterwards."""
    ended = "" if ran is None else f" and ended with {ran.status}" if ran.status is not None else " and was ended"
    return Unreachable(
        f"`{work.command}` ran{ended}; {work.host.target} could not be read after it: {error.message}",
        f"When it is back, read it: edgewright site doctor {shlex.quote(work.host.target)}",
        "NotReadAfter",
    )


def _titles(report: Report) -> dict[str, str]:
    """Return the findings of a report: key to title."""
    return {key_of(each): _title(each) for each in report["findings"]}


def _title(finding: Mapping[str, Any]) -> str:
    return clean(f"{finding['title']} ({finding['object']})" if finding["object"] else finding["title"], 160)


def repairs_of(finding: Mapping[str, Any]) -> list[str]:
    """Return the fixes of a finding that may be applied."""
    return [fix["repair"] for fix in finding["fixes"] if fix["repair"]]


def _finding(report: Report, wanted: str, target: str) -> Report:
    """Return the finding that was named by its key, or by its symptom where only one has that. Raises `NotFound`."""
    findings: list[Report] = report["findings"]
    named = [each for each in findings if key_of(each) == wanted]
    named = named or [each for each in findings if each["symptom"] == wanted]
    if len(named) == 1:
        return named[0]
    keys = [key_of(each) for each in named or findings if repairs_of(each)]
    hint = f"With a fix: {clean(', '.join(keys), 400)}." if keys else "No finding of it has a fix that can be applied."
    many = "has several findings" if named else "has no finding"
    raise NotFound(f"{target} {many} {clean(wanted, 80)}.", hint, "NoFinding")


def _chosen(finding: Report, wanted: str, target: str) -> Repair:
    """Return the fix that was named, the first one that can be applied for none. Raises `NotFound`."""
    known = repairs_of(finding)
    if not known:
        text = f"There is no fix to apply for {key_of(finding)} on {target}."
        raise NotFound(text, clean(finding["nextStep"], 400), "NoFix")
    named = [each for each in known if wanted in ("", each, each.partition(":")[0])]
    if not named:
        text = f"{clean(wanted, 80)} does not fix {key_of(finding)} on {target}."
        raise NotFound(text, f"Fixes: {', '.join(known)}.", "NoFix")
    return repair(named[0])


def _outcome(target: str, work: Work, ran: repairing.Ran | None, cut: bool, after: Report, *, console: bool) -> Outcome:
    """Return what came of a fix; the console shows the sentence alone, since what was read is on its screen."""
    there = work.finding in _titles(after)
    failed = ran is not None and ran.status != 0
    status = "" if ran is None else "hung and was ended" if ran.status is None else f"ended with {ran.status}"
    output = "" if ran is None else "\n".join(f"  {clean(line, 400)}" for line in ran.lines[-SHOWN:])
    first, _ = cause_of(after)
    undo = f"edgewright site fix {shlex.quote(target)} --undo {shlex.quote(work.repair.id)}"
    sentences = ["The connection broke meanwhile; the host was read after its return."] if cut else []
    if failed:
        last = f": {clean(ran.lines[-1], 200)}" if ran is not None and ran.lines else ""
        sentences.append(f"The command {status}{last.rstrip('.')}.")
    if work.undo:
        sentences.append("The fix was taken back." if not failed else "Whether the fix was taken back is not sure.")
    elif there:
        sentences.append(f"Still there: {work.title}.")
    elif work.repair.value in after["starting"]:
        sentences.append(f"{work.repair.value} is still starting: read it again later.")
    else:
        sentences.append(f"No longer there: {work.title}.")
    if first is None:
        sentences.append("No fault is found any more.")
    elif not there or key_of(first) != work.finding:
        sentences.append(f"Likely cause now: {clean(first['text'], 300)}")
    offered = bool(work.repair.undo) and not work.undo
    document = {
        "target": target,
        "finding": work.finding,
        "fix": work.repair.id,
        "undone": work.undo,
        "command": work.command,
        "status": None if ran is None else ran.status,
        "output": [] if ran is None else [clean(line, 400) for line in ran.lines],
        "connectionBroke": cut,
        "gone": not there,
        "undo": undo if offered else "",
        "after": after,
    }
    message = " ".join(sentences)
    text = "\n".join(filter(None, [output, message, f"Undo: {undo}" if offered else ""]))
    result = None if console else Text(text, document, target)
    if console and offered:
        message, undo = f"{message} x takes the fix back.", "x"
    if failed or (there and not work.undo):
        error: EdgewrightError = Failed(
            message, f"Undo it: {undo}" if offered else "", "FixFailed" if failed else "StillThere"
        )
        return Outcome((), ((target, error),), "", result)
    return Outcome((target,), (), message, result)
