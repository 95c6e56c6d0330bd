"""From an empty home folder to the first host, by keys alone: guide, hub, token, installer, proof, a box in QEMU.

The console runs in a network namespace whose one address the guest reaches. What was pressed and seen is printed with
its time; `EDGEWRIGHT_FIRST_DEPLOYMENT=FILE` keeps it, with the screens.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgewright.forge.proof.guest import Guest
from edgewright.forge.proof.log_patterns import Reader
from edgewright.forge.proof.machine import Machine, command
from tests.e2e.console import Console
from tests.e2e.forge.forge_base import base_iso
from tests.e2e.forge.proof_rig import ADDRESS, PORT, Rig
from tests.e2e.planes import end_local_plane

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3000)]

LIMIT = float(os.environ.get("EDGEWRIGHT_PROOF_LIMIT", "900"))
"""Seconds for the proof, and again from power on to a host on the screen; emulated."""
RECORD = os.environ.get("EDGEWRIGHT_FIRST_DEPLOYMENT", "")
"""Where the record goes; read here, since tests see no variable of the product."""
PACE = 0.3
"""Seconds after each key: this is how a person goes about it; bursts of keys have tests of their own."""
URL = f"https://{ADDRESS}:{PORT}"
BOX = "box-first"


class Record:
    """What was pressed and seen, with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.began = time.monotonic()
        self.lines: list[str] = []

    def press(self, *keys: str, why: str) -> None:
        self._note(f"pressed {' '.join(keys)}: {why}")
        for key in keys:
            self.console.press(key)
            time.sleep(PACE)

    def type(self, text: str) -> None:
        self._note(f"typed {text}")
        self.console.press("-l", text)

    def see(self, *words: str, patience: float = 30.0, never: str = "") -> str:
        shown = self.console.wait(*words, patience=patience, never=never)
        self._note(f"saw {', '.join(words)}")
        return shown

    def keep(self, title: str) -> None:
        self.lines.append(f"--- {title}\n{self.console.screen().rstrip()}\n---")

    def _note(self, text: str) -> None:
        self.lines.append(f"{time.monotonic() - self.began:7.1f} s  {text}")
        print(self.lines[-1], flush=True)

    def write(self) -> None:
        if RECORD:
            Path(RECORD).write_text("\n".join(self.lines) + "\n")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    made.must_be_possible()
    try:
        made.make_network()
        yield made
    finally:
        made.down()


@pytest.fixture
def record(rig: Rig, tmux: str) -> Iterator[Record]:
    """The console of somebody who has nothing yet, at 80x24."""
    nowhere = rig.folder / "nowhere"
    with ExitStack() as ended:  # each is done whatever the one before raises
        ended.callback(end_local_plane, rig.home)
        console = Console(rig.home, "", nowhere, nowhere, columns=80, lines=24, prefix=rig.inside("env", "--"))
        made = Record(console)
        ended.callback(console.close)
        ended.callback(made.write)
        ended.callback(lambda: made.keep("the last screen"))
        yield made


def test_the_first_deployment_by_keys(rig: Rig, record: Record) -> None:
    base = base_iso()
    start_a_hub(record)
    create_a_token(record)
    build_an_installer(record, base, rig.folder)
    iso = rig.folder / "first.iso"
    proven(record, iso)
    boot_the_box(record, rig, iso)


def start_a_hub(record: Record) -> None:
    record.see("How do you want to begin?")
    record.press("1", why="start a hub here")
    record.see("Which address will your sites use", f"1 {ADDRESS}")
    record.keep("the address question")
    record.press("1", why=f"sites use {ADDRESS}")
    record.see("First steps", f"sites use {URL}", "1 of 7 steps done", patience=60)


def create_a_token(record: Record) -> None:
    record.press("Enter", why="create a token")
    record.see("Create a registration token", "first-hosts")
    record.press("Enter", "Enter", why="name and time as offered")
    record.see("Whoever has it may register hosts")
    record.press("Enter", why="create it")
    record.see("Token first-hosts", "close")
    record.press("Enter", why="close")
    record.see("2 of 7 steps done")
    record.keep("the steps with a token")


