"""With a key of the role viewer the console only reads: it offers no change, and names key and next step."""

from __future__ import annotations

import pytest

from edgewright.commands.kernel import registry
from edgewright.store.engine import events as kinds
from tests.tui.driving import Driven, console, newest_message, press, settle, view
from tui.frame.base import BaseScreen
from tui.frame.title import title_line
from tui.session import Session
from tui.widgets.frame import FrameLine
from tui.widgets.lines import text_of


async def become(pilot: Driven, made: Session, role: str) -> None:
    source = {"state": "live", "role": role, "caller": "API key noc-wall"}
    made.store.emit("plane", kinds.SOURCE_STATE, source)
    await settle(pilot)


def keys(pilot: Driven) -> list[str]:
    screen = pilot.app.screen
    assert isinstance(screen, BaseScreen)
    return [hint.label for hint in screen.key_hints() if hint.enabled]


def title(made: Session, width: int = 80) -> str:
    return text_of([title_line(made, made.now(), width)])


async def test_a_viewer_is_named_in_the_title_and_offered_no_change() -> None:
    async with console("tokens", size=(160, 40)) as (pilot, _, made):
        assert {"new", "reveal", "delete"} <= set(keys(pilot))
        await become(pilot, made, "viewer")
        assert "viewer" in title(made)
        assert not {"new", "reveal", "revoke", "activate", "delete"} & set(keys(pilot))
        await press(pilot, "2")
        assert not {"tag", "reset", "delete"} & set(keys(pilot))
        await become(pilot, made, "admin")
        assert "viewer" not in title(made)
        assert "delete" in keys(pilot)


@pytest.mark.parametrize(
    ("start", "key", "needed"),
    [("tokens", "ctrl+d", "admin"), ("tokens", "x", "admin"), ("hosts", "l", "operator"), ("hosts", "t", "operator")],
)
async def test_a_key_that_needs_more_names_the_credential_and_the_next_step(start: str, key: str, needed: str) -> None:
    async with console(start) as (pilot, plane, made):
        await become(pilot, made, "viewer")
        plane.calls.clear()
        await press(pilot, key)
        assert "The API key noc-wall has the role viewer: `" in newest_message(made)
        assert f"Use a key of the role {needed}" in newest_message(made)
        assert view(pilot) == start
        assert plane.calls == []


async def test_ctrl_o_does_not_give_a_viewer_more_and_a_break_does_not_forget_the_role() -> None:
    async with console("tokens") as (pilot, _, made):
        await become(pilot, made, "viewer")
        await press(pilot, "ctrl+o")
        assert "role viewer" in newest_message(made)
        made.store.emit("plane", kinds.SOURCE_STATE, {"state": "lost"})
        await settle(pilot)
        assert made.viewer
        assert "viewer" in title(made)
        assert pilot.app.screen.query_one("#title", FrameLine)


def test_each_verb_that_changes_the_plane_is_refused_for_a_viewer() -> None:
    """Local work (builds, contexts) needs no role."""
    changing = [command for command in registry.all_commands() if command.danger != "none" and command.online]
    assert changing
    assert not [command.name for command in changing if command.for_role("viewer")]


def test_an_operator_changes_hosts_and_handles_problems_only() -> None:
    """What the hub lets an operator do (docs/hub.md) is offered, and nothing else that changes the plane."""
    changing = [command for command in registry.all_commands() if command.danger != "none" and command.online]
    nouns = {command.name.split()[0] for command in changing if command.for_role("operator")}
    assert nouns <= {"host", "alert", "acknowledge", "assign", "note", "silence", "pack", "cluster", "kube"}
    assert {
        command.name for command in changing if command.for_role("operator") and command.name.startswith("pack")
    } == {"pack fetch"}
    clusters = [command.name for command in changing if command.name.startswith("cluster")]
    assert [name for name in clusters if name in {c.name for c in changing if c.for_role("operator")}] == [
        "cluster retry"  # an operation of hosts
    ]
    refused = {command.name for command in changing if not command.for_role("operator")}
    assert {
        "host register",
        "host delete",
        "token create",
        "user update",
        "key delete",
        "alert receiver add",
    } <= refused
    assert {"host reset", "host tag", "alert acknowledge"} <= {command.name for command in changing} - refused
    assert all(command.for_role(role) for command in changing for role in ("admin", "", "unknown"))


async def test_an_operator_is_not_offered_what_an_admin_may_do() -> None:
    async with console("tokens") as (pilot, plane, made):
        await become(pilot, made, "operator")
        await press(pilot, "ctrl+d")
        assert "has the role operator: `token delete` is refused" in newest_message(
            made
        ) and "role admin" in newest_message(made)
        assert not [call for call in plane.calls if call[0].startswith("delete")]
