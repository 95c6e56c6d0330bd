"""A change of network settings that was begun: what becomes of it when an answer is lost, or another confirms it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.commands.site.network import change as module
from edgewright.commands.site.network.change import Attempt, Work
from edgewright.core.errors import TimedOut
from edgewright.core.network.change import Change
from edgewright.core.network.settings import HostNetwork

RUN = "0123456789abcdef"
APPLIED = f"change armed 80 {RUN}\nwho kim\napplied 1\n"
CONFIRMED = f"last {RUN} confirmed \n"


class Host:
    """A host whose state is `states`, one after the other; its confirmation is done, and its answer lost."""

    facts = SimpleNamespace(address="10.0.0.6")

    def __init__(self, *states: str) -> None:
        self.states, self.confirmed = list(states), 0

    async def run_script(self, script: bytes, *, timeout: float, limit: int, sudo: bool = False) -> ScriptResult:
        if b'"$C/program" confirm' in script:
            self.confirmed += 1
            raise TimedOut("A script on edge7 took longer than 60 s and was ended.")
        text = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return ScriptResult(0, text.encode(), b"", False, 0.1)

    async def aclose(self) -> None:
        """Nothing is open."""


def attempt(host: Host, monkeypatch: pytest.MonkeyPatch) -> tuple[Attempt, list[str]]:
    async def connect(*args: Any) -> Host:
        return host

    monkeypatch.setattr(module, "connect", connect)
    monkeypatch.setattr(module, "EVERY", 0)
    said: list[str] = []
    work = Work(Change((), ()), HostNetwork(), host, 90)
    return Attempt(SimpleNamespace(timeout=10.0), "edge7", work, RUN, said.append), said  # type: ignore[arg-type]


async def test_a_confirmation_whose_answer_was_lost_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(APPLIED, CONFIRMED)
    begun, said = attempt(host, monkeypatch)
    outcome = await begun.follow(True)
    assert "The new settings stay: 10.0.0.6 answers." in str(outcome) and host.confirmed == 1
    assert "whether the host has confirmed it is looked up" in said[-1]


async def test_a_confirmation_that_did_not_arrive_is_sent_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(APPLIED)
    begun, _ = attempt(host, monkeypatch)
    with pytest.raises(TimedOut):
        await begun.follow(True)
    assert host.confirmed == 2


async def test_a_change_that_another_console_has_confirmed_is_not_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host("state\n", CONFIRMED)
    begun, _ = attempt(host, monkeypatch)
    assert "The new settings stay" in str(await begun.follow(False)) and host.confirmed == 0


async def test_a_connection_that_the_change_has_cut_is_given_up_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(APPLIED, CONFIRMED)
    begun, said = attempt(host, monkeypatch)
    seconds: list[float] = []

    async def connect(target: str, ctx: Any, address: str, most: float) -> Host:
        seconds.append(most)
        if len(seconds) == 1:
            raise TimedOut("edge7 did not answer within 10 s: no SSH key exchange.")
        return host

    monkeypatch.setattr(module, "connect", connect)
    begun._end = time.monotonic() + 60
    assert "The new settings stay" in str(await begun.follow(True))
    assert all(12 < each <= 15 for each in seconds), "a part of the time that is left, without that of the operator"
    assert "did not answer within 10 s" in said[0]
