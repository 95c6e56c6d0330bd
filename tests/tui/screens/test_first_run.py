from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from textual.widgets import Input, Static

from edgewright.core.errors import Conflict, Unreachable
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, until, view
from tests.tui.samples import NOW
from tui.session import FirstRun

ADDRESSES = (
    SimpleNamespace(card="eth0", address="10.4.0.2", note="default route"),
    SimpleNamespace(card="eth1", address="fd00::2", note=""),
)


async def start_hub(report: Callable[[str], None], address: str = "") -> str:
    report("starting the hub")
    report("making its certificate and key")
    report("taking this machine in as an observed host")
    await asyncio.sleep(0)
    return "local"


def statics(pilot: Driven) -> str:
    return "\n".join(str(static.content) for static in pilot.app.screen.query(Static))


async def test_the_first_way_is_the_default_and_enter_takes_it() -> None:
    went: list[str] = []

    async def switch(name: str) -> None:
        went.append(name)

    async with console(first_run=FirstRun(start_hub=start_hub), switch_context=switch) as (pilot, _, made):
        assert view(pilot) == "first-run"
        assert said(pilot).startswith("No plane is known yet.")
        assert "1 Start a hub here" in said(pilot) and "4 See a demo fleet" in said(pilot)
        await press(pilot, "enter", "enter", "enter")
        assert view(pilot) == "FormModal"
        await press(pilot, *"hub.example.net", "enter")
        await until(pilot, lambda: view(pilot) == "first-steps")
        await press(pilot, "escape")
        assert view(pilot) == "pulse"
        assert went == ["local"]
        assert "Connected to local." in [message.text for message in made.store.model.messages]
        assert made.first_run is None


async def test_steps_are_shown_while_they_are_made_and_escape_stops() -> None:
    gate = asyncio.Event()

    async def slow(report: Callable[[str], None], address: str = "") -> str:
        report("starting the hub")
        report("making its certificate")
        await gate.wait()
        return "local"

    async with console(first_run=FirstRun(start_hub=slow)) as (pilot, _, _):
        await press(pilot, "1", "2")
        assert "• starting the hub" in said(pilot)
        assert "► making its certificate" in said(pilot)
        await press(pilot, "escape")
        assert "Stopped." in said(pilot)
        await press(pilot, "escape")
        assert "Which address will your sites use" in said(pilot)
        await press(pilot, "escape")
        assert "How do you want to begin?" in said(pilot)


async def test_a_plane_that_comes_while_help_is_read_is_shown_when_help_is_left() -> None:
    gate = asyncio.Event()

    async def slow(report: Callable[[str], None], address: str = "") -> str:
        report("starting the hub")
        await gate.wait()
        return "local"

    async with console(first_run=FirstRun(start_hub=slow)) as (pilot, _, made):
        await press(pilot, "enter", "2", "question_mark")
        assert view(pilot) == "help"
        gate.set()
        await until(pilot, lambda: "Connected to local." in newest_message(made))
        assert view(pilot) == "help"
        await press(pilot, "escape")
        await until(pilot, lambda: view(pilot) == "first-steps")


async def test_a_failure_is_a_sentence_with_the_next_step_and_can_be_tried_again() -> None:
    tries: list[int] = []

    async def busy(report: Callable[[str], None], address: str = "") -> str:
        report("starting the hub")
        tries.append(1)
        raise Conflict("Port 8443 is in use by another program.", "Stop it, or choose another port.")

    async with console(first_run=FirstRun(start_hub=busy)) as (pilot, _, _):
        await press(pilot, "enter", "2")
        await until(pilot, lambda: "Port 8443 is in use" in said(pilot))
        assert "▲ starting the hub" in said(pilot)
        assert "Stop it, or choose another port." in said(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: len(tries) == 2)


