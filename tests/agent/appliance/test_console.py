"""The appliance's console: its pages as golden texts at 80x24, its keys, and what they change."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.appliance import documents, network
from edgewright.agent.appliance.console.actions import BoxActions
from edgewright.agent.appliance.console.facts import Facts, Nic, code_lines
from edgewright.agent.appliance.console.session import CONFIRM_SECONDS, Session
from edgewright.agent.appliance.console.terminal import Terminal, split_keys
from edgewright.core.errors import Failed
from tests.agent.appliance.helpers import Recorder

RULE = "-" * 80
FACTS = Facts(
    host_name="shop-7",
    slot="active",
    uid="edge-4711",
    machine_id="e95badaa7d13a442b2dd09c3ab4ea92d",
    version="0.1.0",
    nics=(Nic("eno1", ("10.0.0.5/24",), "52:54:00:12:34:56", True), Nic("eno2", (), "52:54:00:12:34:57")),
    gateway="10.0.0.1",
    dns=("10.0.0.53",),
    endpoint="https://plane.example:8443",
    people=("ops",),
)


class Noted:
    """Actions that only note what was asked for."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def try_network(self, card: network.Card | None, names: network.Names | None) -> None:
        self.calls.append(("try", card, names))

    def store_network(self) -> str:
        self.calls.append("keep")
        return "Kept."

    def give_back_network(self) -> str:
        self.calls.append("back")
        return "As before."

    def set_host_name(self, name: str) -> str:
        self.calls.append(("name", name))
        return "Named."

    def create_account(self, name: str, password: str) -> str:
        self.calls.append(("account", name, password))
        return "Made."

    def confirm_install(self, device: str) -> str:
        self.calls.append(("install", device))
        return ""


class Stand:
    """A session with a clock that the test turns."""

    def __init__(self, facts: Facts) -> None:
        self.now = 100.0
        self.actions = Noted()
        self.session = Session(self.actions, lambda: self.now, lambda url, width, height: ("##  ##", "  ##  "))
        self.session.tick(facts)

    def press(self, *keys: str) -> str:
        last = ""
        for key in keys:
            last = self.session.press(key) or last
        return last

    def type(self, text: str) -> None:
        self.press(*text)

    def text(self) -> str:
        lines = self.session.lines(80, 24)
        assert len(lines) == 24 and all(len(line) <= 80 for line in lines)
        return "\n".join(line.rstrip() for line in lines)


def golden(title: str, body: str, keys: str) -> str:
    lines = body[1:].rstrip("\n").split("\n")
    return "\n".join([f" Edgewright  {title}", RULE, *lines, *[""] * (20 - len(lines)), RULE, f" {keys}"])


def test_device_info_of_a_host_that_the_plane_refused() -> None:
    refused = FACTS._replace(
        phase="refused",
        message="The plane does not accept the registration token.",
        hint="Make a new one.",
        registration_url="https://edge.example/register",
        boot_note="The slot active did not come up; passive runs instead.",
    )
    assert Stand(refused).text() == golden(
        "Device Info",
        """
 Host name      shop-7
 Host ID        edge-4711
 Machine ID     e95badaa7d13a442b2dd09c3ab4ea92d
 System         slot active; agent 0.1.0

 eno1           10.0.0.5/24                  52:54:00:12:34:56
 eno2           no link                      52:54:00:12:34:57
 Gateway        10.0.0.1
 DNS            10.0.0.53

 Plane          https://plane.example:8443
 Registration   refused
 Reason         The plane does not accept the registration token. Make a new
                one.
 Register at    https://edge.example/register?uid=edge-4711

 Attention      The slot active did not come up; passive runs instead.
""",
        "ENTER settings   r QR code   l log in",
    )


def test_a_registered_host_shows_no_code() -> None:
    stand = Stand(FACTS._replace(registered=True, phase="registered", registration_url="https://edge.example"))
    assert "Registration   registered\n" in stand.text() and "QR" not in stand.text()
    stand.press("r")
    assert stand.session.page == "info"


def test_the_code_takes_the_whole_screen_and_falls_back_to_text() -> None:
    stand = Stand(FACTS._replace(registration_url="https://edge.example/r?site=a"))
    stand.press("r")
    assert stand.text().splitlines()[0].strip() == "##  ##"
    stand.session.code = lambda url, width, height: None
    assert "https://edge.example/r?site=a&uid=edge-4711" in stand.text()


