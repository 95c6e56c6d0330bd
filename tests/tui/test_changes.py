from __future__ import annotations

import asyncio

from textual.widgets import Button, Input

from edgewright.commands.kernel.base import Plan
from edgewright.core.errors import Refused
from edgewright.store.collections.tokens import TOKENS
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, until, view
from tui.modals.confirm import ConfirmModal
from tui.screens.tokens.screen import TokensScreen
from tui.widgets.virtual_table import VirtualTable


async def opened(pilot: Driven, dialog: str = "ConfirmModal") -> None:
    await until(pilot, lambda: view(pilot) == dialog)


def shown(pilot: Driven) -> str:
    """Return the message line."""
    return frame_text(pilot.app, "message")


async def test_revoke_shows_who_depends_on_it_and_enter_cancels() -> None:
    async with console("tokens") as (pilot, plane, made):
        await press(pilot, "r")
        await opened(pilot)
        assert isinstance(pilot.app.focused, Button)
        assert pilot.app.focused.id == "cancel"
        assert "19 hosts registered with it" in " ".join(said(pilot).split())
        assert "same as   edgewright token revoke tok-shop" in said(pilot)
        await press(pilot, "enter")
        assert view(pilot) == "tokens"
        assert "cancelled, nothing changed" in newest_message(made)
        assert ("revoke", "tok-shop") not in plane.calls


async def test_a_slow_plane_shows_that_the_verb_waits_for_it() -> None:
    """A hub that was stopped for 10 s: after the key nothing was seen until the time-out."""
    async with console("hosts") as (pilot, plane, _):
        plane.gate = asyncio.Event()
        await press(pilot, "t")
        await opened(pilot, "FormModal")
        await press(pilot, *"zone:a", "enter")
        await until(pilot, lambda: "Waiting for the plane: host tag." in shown(pilot))
        plane.gate.set()
        await until(pilot, lambda: "Waiting for the plane" not in shown(pilot))


async def test_escape_cancels_and_tab_enter_goes() -> None:
    async with console("tokens") as (pilot, plane, made):
        await press(pilot, "r")
        await opened(pilot)
        await press(pilot, "escape")
        assert not [call for call in plane.calls if call[0] == "revoke"]
        await press(pilot, "r")
        await opened(pilot)
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: ("revoke", "tok-shop") in plane.calls)
        await until(pilot, lambda: view(pilot) == "tokens")
        assert "revoke" in newest_message(made).lower()


async def test_the_name_must_be_typed_where_the_rule_says_so() -> None:
    async with console("tokens") as (pilot, plane, _):
        await press(pilot, "ctrl+d")
        await opened(pilot)
        await press(pilot, "tab", *"shop", "enter")
        assert view(pilot) == "ConfirmModal"
        assert "CANNOT BE UNDONE" in said(pilot)
        assert not [call for call in plane.calls if call[0] == "delete_token"]
        pilot.app.screen.query_one("#typed", Input).value = "shop-install"
        await press(pilot, "enter")
        await until(pilot, lambda: ("delete_token", "tok-shop") in plane.calls)


async def test_read_only_refuses_with_the_reason() -> None:
    async with console("tokens", read_only=True) as (pilot, plane, made):
        await press(pilot, "r")
        await until(pilot, lambda: "read-only" in newest_message(made))
        assert view(pilot) == "tokens"
        assert not [call for call in plane.calls if call[0] == "revoke"]


async def test_marked_tokens_are_changed_in_one_go_with_a_result_for_each() -> None:
    async with console("tokens") as (pilot, plane, _):
        await press(pilot, "space", "space")
        screen = pilot.app.screen
        assert isinstance(screen, TokensScreen)
        assert screen.targets() == ("tok-shop", "tok-lab")
        await press(pilot, "r")
        await opened(pilot)
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: ("revoke", "tok-lab") in plane.calls)
        assert ("revoke", "tok-shop") in plane.calls


async def test_a_failure_stays_until_it_was_read() -> None:
    async with console("tokens") as (pilot, plane, _):
        await press(pilot, "r")
        await opened(pilot)
        plane.failure = Refused("Your role may not change tokens.", "Ask for the role admin.")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Your role may not change tokens." in said(pilot))
        assert view(pilot) == "RunModal"
        assert "Ask for the role admin." in said(pilot)
        await press(pilot, "escape")
        assert view(pilot) == "tokens"


async def test_create_asks_for_what_is_needed_and_says_what_is_missing() -> None:
    async with console("tokens") as (pilot, plane, made):
        await press(pilot, "plus")
        await opened(pilot, "FormModal")
        form = pilot.app.screen
        assert form.query_one("#field-expires", Input).value == "30d"
        form.query_one("#go", Button).press()
        await until(pilot, lambda: "Name is needed." in _statics(pilot))
        await press(pilot, *"depot", "enter", "enter", "enter", "enter")
        await until(pilot, lambda: view(pilot) != "FormModal")
        assert view(pilot) == "ConfirmModal", newest_message(made)
        await press(pilot, "enter")
        await until(pilot, lambda: "ewt_shop-secret-text" in said(pilot))
        assert ("create_token", "depot") in plane.calls
        assert view(pilot) == "RunModal"


async def test_reveal_fetches_and_masks_again() -> None:
    async with console("token", "tok-shop") as (pilot, plane, _):
        assert "ewt_shop-secret-text" not in said(pilot)
        await press(pilot, "x")
        await until(pilot, lambda: "ewt_shop-secret-text" in said(pilot))
        await press(pilot, "x")
        assert "ewt_shop-secret-text" not in said(pilot)
        assert plane.calls.count(("token", "tok-shop")) == 1


async def test_a_long_plan_scrolls_while_cancel_keeps_the_focus() -> None:
    async with console() as (pilot, _, _):
        plan = Plan(
            "Delete 300 hosts", ("Each is taken out.",), tuple(f"edge-{i:04}" for i in range(300)), (), "x", "300"
        )
        pilot.app.push_screen(ConfirmModal(plan, "destructive"))
        await opened(pilot)
        assert "and 100 more" in said(pilot)
        await press(pilot, "down", "pagedown")
        assert pilot.app.screen.query_one("#plan").scroll_offset.y > 0
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "cancel"


async def test_sort_keeps_with_the_view() -> None:
    async with console("tokens") as (pilot, _, made):
        await press(pilot, "N")
        table = pilot.app.screen.query_one(VirtualTable)
        assert [made.store.model.rows(TOKENS)[key].name for key in table.keys] == [
            "lab",
            "lost-laptop",
            "pilot-2025",
            "shop-install",
        ]
        assert made.views.load("tokens")["sort"] == "name"


def _statics(pilot: Driven) -> str:
    from textual.widgets import Static

    return "\n".join(str(static.content) for static in pilot.app.screen.query(Static))
