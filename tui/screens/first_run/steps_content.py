"""What the first steps with a plane show: what is done, what is next, and the first host as it registers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from edgewright.core import times
from edgewright.core.text import amount
from edgewright.store.collections.tokens import TOKENS
from tui.screens.first_run.content import LOOPBACK
from tui.widgets.lines import Line, Role, line, pad, wrap

if TYPE_CHECKING:
    from edgewright.commands.installer.view import Shown
    from edgewright.store.collections.hosts import HostRow
    from edgewright.store.collections.tokens import TokenRow
    from edgewright.store.engine.model import Model
    from tui.session import DeploymentFacts

OWN_TOKENS = frozenset({"this-machine", "demo"})
"""Tokens that the console makes for hosts of its own."""
ROOMY = 36
"""Lines from which every step has its advice and a line below it; else the ones that wait have none."""
PROOF_HOST = "proof-"
"""Beginning of the UID of the machine that proves an installer: it is deleted when the proof ends."""
State = Literal["done", "next", "later", "warn", "work"]
SIGNS: dict[State, tuple[str, Role]] = {
    "done": ("√ ", "ok"),
    "next": ("► ", "accent"),
    "later": ("○ ", "muted"),
    "warn": ("‼ ", "warn"),
    "work": ("► ", "work"),
}


class Step(NamedTuple):
    """One step: the key that enter on it chooses, its state, title, what is true now, and what to do for it."""

    key: str
    state: State
    title: str
    fact: str
    advice: str = ""


class Progress(NamedTuple):
    """What is known of the deployment: enough to show which steps are done."""

    url: str
    movable: bool
    tokens: tuple[TokenRow, ...]
    builds: tuple[Shown, ...]
    hosts: tuple[HostRow, ...]
    simulated: int = 0
    """Hosts that are programs: they do not count."""


def progress_of(model: Model, facts: DeploymentFacts | None, builds: Iterable[Shown], now: float) -> Progress:
    """Return the progress: usable tokens but the console's own, installers, and hosts but observed ones."""
    tokens = [
        row
        for row in model.rows(TOKENS).values()
        if row.active and (row.expiry is None or row.expiry > now) and row.name not in OWN_TOKENS
    ]
    hosts = [
        row
        for row in model.hosts.values()
        if not row.observed and not row.simulated and not row.uid.startswith(PROOF_HOST)
    ]
    made = [
        shown for shown in builds if shown.build.kind == "iso" and shown.build.state in ("done", "running", "queued")
    ]
    return Progress(
        facts.url if facts else "",
        bool(facts and facts.movable),
        tuple(sorted(tokens, key=lambda row: -(row.created or 0.0))),
        tuple(made),
        tuple(sorted(hosts, key=lambda row: row.registered or row.created or 0.0)),
        sum(1 for row in model.hosts.values() if row.simulated),
    )


def is_local_only(url: str) -> bool:
    """Whether only this machine reaches an address."""
    host = url.partition("//")[2].rpartition(":")[0] or url.partition("//")[2]
    return host in (LOOPBACK, "localhost", "[::1]")


def steps_of(progress: Progress, now: float, more: Sequence[Step] = ()) -> list[Step]:
    """Return the four steps to a host and those after it (`more`); the first one that is not done is the next one."""
    steps = [_address(progress), _token(progress, now), _installer(progress), _host(progress, now)]
    if progress.hosts:  # however it registered: nothing before it is missing any more
        steps = [step if step.state in ("done", "warn") else _not_needed(step) for step in steps]
        return [*steps, *_in_order(more)]
    return _in_order([*steps, *more])


def _in_order(steps: Sequence[Step]) -> list[Step]:
    """Return steps of which only the first one that is not done is the next one."""
    first = next((place for place, step in enumerate(steps) if step.state in ("next", "warn")), len(steps))
    return [
        step._replace(state="later") if place > first and step.state == "next" else step
        for place, step in enumerate(steps)
    ]


def _not_needed(step: Step) -> Step:
    fact = "not needed any more" if step.state == "next" else step.fact
    return step._replace(state="done", fact=fact, advice="")


def _address(progress: Progress) -> Step:
    title = "Address of the hub"
    if progress.url and not is_local_only(progress.url):
        advice = "Enter gives it another one; the CA stays." if progress.movable else ""
        return Step("address", "done", title, f"sites use {progress.url}", advice)
    advice = "Choose the address that sites will use: enter. Until then no other machine can register."
    if not progress.movable:
        advice = "Set the address that sites use: edgewright hub configure --data DIR --address NAME_OR_IP"
    return Step("address", "warn", title, f"only this machine reaches {progress.url or 'it'}", advice)