def build_an_installer(record: Record, base: Path, folder: Path) -> None:
    record.press("Enter", why="the wizard")
    record.see("Where does the box report to?", URL, "SHA-256")
    record.keep("the first page: address and CA are those of the hub")
    record.press("PageDown", why="address and CA are the hub's")
    record.see("How is the box let in?")
    record.press("Tab", why="to the token")
    record.see("F8 chooses from the plane's tokens: first-hosts")
    record.press("F8", why="the plane's tokens")
    record.see("Choose one of the plane's tokens", "first-hosts")
    record.press("Enter", why="first-hosts")
    record.see("valid for")
    record.press("PageDown", why="next page")
    record.see("How does the box know who it is?")
    record.press("Down", "Enter", why="by a name")
    record.type(BOX)
    for question in ("How does the box get its address?", "proxy", "names into addresses", "time"):
        record.press("PageDown", why="next page")
        record.see(question)
    record.press("PageDown", why="next page")
    record.see("Who may log in at the box?")
    record.press("Tab", why="to the password")
    record.type("a long password")
    for question in ("Who else", "images", "authorities", "Where is the box?"):
        record.press("PageDown", why="next page")
        record.see(question)
    record.type("berlin")
    for question in (
        "link of the site",
        "Which disk",
        "partitions of your own",
        "What else happens",
        "What does the installer begin from?",
    ):
        record.press("PageDown", why="next page")
        record.see(question)
    record.press("Tab", why="to the path")
    record.type(str(base))
    record.press("Enter", why="the base is read")
    record.see("What is made, and where?")
    record.press("C-u", why="another name")
    record.type("first")
    record.press("Tab", why="to the folder")
    record.type(str(folder))
    for question in ("bring along", "booted here"):
        record.press("PageDown", why="next page")
        record.see(question)
    record.press("Down", why="prove until it registers")
    record.press("Tab", why="to the firmware")
    record.press("Down", why="BIOS")
    record.press("Tab", "Down", why="from a CD")
    record.press("PageDown", why="the summary")
    record.see("All questions are answered", "SUMMARY")
    record.keep("the summary")
    record.press("b", why="build it")
    record.see("First steps › first", patience=60)


def proven(record: Record, iso: Path) -> None:
    """Wait until the build has proven the installer in QEMU."""
    record.see("installer first proven", "booted and seen to register", patience=LIMIT, never="r again, with the same")
    assert label(iso) == "proven"
    record.keep("the result page")
    record.press("Escape", why="back to the first steps")
    record.see("3 of 7 steps done", "first.iso, proven", "waiting for it to register")
    record.keep("the steps wait for the host")


def label(iso: Path) -> str:
    """Return the label of an installer's manifest, "" while there is none."""
    try:
        return str(json.loads(Path(f"{iso}.manifest.json").read_text())["label"])
    except (OSError, ValueError):
        return ""


def boot_the_box(record: Record, rig: Rig, iso: Path) -> None:
    """Boot the installer as it ships, and see the host on the first steps, on Hosts and as a healthy host."""
    disk = rig.folder / "disk.img"
    with disk.open("wb") as file:
        file.truncate(32 << 30)
    box = Machine(iso, disk, firmware="bios", medium="cd", network="on", uuid=str(uuid.uuid4()))
    began, boots, reader = time.monotonic(), 0, Reader()
    seen = False
    while not seen:
        boots += 1
        assert boots <= 2, f"it restarted once more:\n{reader.last(20)}"
        record._note(f"the box starts from its {'disk' if boots > 1 else 'installer'}")
        with Guest(rig.inside(*command(box._replace(disk_first=boots > 1)))) as guest:
            while not guest.ended and not seen:
                reader.feed(guest.read())
                assert time.monotonic() - began < LIMIT, reader.last(20)
                if boots > 1:
                    screen = record.console.screen()
                    seen = "steps done. Next: profile" in screen and f"{BOX} registered" in screen
            if seen:
                record.see("4 of 7 steps done", BOX)
                record.keep("the host has registered")
                record.press("2", why="Hosts")
                record.see(BOX, "berlin")
                record.console.wait_row(BOX, "healthy", patience=120)
                record._note(f"{BOX} is healthy, {time.monotonic() - began:.0f} s after power on")
                record.keep("the hosts")
