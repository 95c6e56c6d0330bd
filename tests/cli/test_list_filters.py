"""Filters of `token list`, `event list` and `audit list`, with the fields that the console's lists have."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from edgewright.commands.event.actions import _newest
from edgewright.core import times
from tests.cli_support import Cli
from tests.hub_fixture import RunningHub


@pytest.fixture(scope="module")
def filled(hub: RunningHub) -> RunningHub:
    admin = hub.client()
    soon = times.rfc3339(time.time() + 3 * 86_400)
    for name, spec in (("shop-a", {}), ("shop-b", {"expiry": soon})):
        admin.post("/v1/edgehosts/tokens", json={"metadata": {"name": name}, "spec": spec}).raise_for_status()
    old, text = hub.token("old")
    hub.host("f-1", text)
    admin.put(f"/v1/edgehosts/tokens/{old}/state", json={"isActive": False}).raise_for_status()
    about = {"kind": "edgehost", "uid": "f-1"}
    for severity, reason in (("Error", "DiskFull"), ("Info", "Started")):
        event = {"message": "m", "severity": severity, "reason": reason, "relatedObject": about}
        admin.post("/v1/events/components", json=event).raise_for_status()
    return hub


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("state:active",), {"shop-a"}),
        (("state:ends-soon",), {"shop-b"}),
        (("ends<7d",), {"shop-b"}),
        (("state:revoked", "hosts>0"), {"old"}),
        (("shop", "-name:shop-a"), {"shop-b"}),
    ],
)
def test_tokens(plane: Cli, filled: RunningHub, words: tuple[str, ...], expected: set[str]) -> None:
    listed = plane("token", "list", *words, "-o", "json")
    assert listed.code == 0, listed.err
    assert {item["metadata"]["name"] for item in listed.json()} == expected


def test_events(plane: Cli, filled: RunningHub) -> None:
    found = plane("event", "list", "severity:error", "-o", "json").json()
    assert [item["reason"] for item in found] == ["DiskFull"]
    assert {item["reason"] for item in plane("event", "list", "reason:/^St/", "age<1h", "-o", "json").json()} == {
        "Started"
    }
    wrong = plane("event", "list", "site:berlin")
    assert wrong.code == 2 and "site" in wrong.err, "the command line knows no site of an event"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("host", "list", "--selector", "a in (b"), "The selector 'a in (b' is wrong at character 6:"),
        (("host", "list", "--selector", "a=b c"), "The selector 'a=b c' is wrong at character 4:"),
        (("host", "list", "--selector", "a in ()"), "The selector 'a in ()' is wrong at character 7:"),
        (("host", "list", "name:x", "state:"), "The filter 'name:x state:' is wrong at character 14:"),
        (("host", "list", "x -l a in (b"), "The filter 'x -l a in (b' is wrong at character 11:"),
        (("event", "list", "site:berlin"), "The filter 'site:berlin' is wrong at character 1:"),
        (("audit", "list", '"open'), "The filter '\"open' is wrong at character 1:"),
        (("token", "list", "ends:7d"), "The filter 'ends:7d' is wrong at character 1:"),
        (("user", "list", "keys>many"), "The filter 'keys>many' is wrong at character 1:"),
        (("key", "list", "/("), "The filter '/(' is wrong at character 1:"),
        (("role", "list", "nme:x"), "The filter 'nme:x' is wrong at character 1:"),
        (("filter", "list", "nme:x"), "The filter 'nme:x' is wrong at character 1:"),
    ],
)
def test_what_is_wrong_with_a_filter_is_a_usage_error_that_names_the_place(
    plane: Cli, arguments: tuple[str, ...], place: str
) -> None:
    wrong = plane(*arguments)
    assert wrong.code == 2 and wrong.err.startswith(place), wrong.err


def test_audit_entries(plane: Cli, filled: RunningHub) -> None:
    found = plane("audit", "list", "kind:edgetoken", "action:update", "-o", "json").json()
    assert [item["spec"]["resource"]["name"] for item in found] == ["old"]
    none = plane("audit", "list", "actor:nobody@example.com")
    assert none.code == 0 and "No entry matches." in none.out + none.err
    assert plane("audit", "list", "kid:edgetoken").code == 2


class _Page:
    def __init__(self, items: list[dict[str, Any]], continue_: str) -> None:
        self.items, self.continue_ = items, continue_


def test_how_many_are_looked_at_is_bounded() -> None:
    """A plane has millions of entries: a filter that matches none must not read them all."""
    asked: list[int] = []

    async def page(limit: int, continue_: str) -> _Page:
        asked.append(limit)
        return _Page([{"n": len(asked)}] * limit, str(len(asked)))

    found, note = asyncio.run(_newest(page, 100, lambda document: False))
    assert (found, len(asked)) == ([], 20) and "newest 1000" in note and "--limit 2000" in note
    asked.clear()
    found, note = asyncio.run(_newest(page, 70, None))
    assert (len(found), asked, note) == (70, [50, 20], "")
    asked.clear()
    found, note = asyncio.run(_newest(page, 3, lambda document: document["n"] == 2))
    assert (len(found), asked, note) == (3, [50, 50], "")
