"""`context add` with several addresses: each is asked, so that a wrong one is not found when the first one fails."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx
import pytest

from edgewright.clients.palette.client import PlaneClient
from edgewright.commands.kernel import greet
from edgewright.config.contexts import Context
from edgewright.core.errors import Conflict, Refused, Unreachable
from edgewright.wire import protocol

Answer = Callable[[httpx.Request], httpx.Response]
CONTEXT = Context("two", "https://a.test", also="https://b.test")


def hub(user: str = "u-1") -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == protocol.FEATURES:
            return httpx.Response(200, json={"edgewright": {"version": "0.2.0"}})
        return httpx.Response(200, json={"userUid": user, "orgName": "Shops"})

    return answer


def stranger(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(401, json={"code": "UnAuthorizedAccess", "message": ""})


def off(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


async def asked(monkeypatch: pytest.MonkeyPatch, a: Answer, b: Answer) -> str:
    hubs = {"a.test": a, "b.test": b}
    transport = httpx.MockTransport(lambda request: hubs[request.url.host](request))
    monkeypatch.setattr(greet, "PlaneClient", partial(PlaneClient, http=transport))
    return await greet.greet(CONTEXT, "key", 5.0)


async def test_every_address_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await asked(monkeypatch, hub(), hub())).endswith(", Shops)")
    assert (await asked(monkeypatch, hub(), off)).endswith("; no answer now from https://b.test")
    assert (await asked(monkeypatch, off, hub())).endswith("; no answer now from https://a.test")
    with pytest.raises(Unreachable, match=r"a\.test"):
        await asked(monkeypatch, off, off)
    with pytest.raises(Refused):
        await asked(monkeypatch, hub(), stranger)
    with pytest.raises(Conflict, match=r"https://a\.test and https://b\.test are two planes"):
        await asked(monkeypatch, hub(), hub("u-2"))
