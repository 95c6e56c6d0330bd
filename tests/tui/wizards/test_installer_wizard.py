"""Driving the installer wizard by keys: answers kept, checked and written, and nothing built before it is said."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import certifi
import pytest
from textual import events
from textual.widgets import Input

from edgewright.commands.installer import wizard_api as facade
from edgewright.commands.installer.run import examine
from edgewright.core.cloudconfig.findings import Finding
from edgewright.core.installer.answers import complete
from edgewright.core.installer.document import user_data
from edgewright.core.installer.pages import QUESTIONS
from tests.tui.driving import Driven, console, newest_message, press, said, settle, until, view
from tests.tui.wizards.installing import KEY, PEM, TOKEN, StandIn, answered, every_build
from tui.frame.document_values import MASK
from tui.terminal.paint.screen_text import screen_text
from tui.wizards.installer.services import draft_path
from tui.wizards.installer.wizard import InstallerWizard
from tui.wizards.parts.added import preview_lines
from tui.wizards.parts.answers import answer_text as said_so
from tui.wizards.parts.difference import changes, flatten


def wizard(pilot: Driven) -> InstallerWizard:
    screen = pilot.app.screen
    assert isinstance(screen, InstallerWizard)
    return screen


def page(pilot: Driven) -> str:
    shown = wizard(pilot).wizard_state.page
    return shown.key if shown is not None else "summary"


def shown(pilot: Driven) -> str:
    return screen_text(pilot.app)


async def on(pilot: Driven, key: str) -> None:
    try:
        await until(pilot, lambda: view(pilot) == "installer-new" and page(pilot) == key)
    except AssertionError:
        raise AssertionError(f"page {key} does not come:\n{shown(pilot)}") from None


async def typed(pilot: Driven, keys: list[str]) -> None:
    """Press keys; what begins with `=` is pasted, as a person does with long texts."""
    for key in keys:
        if len(key) > 1 and key.startswith("="):
            pilot.app.post_message(events.Paste(key[1:]))
            await settle(pilot)
        else:
            await pilot.press(key)
    await settle(pilot)


async def kept(folder: Path, stand_in: StandIn, **more: Any) -> str:
    path = folder / "answers.yaml"
    await asyncio.to_thread(facade.save, path, "x", {**answered(folder), **more})
    return str(path)


async def test_keys_and_the_answer_file_mean_the_same_bytes(tmp_path: Path) -> None:
    written = tmp_path / "shop.yaml"
    ca = tmp_path / "ca.pem"
    end = "-----END CERTIFICATE-----\n"
    first = Path(certifi.where()).read_text("utf-8").split(end, 1)[0]
    ca.write_text(first[first.index("-----BEGIN") :] + end)
    again = ["ctrl+u"]
    keys: dict[str, list[str]] = {
        "plane": ["down", "up", "tab", *again, *"lab", "tab"],
        "address": [*again, "=hub.example.org:8443", "tab", *again, f"={ca}", "pagedown"],
        "token": ["enter", f"={TOKEN}", "enter", "space", "pagedown"],
        "uid": ["down", "enter", *"shop-7", "pagedown"],
        "network": ["down", "enter", "enter", "=10.4.1.7/24", "enter", "=10.4.1.1", "enter", "=10.4.1.1", "pagedown"],
        "proxy": ["=http://proxy.site:3128", "tab", "tab", "=10.4.0.0/16", "enter", *".site", "pagedown"],
        "dns": ["pagedown"],
        "ntp": ["=ntp.site", "pagedown"],
        "user": ["enter", "=a long password", "enter", "enter", f"={KEY}", "pagedown"],
        "users": ["enter", *"field", "enter", "=another password", "pagedown", "pagedown"],
        "registries": ["pagedown"],
        "cas": ["pagedown"],
        "site": ["=berlin-04", "enter", "=country=de", "pagedown"],
        "link": ["space", "tab", "=10m", "tab", "=1h", "tab", *"50", "pagedown"],
        "disk": ["pagedown"],
        "partitions": ["pagedown"],
        "stages": ["=boot:", "enter", "=- name: greet", "enter", "=  commands: [echo hello]", "pagedown"],
        "base": ["enter", "=/srv/base.iso", "pagedown"],
        "output": [*again, "=shop-2026", "enter", f"={tmp_path}", "pagedown"],
        "content": ["pagedown"],
        "proof": ["pagedown"],
    }
    async with console("installer-new", installer=StandIn()) as (pilot, _, made):
        for key, pressed in keys.items():
            await on(pilot, "plane" if key == "address" else key)
            await typed(pilot, pressed)
        await on(pilot, "summary")
        await press(pilot, "w")
        await until(pilot, lambda: view(pilot) == "FormModal")
        pilot.app.screen.query_one("#field-file", Input).value = str(written)
        await press(pilot, "enter")
        await until(pilot, lambda: written.exists() and "is written" in newest_message(made))
        answers = dict(wizard(pilot).wizard_state.answers)
        for secret in (TOKEN, "a long password", "another password", answers["user.password"]):
            assert secret not in shown(pilot)
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert "a long password" not in written.read_text() and "another password" not in written.read_text()
    replayed = examine(str(written)).ready.user_data
    assert replayed == facade.user_data_text(answers).encode()
    for words in (
        TOKEN,
        "10.4.1.7/24",
        "proxy.site",
        "ntp.site",
        "berlin-04",
        "silenceLimit: 1h",
        "budgetMB: 50",
        "shop-7",
        "greet",
        "BEGIN CERTIFICATE",
    ):
        assert words in replayed.decode(), words


async def test_back_keeps_values_and_escape_on_the_first_page_asks(tmp_path: Path) -> None:
    async with console("installer-new", installer=StandIn()) as (pilot, _, _):
        await on(pilot, "plane")
        await press(pilot, "pagedown")
        await on(pilot, "token")
        await press(pilot, "tab", *"ewt_abcdef123456", "escape")
        await on(pilot, "plane")
        await press(pilot, "pagedown")
        await on(pilot, "token")
        assert wizard(pilot).wizard_state.answers["token.text"] == "ewt_abcdef123456"
        await press(pilot, "escape")
        await on(pilot, "plane")
        await press(pilot, "escape")
        await until(pilot, lambda: view(pilot) == "LeaveWizardModal")
        await press(pilot, "escape")
        await on(pilot, "plane")
        await press(pilot, "escape", "enter")
        await until(pilot, lambda: draft_path().is_file() and view(pilot) != "LeaveWizardModal")
        assert stat.S_IMODE(draft_path().stat().st_mode) == 0o600
    async with console("installer-new", installer=StandIn()) as (pilot, _, _):
        await on(pilot, "plane")
        assert wizard(pilot).wizard_state.answers["token.text"] == "ewt_abcdef123456"
        await press(pilot, "escape", "down", "enter")
        await until(pilot, lambda: not draft_path().exists())


async def test_nothing_answered_is_left_without_a_question() -> None:
    async with console("installers", installer=StandIn()) as (pilot, _, _):
        await press(pilot, "plus")
        await on(pilot, "plane")
        await press(pilot, "escape")
        await until(pilot, lambda: view(pilot) == "installers")
        assert not draft_path().exists()


async def test_answers_that_cannot_be_stored_are_not_lost_by_leaving() -> None:
    """A read-only home: "Keep the answers" left the wizard, and nothing was there the next time."""
    async with console("installer-new", installer=StandIn()) as (pilot, _, made):
        await on(pilot, "plane")
        await press(pilot, "pagedown")
        await on(pilot, "token")
        draft_path().parent.parent.mkdir(parents=True, exist_ok=True)
        draft_path().parent.write_text("")
        await press(pilot, "tab", *"ewt_abcdef123456", "escape")
        await on(pilot, "plane")
        await press(pilot, "escape", "enter")
        await until(pilot, lambda: "The answers are not stored: " in newest_message(made))
        assert "w writes them elsewhere" in newest_message(made)
        await on(pilot, "plane")
        draft_path().parent.unlink()
        await press(pilot, "escape", "enter")
        await until(pilot, lambda: draft_path().is_file())


async def test_a_wrong_value_is_told_when_it_is_left_and_holds_the_page() -> None:
    async with console("installer-new", installer=StandIn()) as (pilot, _, _):
        await on(pilot, "plane")
        await press(pilot, "tab", "tab", "ctrl+u", *"localhost", "tab")
        assert "localhost is this machine alone" in shown(pilot)
        await press(pilot, "pagedown")
        assert page(pilot) == "plane"
        focused = pilot.app.focused
        assert isinstance(focused, Input) and focused.value == "localhost"


async def test_a_context_that_is_not_known_is_told_and_a_known_one_is_taken_over() -> None:
    async with console("installer-new", installer=StandIn()) as (pilot, _, _):
        await on(pilot, "plane")
        answers = wizard(pilot).wizard_state.answers
        assert answers["plane.endpoint"] == "https://hub.shops.example:8443" and answers["plane.ca"] == PEM
        assert not wizard(pilot).wizard_state.touched
        await press(pilot, "tab", "ctrl+u", *"lab", "tab")
        assert answers["plane.endpoint"] == "https://10.4.9.2:8443" and answers["plane.ca"] == ""
        await press(pilot, "up", "ctrl+u", *"nowhere", "tab")
        assert "There is no context nowhere. There is lab, prod" in shown(pilot)


async def test_an_error_of_the_whole_holds_the_page_once() -> None:
    stand_in = StandIn()
    stand_in.found = [Finding("error", "plane.endpoint", "The plane's name cannot be looked up.", "Correct it.")]
    async with console("installer-new", installer=stand_in) as (pilot, _, made):
        await on(pilot, "plane")
        assert "▲ The plane's name cannot be looked up." in shown(pilot)
        await press(pilot, "pagedown")
        assert page(pilot) == "plane" and "press again" in newest_message(made)
        await press(pilot, "pagedown")
        await on(pilot, "token")


async def test_a_token_is_made_on_the_way_and_never_shown() -> None:
    stand_in = StandIn()
    async with console("installer-new", installer=stand_in) as (pilot, _, made):
        await on(pilot, "plane")
        await press(pilot, "pagedown")
        await on(pilot, "token")
        await press(pilot, "down", "enter", *"shop-install", "pagedown")
        await on(pilot, "uid")
        assert stand_in.made == [("shop-install", "", "30d", "prod")]
        assert wizard(pilot).wizard_state.answers["token.uid"] == "tok-new"
        assert "Token shop-install is created" in newest_message(made)
        await press(pilot, "f2")
        assert TOKEN not in said(pilot)


async def test_long_work_is_shown_and_escape_stops_it() -> None:
    gate = asyncio.Event()

    class Slow(StandIn):
        async def check_online(self, ctx: Any, answers: Any) -> list[Finding]:
            await gate.wait()
            return []

    async with console("installer-new", installer=Slow()) as (pilot, _, made):
        await on(pilot, "plane")
        await press(pilot, "c")
        assert "Asking the plane" in shown(pilot) and "esc stops it" in shown(pilot)
        await press(pilot, "escape")
        await until(pilot, lambda: "esc stops it" not in shown(pilot))
        assert "Stopped." in newest_message(made) and page(pilot) == "plane"


async def test_a_base_is_looked_into_when_its_path_is_left(tmp_path: Path) -> None:
    stand_in = StandIn()
    async with console("installer-new", await kept(tmp_path, stand_in), installer=stand_in) as (pilot, _, _):
        await on(pilot, "summary")
        wizard(pilot).wizard_state.go("base")
        await wizard(pilot).show_page()
        await press(pilot, "tab", "tab")
        await until(pilot, lambda: "COS_LIVE, 712 MB" in shown(pilot))
        await press(pilot, "tab")
        await typed(pilot, ["ctrl+u", "=/missing.iso", "up"])
        await until(pilot, lambda: "There is no file /missing.iso." in shown(pilot))
        await press(pilot, "pagedown")
        assert page(pilot) == "base"


async def test_nothing_is_built_before_it_is_said_then_the_build_is_shown(tmp_path: Path) -> None:
    stand_in = StandIn()
    stand_in.every = every_build()
    async with console("installer-new", await kept(tmp_path, stand_in), installer=stand_in) as (pilot, _, _):
        await on(pilot, "summary")
        assert "All questions are answered" in said(pilot)
        await press(pilot, "enter")
        await on(pilot, "plane")
        assert stand_in.started == []
        for _ in range(len(wizard(pilot).wizard_state.pages)):
            await press(pilot, "pagedown")
        await on(pilot, "summary")
        await press(pilot, "b")
        await until(pilot, lambda: view(pilot) == "installer")
        assert stand_in.started == [complete(stand_in.started[0])] and stand_in.started[0]["token.text"] == TOKEN
        assert not draft_path().exists()


async def test_what_lacks_is_gone_to_instead_of_built(tmp_path: Path) -> None:
    stand_in = StandIn()
    target = await kept(tmp_path, stand_in, **{"site.tags": {"installer": "mine"}})
    async with console("installer-new", target, installer=stand_in) as (pilot, _, _):
        await on(pilot, "summary")
        assert "1 page lacks something" in said(pilot)
        await press(pilot, "b")
        await on(pilot, "site")
        assert "The tag installer is set by us." in shown(pilot) and stand_in.started == []


@pytest.mark.parametrize("make", [False, True])
async def test_a_read_only_session_makes_nothing_and_says_why(tmp_path: Path, make: bool) -> None:
    stand_in = StandIn()
    more = {"token.how": "new", "token.text": "", "token.name": "shop"} if make else {}
    target = await kept(tmp_path, stand_in, **more)
    async with console("installer-new", target, installer=stand_in, read_only=True) as (pilot, _, made):
        await on(pilot, "summary")
        if make:
            wizard(pilot).wizard_state.go("token")
            await wizard(pilot).show_page()
        await press(pilot, "pagedown" if make else "b")
        await until(pilot, lambda: "read-only" in newest_message(made))
        assert stand_in.started == [] and stand_in.made == []


async def test_letters_and_keys_of_the_console_do_not_leave_the_wizard() -> None:
    async with console("installer-new", installer=StandIn()) as (pilot, _, _):
        await on(pilot, "plane")
        await press(pilot, "1", "2", "minus", "left_square_bracket", "colon", "slash", "p")
        assert view(pilot) == "installer-new" and page(pilot) == "plane"
        await press(pilot, "tab", "ctrl+u", *"v1:/?q")
        focused = pilot.app.focused
        assert isinstance(focused, Input) and focused.value == "v1:/?q" and page(pilot) == "plane"


async def test_rows_are_added_changed_and_taken_away(tmp_path: Path) -> None:
    stand_in = StandIn()
    async with console("installer-new", await kept(tmp_path, stand_in), installer=stand_in) as (pilot, _, _):
        await on(pilot, "summary")
        wizard(pilot).wizard_state.go("partitions")
        await wizard(pilot).show_page()
        await press(pilot, "enter", *"data", "enter", *"20480", "pagedown")
        rows = wizard(pilot).wizard_state.answers["disk.extra"]
        assert rows == [{"name": "data", "size": 20480, "fs": "ext4", "label": ""}]
        await press(pilot, "up", "enter", "tab", "ctrl+u", *"abc", "tab")
        problems = [str(one.content) for one in pilot.app.screen.query(".problem")]  # type: ignore[attr-defined]
        assert "MiB must be an integer." in "\n".join(problems)
        await press(pilot, "escape")
        assert wizard(pilot).wizard_state.answers["disk.extra"] == rows
        await press(pilot, "x")
        assert wizard(pilot).wizard_state.answers["disk.extra"] == []


@pytest.mark.parametrize("size", [(20, 5), (40, 10)])
async def test_a_tiny_terminal_does_not_break_it(size: tuple[int, int]) -> None:
    async with console("installer-new", installer=StandIn(), size=size) as (pilot, _, _):
        await on(pilot, "plane")
        await press(pilot, "down", "tab", "pagedown", "v", "escape", "question_mark", "escape")
        assert view(pilot) == "installer-new"


def test_no_login_of_a_proxy_is_shown() -> None:
    answers = complete({"proxy.https": "http://field:a-proxy-secret@proxy.site:3128"})
    told_so = flatten(user_data(answers))
    assert told_so["stylus.site.network.httpsProxy"] == f"http://field:{MASK}@proxy.site:3128"
    assert "a-proxy-secret" not in said_so(QUESTIONS["proxy.https"], answers["proxy.https"])
    shown_so = "\n".join(one.plain for one in preview_lines(facade.preview(answers), ""))
    assert "proxy.site" in shown_so and "a-proxy-secret" not in shown_so


def test_what_came_and_went_between_two_documents_is_told_by_its_place() -> None:
    before = {"stylus": {"site": {"tags": {"a": "1"}, "name": "x"}}, "install": {"device": "auto"}}
    after = {"stylus": {"site": {"tags": {"a": "2"}, "edgeHostToken": TOKEN}}, "install": {"device": "auto"}}
    assert [tuple(one) for one in changes(before, after)] == [
        ("+", "stylus.site.tags.a", "2"),
        ("+", "stylus.site.edgeHostToken", MASK),
        ("-", "stylus.site.name", "x"),
    ]
