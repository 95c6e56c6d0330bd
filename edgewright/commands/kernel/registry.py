"""All verbs, found by noun: the one list from which keys, `:` verbs, palette, help, CLI and completion are made.

Modules are imported when their noun is asked for, so that one verb does not pay for all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import BY_HOST, Allowed, Command, Outcome, Plan, Refusal, Scope
from edgewright.core.errors import EdgewrightError, Refused
from edgewright.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.store.engine.model import SourceStatus

NOUNS: dict[str, tuple[str, ...]] = {
    "context": ("context.verbs",),
    "hub": ("delegate.verbs",),
    "token": ("token.verbs", "token.change_verbs"),
    "host": ("host.verbs", "host.change_verbs", "host.operation_verbs", "host.log_verbs", "host.install_verbs"),
    "project": ("project.verbs",),
    "user": ("user.verbs", "user.change_verbs"),
    "role": ("role.verbs",),
    "key": ("key.verbs",),
    "filter": ("filter.verbs",),
    "registry": ("registry.verbs",),
    "pack": ("pack.verbs",),
    "profile": ("profile.verbs", "profile.tool_verbs"),
    "macro": ("macro.verbs",),
    "cluster": ("cluster.verbs",),
    "kube": ("kube.verbs", "kube.view_verbs", "kube.object_verbs"),
    "event": ("event.verbs",),
    "audit": ("event.verbs",),
    "alert": ("alert.verbs", "alert.change_verbs", "alert.receiver_verbs"),
    "agent": ("delegate.verbs",),
    "forge": (
        "forge.verbs.userdata",
        "forge.verbs.base",
        "forge.verbs.iso",
        "forge.verbs.image",
        "forge.verbs.hub_image",
        "forge.verbs.sites",
        "forge.verbs.flash",
        "forge.verbs.verify",
    ),
    "build": ("build.verbs",),
    "site": (
        "site.verbs",
        "site.doctor_verbs",
        "site.network.verbs",
        "site.open_verbs",
        "site.shells.verbs",
        "site.api.verbs",
    ),
    "apply": ("installer.apply_verb",),
    "lab": ("delegate.verbs",),
    "render": ("console.tools",),
    "record": ("console.tools",),
    "replay": ("console.tools",),
    "demo": ("console.tools",),
    "guide": ("console.views",),
    "config": ("setup.verbs",),
    "check": ("setup.verbs",),
    "completion": ("setup.verbs",),
    "pulse": ("pulse.verbs",),
}
"""First word of the command line to the modules that contain its verbs."""

LATER: dict[str, str] = {}
"""Nouns of the design that this version does not have yet, as the beginning of the sentence that the user gets."""

LATER_VERBS: dict[str, str] = {
    "forge bundle": "Building a content bundle is",
}
"""The same for single verbs of a noun that is there."""

CONSOLE_MODULES = ("console.views", "console.tables", "installer.view_verbs", "console.terminal")
"""Modules whose verbs belong to the console alone (beside those in `NOUNS`)."""

COMMAND_LINE_MODULES = frozenset(
    {
        "delegate.verbs",
        "kube.verbs",
        "alert.verbs",
        "alert.change_verbs",
        "alert.receiver_verbs",
        "forge.verbs.userdata",
        "forge.verbs.base",
        "forge.verbs.iso",
        "forge.verbs.image",
        "forge.verbs.hub_image",
        "forge.verbs.sites",
        "forge.verbs.flash",
        "forge.verbs.verify",
        "site.doctor_verbs",
        "installer.apply_verb",
        "profile.tool_verbs",
        "console.tools",
        "setup.verbs",
        "site.verbs",
        "site.shells.verbs",
        "site.api.verbs",
        "site.network.verbs",
        "host.install_verbs",
    }
)
"""Modules without a verb of the console: it does not load them before its first frame."""


def _commands_of(module: str) -> tuple[type[Command], ...]:
    return tuple(import_module(f"edgewright.commands.{module}").COMMANDS)


def for_noun(noun: str) -> tuple[type[Command], ...]:
    """Return the command-line verbs of one noun, in the order of the help; empty when there is no such noun."""
    commands = [c for module in NOUNS.get(noun, ()) for c in _commands_of(module)]
    return tuple(c for c in commands if c.name.split(" ", 1)[0] == noun)


def _modules() -> tuple[str, ...]:
    return tuple(dict.fromkeys([m for modules in NOUNS.values() for m in modules] + list(CONSOLE_MODULES)))


def all_commands() -> tuple[type[Command], ...]:
    """Return every verb once, in the order of the help."""
    return tuple(c for module in _modules() for c in _commands_of(module))


def _console_modules_commands() -> tuple[type[Command], ...]:
    """Return the verbs of the modules that have one of the console, in the order of the help."""
    return tuple(c for module in _modules() if module not in COMMAND_LINE_MODULES for c in _commands_of(module))


_NAMES: dict[str, type[Command]] = {}
_ALL_NAMES: dict[str, type[Command]] = {}


def by_name(name: str) -> type[Command] | None:
    """Return the verb of this name, id (`host-delete`) or `:` alias, or None."""
    command = console_verb(name)
    if command is not None:
        return command
    if not _ALL_NAMES:
        _ALL_NAMES.update(_named(all_commands()))
    return _ALL_NAMES.get(name)


def console_verb(name: str) -> type[Command] | None:
    """Return the same among the verbs that the console has keys for; no module of the command line is loaded."""
    if not _NAMES:  # the key line asks this for a dozen verbs at each key
        _NAMES.update(_named(_console_modules_commands()))
    return _NAMES.get(name)


def _named(commands: Iterable[type[Command]]) -> dict[str, type[Command]]:
    names: dict[str, type[Command]] = {}
    for command in commands:
        for name in (command.name, command.id(), *command.aliases):
            names.setdefault(name, command)
    return names


def for_scope(scope: Scope) -> tuple[type[Command], ...]:
    """Return the console's verbs whose keys are live on a screen of `scope`, its own before the global ones."""
    console = [c for c in _console_modules_commands() if c.console]
    own = [c for c in console if scope != "global" and (c.scope == scope or scope in c.also)]
    return tuple(own + [c for c in console if c.scope == "global"])