async def test_an_address_is_chosen_by_its_digit_and_goes_to_the_hub() -> None:
    given: list[str] = []

    async def start(report: Callable[[str], None], address: str = "") -> str:
        given.append(address)
        return "here"

    ways = FirstRun(start_hub=start, addresses=lambda: ADDRESSES)
    for digit, address in (("1", "10.4.0.2"), ("2", "fd00::2"), ("4", "127.0.0.1")):
        async with console(first_run=ways) as (pilot, _, _):
            await press(pilot, "1")
            await until(pilot, lambda: "10.4.0.2" in said(pilot))
            lines = said(pilot)
            assert "1 10.4.0.2" in lines and "default route" in lines and "3 Another address or a name" in lines
            assert "only to try it here" in lines and "no other machine can reach it" in lines
            await press(pilot, digit)
            await until(pilot, lambda: view(pilot) == "first-steps")
            assert given[-1] == address


async def test_an_address_of_ones_own_is_checked_and_stays_in_the_form() -> None:
    given: list[str] = []

    async def start(report: Callable[[str], None], address: str = "") -> str:
        given.append(address)
        return "here"

    async with console(first_run=FirstRun(start_hub=start, addresses=lambda: ADDRESSES)) as (pilot, _, _):
        await press(pilot, "1", "3")
        field = pilot.app.screen.query_one("#field-address", Input)
        field.value = "not a name"
        await press(pilot, "enter")
        assert "is neither a host name nor an address" in statics(pilot) and not given
        field.value = "hub.example.net:9443"
        await press(pilot, "enter")
        await until(pilot, lambda: given == ["hub.example.net:9443"])


async def test_the_address_of_a_hub_that_runs_is_changed_from_the_first_steps() -> None:
    given: list[str] = []

    async def start(report: Callable[[str], None], address: str = "") -> str:
        given.append(address)
        return "here"

    facts = SimpleNamespace(url="https://127.0.0.1:8443", ca="", movable=True)
    ways = FirstRun(start_hub=start, addresses=lambda: ADDRESSES, deployment=lambda: facts)
    async with console("first-steps", ways=ways) as (pilot, _, _):
        await until(pilot, lambda: "only this machine reaches" in said(pilot))
        await press(pilot, "home", "enter")
        assert view(pilot) == "first-run" and "Which address" in said(pilot)
        assert "registered hosts call the present address" in said(pilot)
        await press(pilot, "escape")
        assert view(pilot) == "first-steps" and given == []
        await press(pilot, "home", "enter")
        await until(pilot, lambda: "10.4.0.2" in said(pilot))
        await press(pilot, "1")
        await until(pilot, lambda: view(pilot) == "first-steps")
        assert given == ["10.4.0.2"]


async def test_connecting_asks_checks_and_keeps_what_was_typed() -> None:
    asked: list[dict[str, Any]] = []

    async def connect(**given: Any) -> str:
        asked.append(given)
        return "plane"

    async with console(first_run=FirstRun(connect=connect)) as (pilot, _, _):
        await press(pilot, "2")
        assert view(pilot) == "FormModal"
        url = pilot.app.screen.query_one("#field-url", Input)
        assert pilot.app.screen.query_one("#field-api_key", Input).password
        url.value = "ftp://nowhere"
        await press(pilot, "tab")
        assert "is not an address of a plane" in statics(pilot)
        url.value = "https://10.4.0.2:8443"
        await press(pilot, "escape", "2")
        again = pilot.app.screen.query_one("#field-url", Input)
        assert again.value == "https://10.4.0.2:8443"
        pilot.app.screen.query_one("#field-api_key", Input).value = "ewk_secret"
        again.focus()
        await press(pilot, "enter", "enter", "enter", "enter", "enter")
        await until(pilot, lambda: bool(asked))
        assert asked[0] == {"url": "https://10.4.0.2:8443", "api_key": "ewk_secret", "ca": "", "project": ""}
        await until(pilot, lambda: view(pilot) == "pulse")


