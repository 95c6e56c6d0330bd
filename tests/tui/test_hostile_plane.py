"""A plane that filters nothing: whatever a host, a person or a tool wrote, no screen obeys it or loses its columns."""

from __future__ import annotations

import unicodedata
from copy import deepcopy
from itertools import cycle
from typing import Any

import pytest
from rich.cells import cell_len

from edgewright.core import text
from edgewright.store.collections.audits import AUDITS
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.collections.projects import PROJECTS
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import events as kinds
from tests.tui.driving import Driven, console, press, settle, until, view
from tests.tui.plane import FakePlane
from tests.tui.samples import NOW, audits, event, fleet, operation, tokens
from tui.session import Session

NASTY = {
    "escape": "\x1b[2J\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x1b\\",
    "c1": "\x9b2J\x9d0;x\x9c",
    "bidi": "abc\u202egnp.exe\u2066\u200f",
    "zero": "a\u200bb\u200dc\ufeffd\u00ade",
    "lines": "one\r\ntwo\u2028three\x0bfour\x0cfive\x85six",
    "long": "x" * 5000,
    "cjk": "東京都千代田区の店舗サーバー第一号機",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈☁️❤️🇩🇪1️⃣",
    "marks": "Z̸̢̛a̵̡l̶̢g̷o",
    "markup": "[bold red]no[/] [@click=app.quit]x[/]",
    "bell": "\a\b\x7f\x00",
    "surrogate": "\ud800 and \udfff",
}
SCREENS = ("pulse", "hosts", "tokens", "events", "audit", "messages")


def plane() -> FakePlane:
    """Return a plane whose every text is nasty."""
    made = FakePlane()
    made.hosts = {doc["metadata"]["uid"]: doc for doc in hosts()}
    made.keys = {doc["metadata"]["uid"]: doc for doc in named(tokens())}
    return made


def hosts() -> list[dict[str, Any]]:
    """Return the small fleet; each host has another kind of nasty text, everywhere."""
    docs = fleet()
    assert len(docs) >= len(NASTY)
    for doc, nasty in zip(docs, cycle(NASTY.values()), strict=False):
        doc["metadata"]["name"] = nasty + doc["metadata"]["name"]
        doc["metadata"]["labels"] = {"site": nasty, nasty: nasty, "line": nasty}
        doc["status"]["health"]["message"] = nasty
        doc["status"]["edgewright"] |= {"reason": nasty, "tokenName": nasty, "address": nasty}
        doc["status"]["inUseClusters"] = [{"uid": nasty, "name": nasty}]
        doc["spec"]["device"]["os"] = {"family": nasty, "version": nasty, "kernelVersion": nasty}
        doc["spec"]["device"]["nics"][0] |= {"nicName": nasty, "ip": nasty, "gateway": nasty, "dns": [nasty]}
        doc["spec"]["device"]["gpus"] = [{"model": nasty, "vendor": nasty, "gpuCount": 2}]
        doc["spec"]["device"]["disks"][0]["partitions"][0]["mountPoint"] = nasty
        doc["spec"]["edgewright"] |= {"bootSlot": nasty, "sshHostKeys": [nasty], "uidFrom": nasty}
    return docs