def check(command: type[Command], ctx: CommandContext, targets: Sequence[str]) -> Allowed | Refusal:
    """Return whether `command` may run on `targets` now: mode, number of targets, observed hosts, then its own rule."""
    if command.danger != "none" and ctx.read_only:
        return Refusal(
            f"This session is read-only, so `{command.name}` is refused.",
            "Leave read-only mode (:read-only in the console, or run without --read-only) and try again.",
        )
    if not command.for_role(ctx.role):
        return role_refusal(ctx.caller, ctx.role, command)
    if ctx.store is not None and (refused := unavailable(command, ctx.store.model.source, targets)) is not None:
        return refused
    if command.target is not None:
        few, most = command.target.least, command.target.most
        if len(targets) < few:
            return Refusal(f"`{command.name}` needs a {command.target.kind}.", "Choose one first.")
        if most is not None and len(targets) > most:
            return Refusal(
                f"`{command.name}` takes {most} {command.target.kind} at a time, not {len(targets)}.",
                "Clear the marks, or mark one.",
            )
        if command.danger != "none" and command.target.kind == "host":
            for uid in targets:
                row = ctx.host_row(uid)
                if row is not None and row.observed:
                    return Refusal(observed_reason(row.name or uid, command.name))
        if ctx.store is not None and command.target.kind == "host":
            from edgewright.commands.kernel.host_states import refusal_in_model

            missing = absent("host", ctx.store.model.source.missing)
            for uid in targets:
                row = ctx.host_row(uid)
                refused = None if row is None else refusal_in_model(ctx.store.model, row, command.name, missing)
                if refused is not None:
                    return refused
    return command().check(ctx, targets)


def acting(command: type[Command]) -> type[Command]:
    """Return the class that plans and applies a verb: that of its `implementation`, imported now, or itself."""
    if not command.implementation:
        return command
    module = import_module(f"edgewright.commands.{command.implementation}")
    action: type[Command] = module.acting(command) if command.described else getattr(module, command.__name__)
    return action


