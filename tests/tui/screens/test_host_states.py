"""The console offers the verbs that a host's state allows, and refuses the others with the state."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Refusal
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.pulse import report
from edgewright.core import times
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.problems import problems
from tests.tui.driving import frame_text, settle
from tests.tui.fleet import NOW, session_of
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.screens.pulse.items import items_of

WAITS, SILENT = "edge-3333", "edge-7f3a"
"""A host that never connected, and one that is silent."""


@pytest.mark.parametrize(("uid", "offered"), [(WAITS, False), (SILENT, True)])
async def test_the_key_line_offers_what_the_state_allows(uid: str, offered: bool) -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(132, 43)) as pilot:
        await settle(pilot)
        app.open_view("host", uid)
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, BaseScreen) and screen.view == "host"
        keys = frame_text(app, "keys")
        assert ("logs" in keys, "reset" in keys) == (offered, offered)
        assert "tag" in keys and "delete" in keys
        await pilot.press("l")
        await settle(pilot)
        assert isinstance(app.screen, BaseScreen)
        assert (app.screen.view == "logs") == offered
        refused = f"{uid} is in the state `rejected`, so `host logs` is refused." in frame_text(app, "message")
        assert refused == (not offered)


@pytest.mark.parametrize(
    ("verb", "uids", "refused"),
    [
        ("host reset", [SILENT], False),
        ("host reset", [SILENT, WAITS], True),
        ("host tag", [SILENT, WAITS], False),
        ("host delete", [WAITS], False),
    ],
)
def test_a_verb_is_checked_against_the_state_of_each_host(verb: str, uids: Sequence[str], refused: bool) -> None:
    session = session_of()
    command = registry.by_name(verb)
    assert command is not None
    verdict = registry.check(command, CommandContext(settings=session.settings, store=session.store), uids)
    assert isinstance(verdict, Refusal) == refused
    if isinstance(verdict, Refusal):
        assert verdict.reason.startswith(f"{WAITS} is in the state") and "host tag" in verdict.hint


def test_the_next_step_of_a_problem_is_legal_in_the_state_of_its_host() -> None:
    store = session_of().store
    disk = next(item for item in items_of(store.model, problems(store.model, NOW), NOW) if "edge-0c11" in item.uids)
    assert disk.step.opens.startswith(("disk/", "logs/"))
    rejected = {
        "uid": "rejected/edge-0c11", "kind": "rejected", "code": "EdgeTokenExpired", "subject": "edge-0c11",
        "text": "rejected", "message": "The token has expired.", "hostUids": ["edge-0c11"], "count": 3,
        "since": "2036-01-01T00:00:00Z", "last": "2036-01-01T00:01:00Z", "owner": "operator",
    }  # fmt: skip
    store.emit("plane", ALERTS.seen, {"docs": [rejected]})
    store.flush()
    found = [item for item in items_of(store.model, problems(store.model, NOW), NOW) if "edge-0c11" in item.uids]
    assert all(not item.step.opens.startswith(("disk/", "logs/")) for item in found), "its agent fetches no operation"
    assert any(item.step.opens == "host/edge-0c11" for item in found)


def test_an_unknown_machine_is_overdue_after_a_day_on_pulse_and_on_the_command_line() -> None:
    store = session_of().store
    rejected = {
        "uid": "rejected/box", "kind": "rejected", "code": "EdgeHostNotPreRegistered", "subject": "box",
        "text": "waits for approval", "message": "It is not pre-registered.", "count": 3, "owner": "operator",
        "since": times.rfc3339(NOW - 90_000), "last": times.rfc3339(NOW - 30),
    }  # fmt: skip
    store.emit("plane", ALERTS.seen, {"docs": [rejected]})
    store.flush()
    problem = next(each for each in problems(store.model, NOW) if each.subject == "box")
    (item,) = items_of(store.model, [problem], NOW)
    assert any("Pending approval, overdue for 1 h" in text for text in item.detail), item.detail
    assert "overdue for 1 h" in report._problem_text(store.model, problem, NOW)
    assert report._alert(store.model, problem, NOW)["condition"]["state"] == "waiting-for-approval"
    (early,) = items_of(store.model, [problem], NOW - 7200)
    assert not any("overdue" in text for text in early.detail)