def named(docs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a token for each kind of nasty text."""
    made = []
    for number, nasty in enumerate(NASTY.values()):
        doc = deepcopy(docs[number % len(docs)])
        doc["metadata"] |= {"uid": f"tok-{number}", "name": nasty, "annotations": {"description": nasty}}
        doc["spec"]["defaultProject"] = {"uid": "p-shops", "name": nasty}
        made.append(doc)
    return made


def entries() -> list[dict[str, Any]]:
    """Return an audit entry for each kind of nasty text."""
    made = []
    for number, nasty in enumerate(NASTY.values()):
        doc = deepcopy(audits()[0])
        doc["metadata"]["uid"] = f"audit-{number}"
        doc["spec"] |= {"actionMsg": nasty, "actionType": nasty, "userMsg": nasty}
        doc["spec"]["actor"]["user"] = {"emailId": nasty}
        doc["spec"]["resource"] = {"kind": nasty, "uid": nasty, "name": nasty}
        made.append(doc)
    return made


def tell(made: Session) -> None:
    """Let the store see all that a plane can send."""
    store = made.store
    events = [event(f"n{i}", i, "Error", nasty, nasty, nasty) for i, nasty in enumerate(NASTY.values(), 1)]
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": hosts()}, NOW - 3)
    store.emit("plane", TOKENS.seen, {"docs": named(tokens()), "complete": True}, NOW - 3)
    projects = [{"metadata": {"uid": "p-shops", "name": NASTY["cjk"] + NASTY["escape"]}}]
    store.emit("plane", PROJECTS.seen, {"docs": projects, "complete": True}, NOW - 3)
    store.emit("plane", FEED.seen, {"docs": events}, NOW - 3)
    store.emit("plane", AUDITS.seen, {"docs": entries()}, NOW - 3)
    work = [
        operation(f"op-{i}", f"kiel-{i:02}") | {"kind": nasty, "actor": nasty}
        for i, nasty in enumerate(NASTY.values())
        if i < 12
    ]
    store.emit("plane", OPERATIONS.seen, {"docs": work, "complete": True}, NOW - 3)
    for nasty in NASTY.values():
        store.message(f"The plane says: {nasty}", "bad")


def frame(pilot: Driven) -> list[str]:
    """Return the lines of the terminal as they are painted."""
    strips = pilot.app.screen._compositor.render_strips()
    return [strip.text for strip in strips]


def check(pilot: Driven, where: str) -> list[str]:
    """Fail when a painted line could steer a terminal, or is not exactly as wide as the terminal; return the lines."""
    lines = frame(pilot)
    width, height = pilot.app.size
    assert len(lines) == height, where
    for number, shown in enumerate(lines):
        bad = sorted({f"U+{ord(one):04X}" for one in shown if not text.is_harmless(one) and one != text.REPLACEMENT})
        assert not bad, f"{where}, line {number}: {bad} in {shown!r}"
        assert cell_len(shown) == width, f"{where}, line {number} is {cell_len(shown)} cells: {shown!r}"
        assert text.cells(shown) == width, f"{where}, line {number} is {text.cells(shown)} cells: {shown!r}"
    return lines


def cell_at(shown: str, column: int) -> str:
    """Return what stands from one cell on."""
    used = 0
    for place, one in enumerate(shown):
        if used >= column:
            return shown[place:]
        used += 0 if unicodedata.combining(one) else text.cells(one)
    return ""


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
async def test_no_screen_obeys_or_loses_its_columns(size: tuple[int, int]) -> None:
    async with console(plane=plane(), size=size) as (pilot, _, made):
        tell(made)
        await settle(pilot)
        for name in SCREENS:
            await press(pilot, "colon", *name, "enter")
            await until(pilot, lambda name=name: view(pilot) == name)  # type: ignore[misc]
            lines = check(pilot, name)
            if name == "hosts":
                at = text.cells(next(one for one in lines if " STATE " in one).partition("STATE")[0])
                rows = [one for one in lines if cell_at(one, at).startswith(("ready", "in-use", "in use", "unpaired"))]
                assert len(rows) >= 15, "\n".join(lines)
            if name == "tokens":
                await press(pilot, "enter")
                check(pilot, "token, opened")
                await press(pilot, "escape")


@pytest.mark.parametrize("kind", sorted(NASTY))
async def test_a_host_opened_is_as_harmless(kind: str) -> None:
    made = plane()
    uid = next(uid for uid, doc in made.hosts.items() if doc["metadata"]["name"].startswith(NASTY[kind]))
    async with console("host", uid, plane=made) as (pilot, _, session):
        tell(session)
        await settle(pilot)
        check(pilot, "host")
        await press(pilot, "end")
        check(pilot, "host, its end")
        await press(pilot, "y")
        check(pilot, "raw")
        await press(pilot, "end")
        check(pilot, "raw, its end")
