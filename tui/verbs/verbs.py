"""From a key, a palette entry or a typed verb to what it does: one way for all three.

A verb with `opens` opens its view, one with `action` calls the screen or the app, and one that changes something goes
through check, plan, the user's confirmation, and apply; its outcome is shown on the message line.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command, Outcome, Param, Plan, Refusal
from edgewright.commands.kernel.host_states import refusal_in_model
from edgewright.core.errors import EdgewrightError
from tui.verbs.waiting import waiting

if TYPE_CHECKING:
    from tui.navigation.navigation import NavigatingApp

NO_PLANE = "There is no plane here: this only shows what was recorded, so `{name}` cannot run."


def refusal(app: NavigatingApp, command: type[Command], targets: Sequence[str]) -> Refusal | None:
    """Return why `command` may not run on `targets` now, None when it may."""
    source = app.session.store.model.source
    if not command.for_role(source.role):
        return registry.role_refusal(source.caller, source.role, command)
    if (missing := registry.unavailable(command, source, targets)) is not None:
        return missing
    if command.opens or command.action:
        return None
    if app.session.make_context is None:
        return Refusal(NO_PLANE.format(name=command.name))
    context = app.session.make_context()
    context.read_only = context.read_only or app.session.read_only
    verdict = registry.check(command, context, targets)
    return verdict if isinstance(verdict, Refusal) else None


async def run_verb(
    app: NavigatingApp,
    command: type[Command],
    targets: Sequence[str],
    args: Mapping[str, Any],
    rest: str = "",
    start: bool = False,
) -> None:
    """Run a verb as the console does; every failure becomes a message. With `start` a view begins a path of its own."""
    try:
        missing = registry.unavailable(command, app.session.store.model.source, targets)
        if missing is not None:
            app.refuse(f"{missing.reason} {missing.hint}")
        elif command.opens:
            target = _view_target(command, targets) if command.target is not None and targets else rest
            listed = command.scope != "global"  # a project or a context is chosen in the view that opens
            if listed and not target and command.target is not None and command.target.least:
                app.refuse(f"`{command.name}` needs a {command.target.kind}: choose one in its list, or name it.")
            elif (refused := _illegal(app, command, target)) is not None:
                app.refuse(f"{refused.reason} {refused.hint}")
            else:
                app.open_view(command.opens, target, start)
        elif command.action:
            waiting = act(app, command, args)
            if waiting is not None:
                await waiting
        else:
            await _change(app, command, tuple(targets), dict(args))
    except EdgewrightError as error:
        app.announce(f"{error.message} {error.hint}".strip(), "bad")


def _view_target(command: type[Command], targets: Sequence[str]) -> str:
    """Return what a view is opened with: the first object, or all of them for a view of several (a comparison)."""
    several = command.target is not None and (command.target.most or 1) > 1
    return "/".join(targets) if several else targets[0]


def _illegal(app: NavigatingApp, command: type[Command], target: str) -> Refusal | None:
    """Return why the state of a host does not allow the view of a verb; None also for a host that is not known."""
    model = app.session.store.model
    row = model.hosts.get(target.partition("/")[0])
    if row is None or command.target is None:
        return None
    return refusal_in_model(model, row, command.name, registry.absent("host", model.source.missing))


def act(app: NavigatingApp, command: type[Command], args: Mapping[str, Any]) -> Awaitable[object] | None:
    """Call what a verb with `action` names, on the screen or else the app; return what is to be waited for."""
    for node in (app.screen, app):
        method = getattr(node, f"action_{command.action}", None)
        if method is not None:
            result = method(**{**dict(command.preset), **args})
            return result if isawaitable(result) else None
    app.refuse(f"`{command.name}` does nothing here.")
    return None


async def _change(app: NavigatingApp, command: type[Command], targets: tuple[str, ...], args: dict[str, Any]) -> None:
    refused = refusal(app, command, targets)
    if refused is not None:
        app.refuse(f"{refused.reason} {refused.hint}".strip())
        return
    asked = missing_params(command, args)
    if not asked:
        await run_plan(app, command, targets, args, asked=False)
        return
    from tui.verbs.form import values_of

    answers: dict[str, str] | None = None
    problem = ""
    while True:  # a failure opens the form again with what was typed, until it is done or the user leaves
        answers = await _ask(app, command, targets, asked, answers, problem)
        if answers is None:
            return
        where = app.screen
        try:
            await run_plan(app, command, targets, {**args, **values_of(command, answers)}, asked=True)
            return
        except EdgewrightError as error:
            problem = f"{error.message} {error.hint}".strip()
            app.announce(problem, "bad")
            if app.screen is not where:  # the user has left that view: a form would take the keys typed there
                return


async def run_plan(
    app: NavigatingApp, command: type[Command], targets: tuple[str, ...], args: Mapping[str, Any], asked: bool
) -> None:
    """Plan, let the user agree, apply, report. Raises what `plan` raises, and for a form what `apply` raises.

    A screen that asked for the arguments itself calls it.
    """
    from tui.modals.confirm import ConfirmModal
    from tui.modals.run import RunModal

    assert app.session.make_context is not None
    context = app.session.make_context()
    context.read_only = context.read_only or app.session.read_only
    with waiting(app, command.name):
        plan: Plan = await registry.acting(command)().plan(context, targets, args)
    if needs_consent(command, plan, asked) and not await app.ask(ConfirmModal(plan, command.danger)):
        app.announce(f"{plan.title}: cancelled, nothing changed.")
        return
    failure: EdgewrightError | None = None

    async def apply(report: Callable[[str], None]) -> Outcome:
        nonlocal failure
        try:
            return await registry.run(command, context, targets, args, plan=plan, report=report)
        except EdgewrightError as error:
            failure = error
            raise

    stay = bool(command.params) and not command.target
    outcome = await app.ask(RunModal(plan.title, apply, stay=stay, name_of=plan.name_of))
    if outcome is not None:
        _report_outcome(app, plan, outcome)
    elif failure is not None and asked:
        raise failure


def needs_consent(command: type[Command], plan: Plan, asked: bool) -> bool:
    """Whether the plan is shown and agreed to first.

    Not for a write that can be undone, on one object, when a form named the object and asked for the values: that
    form was the question.
    """
    if command.danger == "none":
        return False
    harmless = command.danger == "write" and not plan.cannot_undo and plan.confirm_text is None
    return not (harmless and asked and command.target is not None and len(plan.touches) == 1)


def _report_outcome(app: NavigatingApp, plan: Plan, outcome: Outcome) -> None:
    if not outcome.failed:
        app.announce(outcome.message or f"{plan.title}: done.", "ok")
        return
    target, error = outcome.failed[0]
    failed, count = len(outcome.failed), len(outcome.done) + len(outcome.failed)
    for_whom = f" for {failed} of {count}, first {plan.name_of(target)}" if count > 1 else ""
    app.announce(f"{plan.title} failed{for_whom}. {error.message} {error.hint}".strip(), "bad")


def missing_params(command: type[Command], args: Mapping[str, Any]) -> list[Param]:
    """Return what the form of a verb asks for: what was not given, when some of that is needed."""
    missing = [param for param in command.params if not args.get(param.name)]
    asked = bool(command.asks) and len(missing) == len(command.params)  # a form for values of which none must be given
    return missing if asked or any(param.required for param in missing) else []


async def _ask(
    app: NavigatingApp,
    command: type[Command],
    targets: Sequence[str],
    params: Sequence[Param],
    answers: Mapping[str, str] | None,
    problem: str,
) -> dict[str, str] | None:
    """Ask for `params`, None when cancelled; `answers` and `problem` of a form that opens again."""
    from tui.modals.form import FormModal
    from tui.verbs.form import fields_of, form_title

    title = form_title(command, targets, app.session.store.model)
    form = FormModal(title, fields_of(params, answers), go=command.title.capitalize(), problem=problem)
    return cast("dict[str, str] | None", await app.ask(form))
