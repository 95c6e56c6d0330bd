"""Forms have titles in words and name what they act on; a write that can be undone takes few keys."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from textual import events
from textual.widgets import Button, Input, Static

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.core.errors import Conflict, EdgewrightError, Unreachable
from edgewright.core.text import plural
from edgewright.store.engine.store import Store
from tests.support import ROOT
from tests.tui.driving import Driven, console, newest_message, press, said, settle, until, view
from tests.tui.samples import NOW, fill
from tui.modals.confirm import ConfirmModal
from tui.modals.form import FormModal
from tui.modals.plan_content import outcome_lines
from tui.modals.run import RunModal
from tui.verbs.form import fields_of, form_title, values_of
from tui.widgets.lines import text_of

MODEL = fill(Store(clock=lambda: NOW)).model
ASKING = [
    command
    for command in registry.all_commands()
    if command.console and not command.opens and not command.action and any(param.required for param in command.params)
]


@pytest.mark.parametrize("command", ASKING, ids=lambda command: command.name)
def test_a_form_is_titled_in_words_and_names_what_it_acts_on(command: type) -> None:
    uids = tuple(MODEL.hosts)[:3]
    one, many = form_title(command, uids[:1], MODEL), form_title(command, uids, MODEL)
    for title in (one, many):
        assert "--" not in title and ";" not in title and ":" not in title
        assert len(title) <= 60
    if command.target is not None:  # type: ignore[attr-defined]
        assert MODEL.hosts[uids[0]].name in one
        assert f"3 {plural(command.target.kind)}" in many  # type: ignore[attr-defined]
    for field in fields_of(command.params):  # type: ignore[attr-defined]
        assert "--" not in field.help and "repeat" not in field.help


@pytest.mark.parametrize("name", ["registry check", "registry remove"])
def test_several_objects_have_their_plural(name: str) -> None:
    command = next(each for each in registry.all_commands() if each.name == name)
    assert "registries" in form_title(command, ("r-1", "r-2"), MODEL)


@pytest.mark.parametrize("command", ASKING, ids=lambda command: command.name)
def test_a_form_offers_no_stdin(command: type) -> None:
    assert not [field.help for field in fields_of(command.params) if "stdin" in field.help]  # type: ignore[attr-defined]


async def test_tagging_one_host_is_a_text_and_enter() -> None:
    async with console("hosts") as (pilot, plane, made):
        await press(pilot, "t")
        await until(pilot, lambda: view(pilot) == "FormModal")
        form = pilot.app.screen
        assert isinstance(form, FormModal)
        assert form.title_text.startswith(" Add tags to ")
        await press(pilot, *"site", "colon", *"bonn", "enter")
        await until(pilot, lambda: any(call[0] == "update_labels" for call in plane.calls))
        await until(pilot, lambda: view(pilot) == "hosts")
        assert "+ site:bonn" in newest_message(made)
        assert "uid-" not in newest_message(made)


async def test_a_wrong_tag_is_told_in_the_form() -> None:
    async with console("hosts") as (pilot, plane, _):
        await press(pilot, "t")
        await until(pilot, lambda: view(pilot) == "FormModal")
        await press(pilot, "colon", *"x", "enter")
        assert view(pilot) == "FormModal"
        assert "Invalid tag" in str(pilot.app.screen.query_one("#help-tags").render())
        assert not [call for call in plane.calls if call[0] == "update_labels"]


async def test_tagging_several_shows_the_plan_with_go_as_default() -> None:
    async with console("hosts") as (pilot, plane, made):
        await press(pilot, "space", "down", "space", "t")
        await until(pilot, lambda: view(pilot) == "FormModal")
        assert "Add tags to 2 hosts" in pilot.app.screen.title_text  # type: ignore[attr-defined]
        await press(pilot, *"site", "colon", *"bonn", "enter")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert isinstance(pilot.app.focused, Button) and pilot.app.focused.id == "go"
        assert "uid-" not in said(pilot).split("same as")[0], "names, not uids"
        await press(pilot, "enter")
        await until(pilot, lambda: len([call for call in plane.calls if call[0] == "update_labels"]) == 2)
        await until(pilot, lambda: view(pilot) == "hosts")
        assert "Tags of 2 hosts changed." in newest_message(made)


@pytest.mark.parametrize(
    ("danger", "cannot_undo", "typed", "default"),
    [
        ("write", (), None, "go"),
        ("write", ("the label",), None, "cancel"),
        ("write", (), "edge-1", "cancel"),
        ("destructive", (), None, "cancel"),
    ],
)
async def test_cancel_is_the_default_where_something_is_lost(
    danger: str, cannot_undo: tuple[str, ...], typed: str | None, default: str
) -> None:
    async with console() as (pilot, _, _):
        plan = Plan("Change edge-1", ("It is changed.",), ("edge-1",), cannot_undo, "x", typed)
        pilot.app.push_screen(ConfirmModal(plan, danger))  # type: ignore[arg-type]
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert pilot.app.focused is not None and pilot.app.focused.id == default


async def test_a_message_after_an_action_has_names_and_one_sentence() -> None:
    async with console("tokens") as (pilot, plane, made):
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "tok-shop" not in said(pilot).split("same as")[0]
        await press(pilot, "escape")
        assert newest_message(made).endswith("Delete token shop-install: cancelled, nothing changed.")
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        pilot.app.screen.query_one("#typed", Input).value = "shop-install"
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: ("delete_token", "tok-shop") in plane.calls)
        await until(pilot, lambda: view(pilot) == "tokens")
        assert newest_message(made).endswith("shop-install deleted.")


def test_answers_become_arguments() -> None:
    command = registry.by_name("host tag")
    assert command is not None
    assert values_of(command, {"tags": "site:a  room:b"}) == {"tags": ["site:a", "room:b"]}


async def test_a_bug_in_a_verb_ends_the_dialog_and_names_itself() -> None:
    async def apply(report: object) -> Outcome:
        raise KeyError("spec")

    async with console() as (pilot, _, _):
        pilot.app.push_screen(RunModal("Change edge-1", apply))
        await until(pilot, lambda: "A bug in Edgewright (KeyError: 'spec')." in said(pilot))
        await press(pilot, "enter")
        assert view(pilot) == "pulse"


def test_a_result_of_one_object_is_its_sentence_and_no_uid() -> None:
    shown = text_of(outcome_lines(Outcome(("uid-1",), (), "Token depot is made; it ends in 30d."), 70))
    assert shown == "Token depot is made; it ends in 30d."
    names = {"uid-1": "a", "uid-2": "b"}
    several = text_of(outcome_lines(Outcome(tuple(names), (), "2 revoked."), 70, names.__getitem__))
    assert "DONE" in several and "• a" in several and "uid-" not in several


def test_no_field_of_the_console_has_a_cursor_that_blinks() -> None:
    """A blink is bytes over a thin link while nobody types, and a picture that depends on the moment."""
    for path in (ROOT / "tui").rglob("*.py"):
        text = path.read_text("utf-8")
        made = len(re.findall(r"\bInput\(|class \w+\(Input\)", text))
        steady = text.count("cursor_blink = False")
        assert steady >= made, f"{path.relative_to(ROOT)} makes {made} fields and sets cursor_blink of {steady}"


def problem_of(pilot: Driven) -> str:
    return " ".join(str(shown.render()) for shown in pilot.app.screen.query(".problem").results(Static))


async def test_a_value_that_the_verb_refuses_opens_the_form_again_with_what_was_typed() -> None:
    async with console("filters") as (pilot, _, made):
        await press(pilot, "plus")
        await until(pilot, lambda: view(pilot) == "FormModal")
        await press(pilot, *"north", "enter", *"((", "colon", "enter", "enter")
        await until(pilot, lambda: "is not a condition" in problem_of(pilot))
        form = pilot.app.screen
        assert isinstance(form, FormModal)
        assert form.answers() == {"name": "north", "tags": "((:", "match": ""}
        assert "is not a condition" in newest_message(made), "also in :messages"
        await press(pilot, "down", "ctrl+u", *"ring", "enter", "enter")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "north" in said(pilot) and "ring" in said(pilot)


@pytest.mark.parametrize("failure", [Conflict, Unreachable])
async def test_what_the_plane_does_not_do_opens_the_form_again_when_the_answer_was_read(
    failure: type[EdgewrightError],
) -> None:
    async with console("tokens") as (pilot, plane, _):

        async def taken(name: str, *args: Any, **more: Any) -> str:
            raise failure(f"A token named {name} exists.", "Choose another name.")

        plane.tokens_create = taken  # type: ignore[method-assign]
        await press(pilot, "plus")
        await until(pilot, lambda: view(pilot) == "FormModal")
        await press(pilot, *"shop", "enter", "enter", "enter", "enter")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "enter")
        await until(pilot, lambda: "A token named shop exists." in said(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "FormModal")
        form = pilot.app.screen
        assert isinstance(form, FormModal) and form.answers()["name"] == "shop"
        assert problem_of(pilot) == "A token named shop exists. Choose another name."
        await press(pilot, "escape")
        await until(pilot, lambda: view(pilot) == "tokens")


async def test_a_failure_opens_no_form_over_a_view_that_the_user_went_on_to(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = asyncio.Event()

    async def slow(*_: Any, **__: Any) -> None:
        await planned.wait()
        raise Conflict("A token named shop exists.", "Choose another name.")

    monkeypatch.setattr("tui.verbs.verbs.run_plan", slow)
    async with console("tokens") as (pilot, _, made):
        await press(pilot, "plus")
        await until(pilot, lambda: view(pilot) == "FormModal")
        pilot.app.post_message(events.Paste("shop"))
        for key in ("enter",) * 4:
            pilot.app.post_message(events.Key(key, None))
        await until(pilot, lambda: view(pilot) == "tokens")
        pilot.app.post_message(events.Key("2", "2"))
        await until(pilot, lambda: view(pilot) == "hosts")
        planned.set()
        await until(pilot, lambda: "A token named shop exists." in newest_message(made))
        await settle(pilot)
        assert view(pilot) == "hosts"
