"""The wizard offers what is known, ticks what is right, and takes back what was found once it is fixed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.clients.ports import CanListTokens
from edgewright.commands.installer import wizard_api as facade
from edgewright.commands.installer.checks import public_keys
from edgewright.commands.installer.wizard_api import OfferedKey
from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from edgewright.core.cloudconfig.findings import Finding
from edgewright.core.errors import Refused
from edgewright.core.installer.answers import complete
from edgewright.core.installer.pages import PAGES
from edgewright.core.installer.shown_values import certificates, fingerprint, shown_text
from tests.core.installer.samples import CA
from tests.fake_connection import FakeConnection
from tests.tui.driving import Driven, console, newest_message, press, said, settle, until, view
from tests.tui.samples import NOW
from tests.tui.wizards.installing import KEY, TOKEN, StandIn, answered, every_build
from tests.tui.wizards.test_installer_wizard import kept, on, page, shown, typed, wizard
from tui.widgets.lines import text_of
from tui.wizards.installer.content import steps_line
from tui.wizards.installer.wizard_state import WizardState


def offering() -> StandIn:
    made = StandIn()
    made.offered = [
        SimpleNamespace(uid="tok-1", name="first-hosts", text=TOKEN, expiry=NOW + 29 * 86400, project="Default"),
        SimpleNamespace(uid="tok-2", name="berlin", text="ewt_other-secret-text", expiry=None, project=""),
    ]
    return made


async def to_token(pilot: Driven) -> None:
    await on(pilot, "plane")
    await press(pilot, "pagedown")
    await on(pilot, "token")
    await until(pilot, lambda: bool(wizard(pilot).offered("token.text")))
    await press(pilot, "tab")


@pytest.mark.parametrize("key", ["f8", "enter"])
async def test_a_token_of_the_plane_is_chosen_by_name_and_its_text_is_never_shown(key: str) -> None:
    async with console("installer-new", installer=offering()) as (pilot, _, _):
        await to_token(pilot)
        assert "F8 chooses from the plane's tokens: first-hosts, berlin." in shown(pilot)
        await press(pilot, key)
        assert view(pilot) == "ChooseModal" and "first-hosts  valid for" in said(pilot)
        await press(pilot, "enter")
        answers = wizard(pilot).wizard_state.answers
        assert (answers["token.text"], answers["token.uid"]) == (TOKEN, "tok-1")
        assert "token      first-hosts" in shown(pilot) and TOKEN not in shown(pilot)
        await typed(pilot, ["ctrl+u", "=ewt_another_one"])
        assert answers["token.uid"] == ""  # another token is not that one
        assert "first-hosts  " not in shown(pilot)


async def test_where_no_token_can_be_had_the_reason_is_a_message() -> None:
    async with console("installer-new", installer=StandIn()) as (pilot, _, made):
        await on(pilot, "plane")
        await press(pilot, "pagedown", "tab", "f8")
        await until(pilot, lambda: "no usable token" in newest_message(made))
        assert view(pilot) == "installer-new" and page(pilot) == "token"


async def test_own_ssh_keys_are_taken_from_a_list(tmp_path: Path) -> None:
    stand_in = StandIn()
    target = await kept(tmp_path, stand_in, **{"user.keys": [], "user.password": "a long password"})
    async with console("installer-new", target, installer=stand_in) as (pilot, _, _):
        await on(pilot, "summary")
        wizard(pilot).wizard_state.go("user")
        await wizard(pilot).show_page()
        await until(pilot, lambda: bool(wizard(pilot).offered("user.keys")))
        await press(pilot, "tab", "tab", "tab")
        assert "F8 takes a known one: id_ed25519.pub, work.pub." in shown(pilot)
        for downs in ((), ("down",), ()):
            await press(pilot, "f8", *downs, "enter")
        keys = wizard(pilot).wizard_state.answers["user.keys"]
        assert keys[0] == KEY and len(keys) == 2  # the same one twice is one


async def test_a_key_that_the_plane_stores_is_taken_by_its_name(tmp_path: Path) -> None:
    stand_in = StandIn()
    noc = KEY.replace("AyLyB2", "CaNaD4")
    stand_in.stored = [OfferedKey("noc", noc, "ssh-ed25519", "noc@desk", True), OfferedKey("own", KEY, "x", "", True)]
    target = await kept(tmp_path, stand_in, **{"user.keys": [], "user.password": "a long password"})
    async with console("installer-new", target, installer=stand_in) as (pilot, _, _):
        await on(pilot, "summary")
        wizard(pilot).wizard_state.go("user")
        await wizard(pilot).show_page()
        await press(pilot, "tab", "tab", "tab")
        await until(pilot, lambda: "work.pub, noc." in shown(pilot))  # the one that is mine as well is offered once
        await press(pilot, "f8")
        assert "plane   ssh-ed25519 noc@desk" in said(pilot) and "~/.ssh  ssh-ed25519 work" in said(pilot)
        await press(pilot, "down", "down", "enter")
        assert wizard(pilot).wizard_state.answers["user.keys"] == [noc]


async def test_a_plane_that_lists_no_keys_leaves_your_own(tmp_path: Path) -> None:
    class Refusing(StandIn):
        async def stored_keys(self, ctx: Any, context: str) -> list[Any]:
            raise Refused("The list of SSH keys is not available over this connection.")

        def ssh_keys(self) -> list[Any]:
            return []

    stand_in = Refusing()
    target = await kept(tmp_path, stand_in, **{"user.keys": [], "user.password": "a long password"})
    async with console("installer-new", target, installer=stand_in) as (pilot, _, made):
        await on(pilot, "summary")
        wizard(pilot).wizard_state.go("user")
        await wizard(pilot).show_page()
        await press(pilot, "tab", "tab", "tab", "f8")
        await until(pilot, lambda: "no public key in ~/.ssh or at the plane" in newest_message(made))
        assert "not available over this connection" in newest_message(made)


async def test_a_context_is_chosen_and_brings_its_address() -> None:
    async with console("installer-new", installer=StandIn()) as (pilot, _, _):
        await on(pilot, "plane")
        await press(pilot, "tab", "f8", "down", "enter")
        answers = wizard(pilot).wizard_state.answers
        assert (answers["plane.context"], answers["plane.endpoint"]) == ("lab", "https://10.4.9.2:8443")


def test_public_keys_are_those_that_a_box_accepts(tmp_path: Path) -> None:
    (tmp_path / "id_ed25519.pub").write_text(KEY + "\n")
    (tmp_path / "id_ed25519").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    (tmp_path / "broken.pub").write_text("ssh-ed25519 AAAA\n")
    (tmp_path / "empty.pub").touch()
    (tmp_path / "binary.pub").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.pub").mkdir()
    assert public_keys(tmp_path) == [("id_ed25519.pub", KEY, "ssh-ed25519", "field@laptop")]
    assert public_keys(tmp_path / "nothing") == []


def test_an_empty_field_says_whether_it_shows_an_example_or_what_counts() -> None:
    fields = [part for one in PAGES for question in one.fields for part in (question, *question.fields)]
    for question in fields:
        words = question.in_empty_field
        assert not words or words.startswith(("e.g. ", "empty: ")), question.key
        assert not (question.required and question.placeholder), question.key  # without an answer nothing counts
    by_key = {question.key: question.in_empty_field for question in fields}
    assert by_key["token.name"] == "e.g. shop-installer" and by_key["uid.host_name"] == "empty: its UID"
    assert by_key["plane.ca"] == "e.g. /path/of/ca.pem; empty: public authorities"


def test_the_steps_name_the_page_at_80_columns_and_tick_only_what_is_right(tmp_path: Path) -> None:
    wizard_state = WizardState(complete(answered(tmp_path)))
    wizard_state.seen.update(one.key for one in wizard_state.pages)
    for at, one in enumerate(wizard_state.pages):
        wizard_state.at = at
        text = text_of([steps_line(wizard_state, 80)])
        assert text.startswith(f"New installer  {at + 1} of {len(wizard_state.pages) + 1} "), one.key
        assert len(text) <= 80 and one.short.upper() in text
    wizard_state.go("output")
    assert "base √" in text_of([steps_line(wizard_state, 132)])
    wizard_state.wrong.add("base")
    assert "base √" not in text_of([steps_line(wizard_state, 132)])
    wizard_state.wrong.clear()
    wizard_state.answers["base.path"] = ""
    assert "base √" not in text_of([steps_line(wizard_state, 132)])


async def test_a_base_that_is_missing_is_not_ticked_until_it_is_there(tmp_path: Path) -> None:
    missing = tmp_path / "base.iso"
    stand_in = StandIn()

    def findings(answers: Any, keys: Any = None) -> list[Finding]:
        there = missing.exists() or (keys is not None and "base.path" not in keys)
        return [] if there else [Finding("error", "base.path", f"There is no file {missing}.", "Correct it.", "NoFile")]

    stand_in.findings = findings  # type: ignore[method-assign]
    target = await kept(tmp_path, stand_in, **{"base.path": str(missing)})
    async with console("installer-new", target, installer=stand_in, size=(132, 43)) as (pilot, _, _):
        await on(pilot, "summary")
        assert "base √" not in shown(pilot) and "There is no file" in said(pilot)
        missing.write_bytes(b"iso")
        await press(pilot, "escape")
        await on(pilot, "proof")
        await press(pilot, "pagedown")
        await on(pilot, "summary")
        assert "base √" in shown(pilot) and "There is no file" not in said(pilot)


async def test_what_was_found_online_stays_on_its_page_and_goes_when_it_is_fixed() -> None:
    stand_in = offering()
    stand_in.online = [Finding("error", "plane.endpoint", "The plane does not answer.", "Start it.")]
    async with console("installer-new", installer=stand_in) as (pilot, _, _):
        await on(pilot, "plane")
        await press(pilot, "tab", "f4")
        await until(pilot, lambda: view(pilot) == "ReadModal")
        await press(pilot, "enter")
        assert view(pilot) == "installer-new" and "The plane does not answer." in shown(pilot)
        await press(pilot, "pagedown")
        await on(pilot, "token")
        assert "The plane does not answer." not in shown(pilot)
        await press(pilot, "escape")
        await on(pilot, "plane")
        assert "The plane does not answer." in shown(pilot)
        await press(pilot, "tab", "tab", "x")
        assert "The plane does not answer." not in shown(pilot)


async def test_the_key_line_under_what_was_found_does_not_offer_to_stop() -> None:
    stand_in = StandIn()
    stand_in.online = [Finding("warning", "plane.endpoint", "The plane does not answer.", "Start it.")]
    async with console("installer-new", installer=stand_in) as (pilot, _, _):
        await on(pilot, "plane")
        await press(pilot, "tab", "f4")
        await until(pilot, lambda: view(pilot) == "ReadModal")
        assert "stop" not in shown(pilot).splitlines()[-1]


async def test_page_up_on_the_summary_scrolls_then_goes_back_as_escape_does(tmp_path: Path) -> None:
    stand_in = StandIn()
    async with console("installer-new", await kept(tmp_path, stand_in), installer=stand_in) as (pilot, _, _):
        await on(pilot, "summary")
        await press(pilot, "end")
        summary = pilot.app.screen.query_one("#summary")
        assert summary.scroll_offset.y > 0
        await press(pilot, "pageup")
        assert page(pilot) == "summary"
        for _ in range(6):
            if page(pilot) == "summary":
                await press(pilot, "pageup")
        assert page(pilot) == "proof"
        await press(pilot, "pagedown")
        await on(pilot, "summary")
        await press(pilot, "escape")
        await on(pilot, "proof")


async def test_a_build_without_answers_is_refused_and_not_shown_as_an_empty_wizard() -> None:
    stand_in = StandIn()
    stand_in.every = every_build()
    async with console("installers", installer=stand_in) as (pilot, _, made):
        await until(pilot, lambda: "kiosk-2026" in shown(pilot))
        await press(pilot, "r")
        await until(pilot, lambda: "has no answers stored" in newest_message(made))
        await until(pilot, lambda: view(pilot) == "installers")


def test_the_mark_of_a_certificate_is_its_fingerprint_whatever_its_line_ends_are() -> None:
    mark = fingerprint(certificates(CA)[0])
    assert mark.startswith("D9:B3:3B:20:BD:C5:D5:3A") and mark.count(":") == 31
    for text in (CA, CA + "\n\n", CA.replace("\n", "\r\n"), f"subject=/CN=x\n{CA}"):
        assert shown_text(text) == f"<certificate, SHA-256 {mark[:23]}...>"
    assert shown_text(f"{CA}\n{CA}").startswith("<2 certificates, ")
    assert shown_text("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----").startswith("<1 certificates, ")


async def test_the_whole_fingerprint_of_the_ca_is_on_its_page(tmp_path: Path) -> None:
    stand_in = StandIn()
    async with console("installer-new", await kept(tmp_path, stand_in, **{"plane.ca": CA}), installer=stand_in) as (
        pilot,
        _,
        _,
    ):
        await on(pilot, "summary")
        await press(pilot, "home", "enter")
        await on(pilot, "plane")
        await settle(pilot)
        assert "D9:B3:3B:20:BD:C5:D5:3A" in shown(pilot) and "SHA-256" in shown(pilot)


async def test_tokens_of_a_plane_are_those_that_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def document(name: str, text: str = "ewt_x", active: bool = True, expiry: str = "2099-01-01T00:00:00Z") -> Any:
        return {
            "metadata": {"uid": name, "name": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"token": text, "expiry": expiry},
            "status": {"isActive": active},
        }

    every = [
        document("good"),
        document("this-machine"),
        document("hidden", text=""),
        document("revoked", active=False),
        document("old", expiry="2020-01-01T00:00:00Z"),
    ]

    async def listed() -> list[Any]:
        await asyncio.sleep(0)
        return every

    plane = FakeConnection({CanListTokens: SimpleNamespace(all=listed)})
    found = await facade.tokens(CommandContext(Settings(), client=plane), "")
    assert [(one.name, one.text) for one in found] == [("good", "ewt_x")]