def test_a_code_that_does_not_fit_is_none() -> None:
    runner = Recorder({"qrencode": "####\n####\n"})
    assert code_lines(runner, "https://x", 80, 24) == ("####", "####")
    assert runner.calls[0][-2:] == ["--", "https://x"]
    assert code_lines(runner, "https://x", 80, 1) is None
    assert code_lines(Recorder({"qrencode": Failed("no")}), "https://x", 80, 24) is None


def test_the_menu_and_a_static_adapter() -> None:
    stand = Stand(FACTS)
    stand.press("enter")
    assert stand.text() == golden(
        "Settings",
        """

 > Host name            shop-7
   Network adapter      eno1         10.0.0.5/24
   Network adapter      eno2         no address
   DNS                  10.0.0.53
   Quit: show the device info
""",
        "TAB/arrows move   ENTER open   ESC back",
    )
    stand.press("down", "enter", "right", "down")
    stand.type("10.0.0.9")
    stand.press("down")
    stand.type("255.255.255.0")
    stand.press("down")
    stand.type("10.0.1.1")
    stand.press("enter")
    assert stand.text() == golden(
        "Network adapter eno1",
        """

   Addresses            ( ) DHCP   (*) Static
   IP address           [10.0.0.9]
   Subnet mask          [255.255.255.0]
 > Default gateway      [10.0.1.1_]
   VLAN ID              []
   MTU (bytes)          []

 ! The gateway 10.0.1.1 is not in 10.0.0.0/24, the subnet of 10.0.0.9.
""",
        "TAB/arrows move   ENTER apply   ESC back",
    )
    assert stand.actions.calls == []
    stand.press(*["backspace"] * 3, "0", ".", "1", "enter")
    assert stand.actions.calls == [("try", network.Card("eno1", True, "10.0.0.9", "255.255.255.0", "10.0.0.1"), None)]
    assert "come back in 60 s." in stand.text()


@pytest.mark.parametrize(
    ("key", "seconds", "call"), [("enter", 0, "keep"), ("esc", 0, "back"), ("", CONFIRM_SECONDS, "back")]
)
def test_new_network_settings_stay_only_when_a_person_says_so(key: str, seconds: int, call: str) -> None:
    stand = Stand(FACTS)
    stand.press("enter", "down", "enter", "enter")
    assert stand.session.page == "keep"
    stand.now += CONFIRM_SECONDS - 1
    stand.session.tick(FACTS)
    assert stand.session.page == "keep" and "come back in 1 s." in stand.text()
    if key:
        stand.press(key)
    else:
        stand.now += seconds
        stand.session.tick(FACTS)
    assert stand.actions.calls[-1] == call and stand.session.page == "menu"


def test_a_password_is_never_on_the_screen() -> None:
    stand = Stand(FACTS._replace(people=()))
    assert "l log in" not in stand.text() and stand.press("l") == ""
    stand.press("enter", "enter")
    stand.type("kairos")
    stand.press("tab")
    stand.type("secret")
    stand.press("enter")
    assert "The name kairos cannot be taken." in stand.text() and "8 characters" in stand.text()
    stand.press("backtab", "ctrl-u")
    stand.type("ops")
    stand.press("tab")
    stand.type("-word")
    stand.press("tab")
    stand.type("secret-word")
    assert "secret" not in stand.text() and "[***********]" in stand.text()
    stand.press("enter")
    assert stand.actions.calls == [("account", "ops", "secret-word")] and "Made." in stand.text()


def test_a_read_only_console_opens_nothing() -> None:
    stand = Stand(FACTS._replace(read_only=True))
    assert "ENTER" not in stand.text() and "read-only console" in stand.text()
    stand.press("enter")
    assert stand.session.page == "info" and stand.press("l") == "login"


def test_a_failing_change_stays_in_its_form() -> None:
    stand = Stand(FACTS)

    def broken(name: str) -> str:
        raise Failed("The disk is full.")

    stand.actions.set_host_name = broken  # type: ignore[method-assign]
    stand.press("enter", "enter", "enter")
    assert " ! The disk is full." in stand.text()


