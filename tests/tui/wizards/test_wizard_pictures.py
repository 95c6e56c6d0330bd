"""Pictures of the installer wizard: each page, each with something wrong on it, and what stands around the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgewright.core.cloudconfig.findings import Finding
from edgewright.core.installer.pages import PAGES
from tests.tui.driving import Driven, press, settle, until
from tests.tui.samples import NOW
from tests.tui.screens.test_screen_pictures import Compare, app_of
from tests.tui.wizards.installing import KEY, PEM, TOKEN, StandIn, answered
from tui.app import EdgewrightApp
from tui.wizards.installer.wizard import InstallerWizard

SIZES = pytest.mark.parametrize("size", [(80, 24), (132, 43)], ids=["80x24", "132x43"])
CARD = {"nic": "eno1", "type": "static", "address": "10.4.1.7/24", "gateway": "10.4.1.1", "dns": "10.4.1.1"}
MANY: dict[str, Any] = {
    "net.mode": "advanced",
    "net.cards": [CARD, {"nic": "eno2", "type": "dhcp", "vlan": 120}],
    "bond.use": True,
    "bond.members": "eno3, eno4",
    "proxy.https": "http://proxy.site:3128",
    "proxy.none_for": ["10.4.0.0/16", ".site"],
    "dns.servers": ["10.4.0.53"],
    "ntp.servers": ["ntp.site"],
    "users.more": [{"name": "field", "password": "", "admin": True, "keys": [KEY]}],
    "registries.list": [{"domain": "registry.site:5000", "username": "pull", "password": "a-registry-secret"}],
    "registries.rules": {"docker.io": "registry.site:5000/hub"},
    "ca.certificates": [PEM],
    "site.tags": {"country": "de", "line": "2"},
    "link.metered": True,
    "link.silence": "1h",
    "link.budget": 50,
    "disk.extra": [{"name": "data", "size": 20480, "fs": "ext4", "label": "DATA"}],
    "stages.steps": ["boot:", "- name: greet", "  commands:", "  - echo hello"],
    "proof.until": "registered",
}
WRONG: dict[str, dict[str, Any]] = {
    "plane": {"plane.endpoint": "https://localhost:8443"},
    "token": {"token.text": ""},
    "uid": {"uid.rule": "name", "uid.name": "shop/berlin"},
    "network": {"net.mode": "static", "net.gateway": "10.9.1.1"},
    "cards": {"net.cards": [CARD, CARD]},
    "bond": {"bond.members": "eno3"},
    "proxy": {"proxy.https": "proxy.site"},
    "dns": {"dns.servers": ["10.4.0.53", "nobody"]},
    "ntp": {"ntp.servers": ["not a host"]},
    "user": {"user.keys": ["ssh-ed25519 AAAA"]},
    "users": {"users.more": [{"name": "edge", "keys": [KEY]}]},
    "registries": {"registries.list": [{"domain": "https://registry.site"}]},
    "cas": {"ca.certificates": ["/nowhere/ca.pem"]},
    "site": {"site.tags": {"installer": "mine"}},
    "link": {"link.silence": "10m"},
    "disk": {"disk.rule": "path", "disk.path": "sda"},
    "partitions": {"disk.extra": [{"name": "data", "size": 10}]},
    "stages": {"stages.steps": ["boots:", "- name: greet"]},
    "base": {"base.path": ""},
    "output": {"output.name": "shop/2026"},
}
FOUND = {
    "content": Finding("error", "content.folder", "There is contains no directory /srv/content.", "Correct the path."),
    "proof": Finding("warning", "proof.until", "QEMU cannot prove the address 10.4.1.7.", "Try one box by hand."),
}


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


def wizard_of(stand_in: StandIn, folder: Path, answers: dict[str, Any], **fields: Any) -> EdgewrightApp:
    """Return the console with the wizard open on answers from a file."""
    stand_in.answers = {**answered(Path("/srv/installers")), **answers}
    return app_of("installer-new", str(folder / "answers.yaml"), installer=stand_in, **fields)


def wizard(pilot: Driven) -> InstallerWizard:
    screen = pilot.app.screen
    assert isinstance(screen, InstallerWizard)
    return screen


async def ready(pilot: Driven) -> None:
    await until(pilot, lambda: wizard(pilot).wizard_state.page is None)
    await pilot.app.workers.wait_for_complete()


async def on_page(pilot: Driven, key: str) -> None:
    await ready(pilot)
    screen = wizard(pilot)
    screen.wizard_state.go(key)
    screen.wizard_state.seen = {page.key for page in screen.wizard_state.pages[: screen.wizard_state.at]}
    await screen.show_page()
    await settle(pilot)


@SIZES
@pytest.mark.parametrize("key", [page.key for page in PAGES])
def test_page(snap_compare: Compare, stand_in: StandIn, tmp_path: Path, key: str, size: tuple[int, int]) -> None:
    answers = {} if key == "network" else MANY

    async def run(pilot: Driven) -> None:
        await on_page(pilot, key)
        if key == "base":
            await press(pilot, "tab", "tab")
            await pilot.app.workers.wait_for_complete()
            await settle(pilot)

    assert snap_compare(wizard_of(stand_in, tmp_path, answers), terminal_size=size, run_before=run)


@SIZES
@pytest.mark.parametrize("key", [page.key for page in PAGES])
def test_error(snap_compare: Compare, stand_in: StandIn, tmp_path: Path, key: str, size: tuple[int, int]) -> None:
    answers = {**({} if key == "network" else MANY), **WRONG.get(key, {})}

    async def run(pilot: Driven) -> None:
        await on_page(pilot, key)
        stand_in.found = [FOUND[key]] if key in FOUND else []
        await press(pilot, "pagedown" if key != "proof" else "tab")
        await settle(pilot)
        page = wizard(pilot).wizard_state.page
        assert page is not None and page.key == key

    assert snap_compare(wizard_of(stand_in, tmp_path, answers), terminal_size=size, run_before=run)


@SIZES
@pytest.mark.parametrize("state", ["whole", "wrong", "findings", "read-only"])
def test_summary(snap_compare: Compare, stand_in: StandIn, tmp_path: Path, state: str, size: tuple[int, int]) -> None:
    answers = {**MANY, **({"plane.endpoint": "", "disk.rule": "path"} if state == "wrong" else {})}
    if state == "findings":
        stand_in.found = [
            Finding("error", "token.text", "The token ends before the installer can be shipped.", "Make another one."),
            Finding("unknown", "ntp.servers", "Whether ntp.site answers is not known.", "Ask from the site."),
            Finding("note", "plane.mode", "Central management cannot be changed later."),
        ]
    app = wizard_of(stand_in, tmp_path, answers, read_only=state == "read-only")
    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("what", ["why", "row", "row-wrong", "whole", "write", "leave", "token"])
def test_around(snap_compare: Compare, stand_in: StandIn, tmp_path: Path, what: str) -> None:
    answers = {**MANY, **({"token.how": "new", "token.text": "", "token.name": "shop"} if what == "token" else {})}

    async def run(pilot: Driven) -> None:
        page = {"row": "users", "row-wrong": "users", "leave": "plane", "token": "token"}.get(what, "uid")
        await on_page(pilot, page)
        keys = {
            "why": ["question_mark"],
            "row": ["enter"],
            "row-wrong": ["down", "enter", *"Root", "pagedown"],
            "whole": ["v"],
            "write": ["w"],
            "leave": ["escape"],
            "token": ["tab"],
        }
        await press(pilot, *keys[what])
        await settle(pilot)

    assert snap_compare(wizard_of(stand_in, tmp_path, answers), terminal_size=(80, 24), run_before=run)


@pytest.mark.parametrize("look", ["ascii", "mono", "console", "light", "ansi-dark"])
def test_look(snap_compare: Compare, stand_in: StandIn, tmp_path: Path, look: str) -> None:
    theme = {"ascii": "mono", "console": "ansi-dark"}.get(look, look)
    app = wizard_of(stand_in, tmp_path, {}, theme=theme)
    app.session.terminal.ascii_only = look == "ascii"
    app.session.terminal.console_glyphs = look == "console"

    async def run(pilot: Driven) -> None:
        await on_page(pilot, "network")

    assert snap_compare(app, terminal_size=(80, 24), run_before=run)


def test_no_picture_shows_a_secret() -> None:
    pictures = Path(__file__).parents[3] / "snapshots" / "tui" / "wizards" / Path(__file__).stem
    found = sorted(pictures.glob("*.svg"))
    assert len(found) > 80
    for picture in found:
        text = picture.read_text("utf-8")
        for secret in (TOKEN, "a-registry-secret"):
            assert secret not in text, picture.name