def _token(progress: Progress, now: float) -> Step:
    title = "Registration token"
    if not progress.tokens:
        advice = "Enter creates one. A host registers with it; it can be revoked at any time."
        return Step("token", "next", title, "none yet", advice)
    newest = progress.tokens[0]
    left = f", valid for {times.duration(newest.expiry - now)}" if newest.expiry else ""
    more = f" and {len(progress.tokens) - 1} more" if len(progress.tokens) > 1 else ""
    return Step("token", "done", title, f"{newest.name}{left}{more}", "Enter creates another one.")


def _installer(progress: Progress) -> Step:
    title = "Installer, or install command"
    if not progress.builds:
        advice = "Enter opens the wizard: some questions, then b builds an ISO that installs a box by itself."
        return Step("installer", "next", title, "none yet", advice)
    build = progress.builds[0].build
    if build.state == "done":
        iso = build.iso
        name = iso.name if iso is not None else build.name
        return Step(f"installer/{build.id}", "done", title, f"{name}, {build.label or 'unproven'}", "Enter shows it.")
    return Step(f"installer/{build.id}", "work", title, f"building {build.name}: {build.line or build.state}")


def _host(progress: Progress, now: float) -> Step:
    title = "First host"
    if not progress.hosts:
        advice = "Start the box from the installer, or run the install command on a machine. It shows here by itself."
        simulated = f"; {amount(progress.simulated, 'simulated host')} not counted" if progress.simulated else ""
        return Step("host", "next", title, f"waiting for it to register{simulated}", advice)
    first = progress.hosts[0]
    at = first.registered or first.created
    when = f"registered {times.duration(max(now - at, 0))} ago, " if at else ""
    more = f"; {len(progress.hosts) - 1} more" if len(progress.hosts) > 1 else ""
    return Step(f"host/{first.uid}", "done", title, f"{first.name or first.uid} {when}{first.health}{more}", "")


def summary(steps: Sequence[Step]) -> str:
    """Return how far the steps are, and which one is next."""
    done = sum(step.state == "done" for step in steps)
    following = next((step.title.lower() for step in steps if step.state not in ("done",)), "")
    if not following:
        return "All steps are done."
    return f"{done} of {len(steps)} steps done. Next: {following}."


def lines_of(steps: Sequence[Step], alerts: Sequence[str], width: int, height: int) -> list[Line]:
    """Return the page: how far it is, each step with its fact and advice, and boxes that were rejected."""
    out = wrap(summary(steps), width, role="strong")
    for text in alerts:  # above the steps: what stops a box must not be out of sight
        out += wrap(text, width, first="▲ ", rest="  ", role="bad")
    out.append(line())
    roomy = height >= ROOMY
    for number, step in enumerate(steps, 1):
        sign = SIGNS[step.state]
        done = step.state == "done"
        role: Role = "muted" if step.state == "later" else ""
        wide = width >= 36 + len(step.fact)
        title = pad(f"{number} {step.title}", 32) if wide else f"{number} {step.title}"
        out.append(line(sign, (title, "strong" if not done else role), (f" {step.fact}" if wide else ""), key=step.key))
        if not wide:
            out += wrap(step.fact, width, first="    ", rest="    ")
        if step.advice and (step.state in ("next", "warn", "work") or roomy):
            out += wrap(step.advice, width, first="    ", rest="    ", role="muted")
        if step.key.partition("/")[0] == "installer":
            out.append(line("    ", ("or show the install command", "accent"), key="command"))
        if roomy:
            out.append(line())
    if all(step.state == "done" for step in steps):
        out.append(line(("Pulse shows the fleet from now on: ", "muted"), ("1", "accent")))
    return out


def command_lines(url: str, ca: str, width: int) -> list[Line]:
    """Return the commands that install the agent on a machine that runs already, to be copied."""
    out = wrap("Run these on this machine; HOST is the other one, reached by SSH.", width)
    out.append(line())
    authority = f" {shlex.quote(ca)}" if ca else ""
    commands = [
        "make agent",
        "edgewright token create install-command > token",
        f"scp dist/edgewright-agent.pyz token{authority} root@HOST:",
        f"ssh root@HOST python3 edgewright-agent.pyz install --endpoint {url} --token-file token"
        + (f" --ca {shlex.quote(ca.rpartition('/')[2])}" if ca else ""),
    ]
    for command in commands:
        out += wrap(command, width, first="  ", rest="    ", role="accent")
    out.append(line())
    text = "make agent builds the file from the source tree. The file token may contain any token of the plane."
    return out + wrap(text, width, role="muted")