def test_the_installer_shows_its_progress_and_its_failure() -> None:
    live = FACTS._replace(slot="live", people=())
    state = {"phase": "running", "step": 4, "steps": 11, "text": "copying the active system", "percent": 50}
    text = Stand(live._replace(install={**state, "device": "/dev/vda"})).text()
    assert " Step           4 of 11: copying the active system" in text
    assert "[############............................] 31 %" in text
    text = Stand(live._replace(install={"phase": "failed", "message": "No disk fits."})).text()
    assert text.startswith(" Edgewright  Installation failed") and " Reason         No disk fits." in text


def test_a_person_confirms_a_disk_by_typing_its_path() -> None:
    waiting = {"phase": "waiting", "message": "No user-data.", "disks": [["/dev/vda", "/dev/vda (16.0 GiB)"]]}
    stand = Stand(FACTS._replace(slot="live", install=waiting))
    assert "Nothing is installed by itself." in stand.text()
    stand.press("enter", "enter")
    stand.type("/dev/vd")
    stand.press("enter")
    assert stand.actions.calls == [] and "Type /dev/vda" in stand.text()
    stand.press("a", "enter")
    assert stand.actions.calls == [("install", "/dev/vda")] and stand.session.page == "info"


def test_control_characters_from_the_box_never_reach_the_terminal() -> None:
    stand = Stand(FACTS._replace(host_name="a\x1b[2Jb", message="x\x07y", phase="refused"))
    assert "\x1b" not in stand.text() and "\x07" not in stand.text()


# --- what the actions write ---------------------------------------------------------------------------------------


def test_settings_are_kept_in_oem_and_given_back(tmp_path: Path) -> None:
    (tmp_path / "oem").mkdir()
    (tmp_path / "oem/userdata").write_text("#cloud-config\n")
    runner = Recorder()
    actions = BoxActions(runner, lambda: {}, str(tmp_path))
    folder = tmp_path / "etc/systemd/network"
    card = network.Card("eno1", True, "10.0.0.9", "24", "10.0.0.1")
    actions.try_network(card, None)
    assert (folder / "10-edgewright-eno1.network").exists() and not (
        tmp_path / "oem/99_edgewright_console.yaml"
    ).exists()
    assert runner.lines()[:2] == ["networkctl reload", "networkctl reconfigure eno1"]
    actions.give_back_network()
    assert os.listdir(folder) == ["90-edgewright-dhcp.network"]
    actions.try_network(card, None)
    assert actions.store_network().endswith("It is stored in /oem.")
    kept = tmp_path / "oem/99_edgewright_console.yaml"
    assert kept.stat().st_mode & 0o777 == 0o600
    read = network.read_cards(documents.read_document(kept.read_text()))[0]
    assert network.check_card(read) == [] and str(network.interface(read)) == "10.0.0.9/24"


def test_only_the_hash_of_a_password_is_kept(tmp_path: Path) -> None:
    (tmp_path / "oem").mkdir()
    (tmp_path / "oem/userdata").write_text("#cloud-config\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/shadow").write_text("ops:$6$salt$hash:1:::\n")
    runner = Recorder()
    BoxActions(runner, lambda: {}, str(tmp_path)).create_account("ops", "secret-word")
    assert "ops:secret-word\n" in runner.stdins and not [line for line in runner.lines() if "secret" in line]
    text = (tmp_path / "oem/99_edgewright_console.yaml").read_text()
    assert "secret-word" not in text and "$6$salt$hash" in text


# --- the terminal --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "keys", "rest"),
    [
        (b"a\x1b[A\r", ["a", "up", "enter"], b""),
        (b"\x1b", [], b"\x1b"),
        (b"\x1b[", [], b"\x1b["),
        (b"\x1b[15~x", ["x"], b""),
        ("é\t".encode(), ["é", "tab"], b""),
        (b"\xc3", [], b"\xc3"),
        (b"\x1bq", ["esc", "q"], b""),
        (b"\x00\x01", [], b""),
    ],
)
def test_keys_in_pieces(data: bytes, keys: list[str], rest: bytes) -> None:
    assert split_keys(data) == (keys, rest)


def test_only_changed_lines_are_drawn() -> None:
    source, sink = os.pipe()
    screen = Terminal(source, sink)
    with screen:
        screen.show(["one", "two"], True)
        screen.show(["one", "three"])
    os.close(sink)
    data = io.FileIO(source).readall().decode()
    assert data.count("one") == 1 and "\x1b[2;1Hthree\x1b[K" in data and data.endswith("\x1b[2J\x1b[H")
    assert screen.size() == (80, 24)