def unavailable(command: type[Command], source: SourceStatus, targets: Sequence[str] = ()) -> Refusal | None:
    """Return that the source lacks a port which the verb needs, None when it has all or is not known yet.

    What is known by SSH alone (`ssh:TARGET`) is not of the source: a verb works over SSH, or not at all.
    """
    by_ssh = [target for target in targets if target.startswith(BY_HOST)]
    if by_ssh and not works_over_ssh(command):
        return ssh_refusal(command, by_ssh[0])
    if by_ssh and len(by_ssh) == len(targets):
        return None
    lacks = next((name for name in command.needs if name in source.missing), None)
    if lacks is None:
        return None
    from edgewright.clients import ports  # what a first frame needs nothing of

    hint = ports.HINT_RECORDING if source.state == "replay" else ports.HINT_HUB
    return Refusal(ports.sentence(ports.BY_NAME[lacks]), hint)


def works_over_ssh(command: type[Command]) -> bool:
    """Return whether a verb works on what is known by SSH alone, or works on no host and no cluster."""
    return command.over_ssh or command.target is None or command.target.kind not in ("host", "cluster")


def ssh_refusal(command: type[Command], target: str) -> Refusal:
    """Return why a verb of the plane does nothing on what is known by SSH alone."""
    kind = command.target.kind if command.target is not None else "host"
    name = clean(target.removeprefix(BY_HOST), 200)
    reason = f"This {kind} is known by SSH alone ({name}), and `{command.name}` needs a management plane."
    return Refusal(reason, f"Over SSH: site open {name}")


def absent(noun: str, missing: Iterable[str]) -> frozenset[str]:
    """Return the verbs of a noun that need one of the ports which the source does not have."""
    ports = frozenset(missing)
    return frozenset(verb.name for verb in for_noun(noun) if ports.intersection(verb.needs)) if ports else ports


def role_refusal(caller: str, role: str, command: type[Command]) -> Refusal:
    """Return why a verb is refused for a role; `caller` names the credential, e.g. `API key noc-wall`."""
    needed = command.role or "operator"
    return Refusal(
        f"The {caller or 'credential'} has the role {role}: `{command.name}` is refused.",
        f"Use a key of the role {needed} (:context use, or edgewright context add).",
    )


def observed_reason(host: str, verb: str) -> str:
    """Return why a write verb is refused on an observed host."""
    return f"{host} is only observed: its agent runs without rights and read-only, so `{verb}` is refused on it."


async def run(
    command: type[Command],
    ctx: CommandContext,
    targets: Sequence[str],
    args: Mapping[str, Any],
    *,
    plan: Plan | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Check, plan (unless `plan` was seen already) and apply; what changes something is journalled before and after.

    Raises `Refused` when it may not run, and whatever `EdgewrightError` the verb raises.
    """
    verdict = check(command, ctx, targets)
    if isinstance(verdict, Refusal):
        raise Refused(verdict.reason, verdict.hint)
    verb = acting(command)()
    if plan is None:
        plan = await verb.plan(ctx, targets, args)
    if ctx.journal is None or (command.danger == "none" and not command.journalled):
        return await verb.apply(ctx, plan, args, report)
    from edgewright.commands.kernel.journal import finish, start

    entry = start(ctx, command, verb.for_journal(plan))
    try:
        outcome = await verb.apply(ctx, plan, args, report)
    except EdgewrightError as error:
        failed = [(t, error) for t in plan.touches] or [("", error)]
        finish(ctx, entry, command, done=(), failed=failed, note=_notes(error))
        raise
    except BaseException as error:
        note = "; ".join(each for each in ("interrupted; what was done is not known", _notes(error)) if each)
        finish(ctx, entry, command, done=(), failed=(), note=note)
        raise
    finish(ctx, entry, command, done=outcome.done, failed=outcome.failed, facts=outcome.facts)
    return outcome


def _notes(error: BaseException) -> str:
    """Return what a verb reports of what it had done when it failed (`BaseException.add_note`)."""
    return "; ".join(getattr(error, "__notes__", ()))