async def test_an_unknown_authority_is_shown_to_compare_and_cancel_sends_nothing(tmp_path: Path) -> None:
    asked: list[str] = []

    async def connect(**given: Any) -> str:
        asked.append(given["ca"])
        if not given["ca"]:
            raise Unreachable("The certificate was issued by no authority that this machine trusts.", "", "UnknownCA")
        return "plane"

    async def inspect(url: str) -> Any:
        return SimpleNamespace(
            subject="10.4.0.2", issuer="edgewright CA", ends=NOW, fingerprint="AB:CD", ca_file=str(tmp_path / "ca.crt")
        )

    async with console(first_run=FirstRun(connect=connect, inspect=inspect)) as (pilot, _, _):
        for answer in (("enter",), ("tab", "enter")):
            await press(pilot, "2")
            pilot.app.screen.query_one("#field-url", Input).value = "https://10.4.0.2:8443"
            pilot.app.screen.query_one("#field-url", Input).focus()
            await press(pilot, "enter", "enter", "enter", "enter", "enter")
            await until(pilot, lambda: view(pilot) == "ConfirmModal")
            assert "SHA-256 of that authority: AB:CD" in said(pilot)
            await press(pilot, *answer)
            if answer == ("enter",):
                assert "nothing was sent" in said(pilot)
                await press(pilot, "escape")
        await until(pilot, lambda: view(pilot) == "pulse")
        assert asked == ["", "", str(tmp_path / "ca.crt")]


async def test_ssh_asks_for_a_host_and_the_demo_says_simulated(quiet_home: Path) -> None:
    counts: list[int] = []

    async def demo(count: int, report: Callable[[str], None]) -> str:
        counts.append(count)
        return "demo"

    async with console(first_run=FirstRun(demo=demo)) as (pilot, _, _):
        assert "simulated" in said(pilot)
        await press(pilot, "3")
        await until(pilot, lambda: view(pilot) == "doctor" and pilot.app.screen.prompt.is_open)  # type: ignore[attr-defined]
        await press(pilot, *"a;b", "enter")
        assert view(pilot) == "doctor" and "not a valid host name" in frame_text(pilot.app, "keys")
        await press(pilot, "escape", "escape")
        assert view(pilot) == "first-run"
        await press(pilot, "4")
        await until(pilot, lambda: counts == [500])


async def test_the_guide_stands_in_a_tiny_terminal(quiet_home: Path) -> None:
    async with console(first_run=FirstRun(), size=(20, 5)) as (pilot, _, _):
        await press(pilot, "down", "down", "enter")
        assert view(pilot) == "doctor"
        await press(pilot, "escape", "escape")
        assert view(pilot) == "first-run"


async def test_leaving_asks_about_the_hub_and_escape_stays() -> None:
    stopped: list[bool] = []

    async def stop() -> None:
        stopped.append(True)

    async with console(hub_running=lambda: True, stop_hub=stop) as (pilot, _, _):
        await press(pilot, "ctrl+q")
        await until(pilot, lambda: view(pilot) == "LeaveModal")
        assert "Leave it running" in said(pilot)
        await press(pilot, "escape")
        assert view(pilot) == "pulse"
        await press(pilot, "ctrl+q")
        await until(pilot, lambda: view(pilot) == "LeaveModal")
        await pilot.press("down", "enter")
        await until(pilot, lambda: stopped == [True])


async def test_the_answer_on_leaving_is_remembered_when_that_is_wished() -> None:
    async with console(hub_running=lambda: True) as (pilot, _, made):
        await press(pilot, "ctrl+q")
        await until(pilot, lambda: view(pilot) == "LeaveModal")
        await press(pilot, "end", "enter")
        assert "[■] remember this answer" in said(pilot)
        await press(pilot, "home")
        await pilot.press("enter")
        await until(pilot, lambda: made.views.load("leave").get("answer") == "leave")
