"""Action: put the agent on hosts over SSH, wait for their registration, and take everything back where that fails."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.ports import CanListHosts, CanManageTokens
from edgewright.clients.ssh.install.preflight import HostState, problem
from edgewright.clients.ssh.install.remote import read_host
from edgewright.clients.ssh.install.scripts import STAGE
from edgewright.commands.host import install_verbs as declared
from edgewright.commands.host.install_attempt import Done, Work, carry_out
from edgewright.commands.host.install_hosts import InstallRun, named, outcome
from edgewright.commands.host.install_input import Inputs, lent_token, read_inputs
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.connecting import connect
from edgewright.commands.site.fleet.interrupts import interrupts
from edgewright.commands.site.fleet.targets import AT_A_TIME, choose, number_in
from edgewright.core import times
from edgewright.core.errors import Conflict, EdgewrightError, Failed, NotFound, UsageError
from edgewright.core.hosts.same import host_proof
from edgewright.core.text import amount, clean

MOST = 100
"""Hosts of one call: each has an open connection while its plan is read."""
STEPS = 300.0
"""Seconds of an installation beside the wait for its registration, for the time that a token is valid."""


class Many(NamedTuple):
    """The plan of several hosts; `refused` are those that the preflight refused."""

    targets: tuple[str, ...]
    works: tuple[Work, ...]
    refused: tuple[tuple[str, EdgewrightError], ...]
    at_a_time: int
    stop_after: int


class HostInstall(declared.HostInstall):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the hosts and return what would be done. Raises `EdgewrightError` where it can be on none."""
        for port in (CanListHosts, CanManageTokens):
            await ctx.port(port)
        chosen = await choose(ctx, args, "host install")
        hosts = chosen.targets
        if len(hosts) > MOST:
            raise UsageError(f"`host install` takes at most {MOST} hosts, not {len(hosts)}.", "Take them in parts.")
        at_a_time = number_in(args, "at_a_time", 8, *AT_A_TIME)
        stop_after = number_in(args, "stop_after", 0, 0, len(hosts))
        cli = self.cli_line((), {**args, "hosts": list(hosts), "selector": "", "where": []})
        inputs = None if args.get("undo") else await read_inputs(ctx, args, lambda line: None)
        if len(hosts) == 1:
            work = await _examined(ctx, hosts[0], inputs)
            title, lines = _plan_of(work)
            return Plan(title, (*lines, *chosen.notes), hosts, (), cli, None, work, {}, work.way == "nothing")
        many = await _examined_all(ctx, hosts, inputs, at_a_time, stop_after)
        verb = "Undo the installation of" if inputs is None else "Install the agent on"
        nothing = all(work.way == "nothing" for work in many.works)
        lines = (*_lines_of_many(many, inputs), *chosen.notes)
        return Plan(f"{verb} {amount(len(hosts), 'host')}", lines, hosts, (), cli, None, many, {}, nothing)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Do it. On one host it raises what failed, after everything was taken back."""
        span = args.get("wait")
        patience = float(span) if isinstance(span, (int, float)) else times.parse_span(str(span or "3m"))
        payload: Work | Many = plan.payload
        if isinstance(payload, Work):
            async with _token(ctx, (payload,), payload.host, patience, report) as token:
                done = await carry_out(ctx, payload, token, patience, report)
            return Outcome((done.uid or payload.target,), (), done.message)
        run = InstallRun(payload.targets, payload.refused, payload.at_a_time, payload.stop_after)
        rounds = -(-len(payload.works) // payload.at_a_time)
        ending = "Ending the installations that run, and undoing them."
        name = f"{len(payload.works)}-hosts"
        async with _token(ctx, payload.works, name, rounds * (patience + STEPS), report) as token:

            async def carry(work: Work, report_one: Callable[[str], None]) -> Done:
                if not work.connection.alive:  # it ended while the plan was read, or while others worked
                    again = await connect(work.target, ctx)
                    ctx.at_end(again.aclose)
                    work = work._replace(connection=again)
                try:
                    return await carry_out(ctx, work, token, patience, report_one)
                finally:
                    await work.connection.aclose()

            with interrupts(run, report, ending) if ctx.actor == "cli" else contextlib.nullcontext():
                await run.run(payload.works, carry, report)
        return outcome(run)


def _token(
    ctx: CommandContext, works: Sequence[Work], name: str, seconds: float, report: Callable[[str], None]
) -> contextlib.AbstractAsyncContextManager[Any]:
    """Return the one token of a run, where a host needs one that is made for it."""
    inputs = next((work.inputs for work in works if work.way == "install" and work.inputs is not None), None)
    if inputs is None:
        return contextlib.nullcontext()
    return lent_token(ctx, inputs, name, seconds, report)


async def _examined(ctx: CommandContext, target: str, inputs: Inputs | None) -> Work:
    """Read one host and return its work; without `inputs` an undo. Raises `EdgewrightError` where it cannot be."""
    connection = await connect(target, ctx)
    ctx.at_end(connection.aclose)
    host = connection.facts.host
    if inputs is None:
        return Work("undo", target, host, connection, await read_host(connection, ""))
    state = await read_host(connection, inputs.planes)
    uid = clean(state.status.get("uid"), 128)
    if state.ours and state.status.get("registered"):
        await _same_plane(ctx, uid, host)
        return Work("complete" if state.stage else "nothing", target, host, connection, state, inputs, uid)
    if state.ours and state.stage != "began":
        paths = clean(", ".join(state.values["ours"]), 200)
        raise Conflict(
            f"{host} has an Edgewright agent that is not registered, or what is left of one: {paths}.",
            f"See why: edgewright site doctor {shlex.quote(target)} (or remove it there: "
            "edgewright-agent uninstall --purge)",
            "AgentPresent",
        )
    refused = problem(state, binary_arch=inputs.arch, host=host)
    if refused is not None:
        raise refused
    return Work("install", target, host, connection, state, inputs)


async def _same_plane(ctx: CommandContext, uid: str, host: str) -> None:
    try:
        await (await ctx.port(CanListHosts)).get(uid)
    except NotFound:
        raise Conflict(
            f"{host} is registered as {uid}, and this plane does not know it: it belongs to another plane.",
            "Take the context of its plane, or remove the agent there: edgewright-agent uninstall --purge",
            "OtherPlane",
        ) from None


async def _examined_all(
    ctx: CommandContext, hosts: Sequence[str], inputs: Inputs | None, at_a_time: int, stop_after: int
) -> Many:
    """Read all hosts, some at a time. Raises where none is left, or more are refused than `stop_after` allows."""
    free = asyncio.Semaphore(at_a_time)

    async def look(target: str) -> Work | EdgewrightError:
        async with free:
            try:
                return await _examined(ctx, target, inputs)
            except EdgewrightError as error:
                return named(target, error)

    examined = dict(zip(hosts, await asyncio.gather(*map(look, hosts)), strict=True))
    seen: dict[tuple[str, ...], str] = {}
    for target, work in examined.items():
        if isinstance(work, Work):
            first = next((seen[each] for each in _marks(work) if each in seen), "")
            if first:
                message = f"{target}: {clean(work.connection.facts.address, 80)} is the same host as {first}."
                examined[target] = Conflict(message, "Name it once.", "SameHost")
            else:
                seen.update(dict.fromkeys(_marks(work), target))
    works = tuple(work for work in examined.values() if isinstance(work, Work))
    refused = tuple((target, work) for target, work in examined.items() if isinstance(work, EdgewrightError))
    if works and not (stop_after and len(refused) >= stop_after):
        return Many(tuple(hosts), works, refused, at_a_time, stop_after)
    kinds = {type(error) for _, error in refused}
    shown = " ".join(f"{error.message.rstrip('.')}." for _, error in refused[:10])
    more = f" And {len(refused) - 10} more." if len(refused) > 10 else ""
    few = "" if works else "none of them can be. "
    raise (kinds.pop() if len(kinds) == 1 else Failed)(
        f"Nothing is installed on {amount(len(hosts), 'host')}: {few}{shown}{more}",
        "Nothing was changed. Leave these hosts out, or remove the causes.",
        "PreflightFailed",
    )


def _marks(work: Work) -> list[tuple[str, ...]]:
    """Return what two names of one host have in common: the way to it, or what proves it (`core.hosts.same`)."""
    marks = [("at", *work.connection.place)]
    if work.state is not None and (proof := host_proof(work.connection.facts.key.fingerprint, work.state.machine)):
        marks.append(("is", proof))
    return marks


def _plan_of(work: Work) -> tuple[str, tuple[str, ...]]:
    """Return title and lines of a plan for one host."""
    if work.way == "undo":
        first = f"What an installation that was cut has made on {work.host} is removed, as {STAGE} there lists it."
        return f"Undo the installation of {work.host}", (first, *_registered_lines(work.state))
    if work.way == "install":
        return f"Install the agent on {work.host}", _lines(work)
    there = f"The agent is there and registered as {work.uid}."
    if work.way == "nothing":
        return f"Nothing to do on {work.host}", (there,)
    cut = "It was cut after the registration: what was needed for it is removed."
    return f"Complete the installation of {work.host}", (there, cut)


def _registered_lines(state: HostState | None) -> tuple[str, ...]:
    """Return what an undo takes with it, where the host has registered since."""
    if state is None or state.stage != "began" or not state.status.get("registered"):
        return ()
    return (
        f"It is registered as {clean(state.status.get('uid'), 128)}, and may run a cluster since: agent, settings and",
        "the data of the agent are removed. To complete the installation instead, run this without --undo.",
    )


def _lines(work: Work) -> tuple[str, ...]:
    state, inputs = work.state, work.inputs
    assert state is not None and inputs is not None
    lines = [
        f"Host: {_described(work)}; preflight passed.",
        *_written(inputs),
        "A failure or Ctrl-C takes all of it back.",
    ]
    return (*_cut(state), *lines)


def _described(work: Work) -> str:
    state, inputs = work.state, work.inputs
    assert state is not None and inputs is not None
    runs = "a binary" if inputs.arch else clean(state.python, 80)
    return f"{clean(state.first('name'), 80)}, {state.arch}, runs the agent by {runs}"


def _cut(state: HostState) -> list[str]:
    if state.stage == "began":
        return ["An installation of this host was cut: what it made is taken back first."]
    return ["An installation of this host was cut while it was sent: it continues there."] if state.stage else []


def _written(inputs: Inputs) -> list[str]:
    name = "edgewright-agent" if inputs.arch else "edgewright-agent.pyz"
    return [
        f"Plane: {inputs.endpoint}, token: {inputs.token_from}",
        f"Written: /usr/local/lib/edgewright/{name} ({len(inputs.program)} bytes)",
        "Written: /etc/edgewright (token and user-data with mode 0600, CA), units edgewright-* in /etc/systemd/system",
        "Started: edgewright-agent, edgewright-reconciler, edgewright-relay; then the registration is waited for.",
    ]


def _lines_of_many(many: Many, inputs: Inputs | None) -> tuple[str, ...]:
    """Return the plan of several hosts: what is the same for all, then a line or more for each."""
    refused = dict(many.refused)
    works = {work.target: work for work in many.works}
    lines = _written(inputs) if inputs is not None else []
    for target in many.targets:
        work = works.get(target)
        if work is None:
            lines.append(f"Left out, {clean(refused[target].message, 400)}")
        elif work.way == "install":
            assert work.state is not None
            lines += [f"{target}: {_described(work)}; preflight passed.", *(f"  {line}" for line in _cut(work.state))]
        else:
            lines.append(f"{target}: {' '.join(_plan_of(work)[1])}")
    stop = f" No further host begins after {amount(many.stop_after, 'failure')}." if many.stop_after else ""
    left = f" {amount(len(refused), 'host')} left out." if refused else ""
    back = " A failure takes its own host back, and no other." if inputs is not None else ""
    return (*lines, f"{many.at_a_time} at a time.{stop}{back}{left}")
