"""Rule P39: what needs an operator and is not the state of a host: rejected boxes while they go on."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.hub.process.app import Hub
from edgewright.hub.readmodel import alert_board
from edgewright.hub.resources.hosts import rejections
from edgewright.hub.resources.hosts.rejections import Rejections
from edgewright.wire import protocol
from tests.hub.http.test_hardening import bare, new_host
from tests.hub.stream import Stream
from tests.hub_fixture import RunningHub


async def knock(hub: Hub, uid: str, token: str = "ewt_" + "x" * 43, **host: Any) -> int:
    body = {"metadata": {"uid": uid}, "spec": {"host": {"hostAuthToken": token, **host}}}
    async with bare(hub) as client:
        return (await client.post(protocol.HOST_REGISTER, json=body)).status_code


async def listed(admin: httpx.AsyncClient, **headers: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await admin.get(protocol.ALERTS, headers=headers)).json()["items"]
    return items


async def test_p39_a_box_that_keeps_being_rejected_is_one_alert(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    assert await listed(admin) == []
    for _ in range(3):
        assert await knock(hub, "box-1") == 401
    (alert,) = await listed(admin)
    assert (alert["kind"], alert["subject"], alert["code"]) == ("rejected", "box-1", "InvalidEdgeToken")
    assert alert["text"] == "rejected: unknown registration token" and alert["count"] == 3
    assert alert["addresses"] == ["127.0.0.1"] and alert["owner"] == "operator" and alert["hostUids"] == []
    assert "token" in alert["hint"]


async def test_p39_it_ends_when_the_box_stops_or_is_let_in(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    await knock(hub, "stops")
    await knock(hub, "let-in")
    await new_host(hub, admin, "let-in")
    assert [alert["subject"] for alert in await listed(admin)] == ["stops"]
    hub.alerts.expire(times.now() + rejections.QUIET - 2)
    assert len(await listed(admin)) == 1
    hub.alerts.expire(times.now() + rejections.QUIET + 1)
    assert await listed(admin) == []
    await knock(hub, "stops")
    hub.alerts.expire(times.now() - 2 * rejections.QUIET)
    assert await listed(admin) == [], "also after the clock was set back"


@pytest.mark.parametrize(
    ("case", "code", "text"),
    [
        ("duplicate", protocol.E_DUPLICATE_HOST, "another machine is registered with this UID"),
        ("approval", protocol.E_HOST_NOT_PREREGISTERED, "waits for approval"),
        ("pairing", protocol.E_INVALID_PAIRING_KEY, "wrong pairing key"),
    ],
)
async def test_p39_each_reason_has_its_words(
    inside: tuple[Hub, httpx.AsyncClient], case: str, code: str, text: str
) -> None:
    hub, admin = inside
    if case == "duplicate":
        await new_host(hub, admin, "box")
        await knock(hub, "box")
    elif case == "approval":
        await knock(hub, "box", token="", disableAutoRegister=True)
    else:
        made = await admin.post("/v1/edgehosts", json={"metadata": {"uid": "box"}, "spec": {"hostPairingKey": "right"}})
        assert made.status_code == 201, made.text
        await knock(hub, "box", hostPairingKey="wrong")
    (alert,) = await listed(admin)
    assert (alert["subject"], alert["code"]) == ("box", code) and text in alert["text"]
    assert "{uid}" not in alert["hint"]


async def test_p39_the_brake_does_not_hide_the_reason(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    made = await admin.post("/v1/edgehosts", json={"metadata": {"uid": "box"}, "spec": {"hostPairingKey": "right"}})
    assert made.status_code == 201
    statuses = [await knock(hub, "box", hostPairingKey="wrong") for _ in range(12)]
    assert 429 in statuses
    (alert,) = await listed(admin)
    assert alert["code"] == protocol.E_INVALID_PAIRING_KEY and alert["count"] == 12


async def test_p39_made_up_names_are_bounded(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    for number in range(60):
        await knock(hub, f"made-up-{number}")
    assert len(await listed(admin)) == rejections.PER_ADDRESS, "from one address"
    for number in range(2 * alert_board.MOST):
        uid = f"other-{number}"
        hub.alerts.report(
            alert_board.Alert(uid, "rejected", uid, "t", "m", "h", "c", "", (), float(number), float(number), None),
            f"10.0.{number // 250}.{number % 250}",
        )
    assert len(await listed(admin)) == alert_board.MOST, "from all"


async def test_p39_a_site_with_many_ipv6_addresses_counts_once(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    error = ssl.SSLError(1, "alert")
    error.reason = "TLSV1_ALERT_UNKNOWN_CA"
    for number in range(2 * rejections.PER_ADDRESS):
        for _ in range(rejections.HANDSHAKES):
            hub.part(Rejections).handshake(f"2001:db8::{number:x}", error)
    assert len(await listed(admin)) == rejections.PER_ADDRESS
    await hub.write(lambda tx: None)
    events = (await admin.get("/v1/events/components", params={"limit": 50})).json()["items"]
    assert len([event for event in events if event["reason"] == "PlaneNotTrusted"]) == rejections.PER_ADDRESS


async def test_p35_p39_alerts_have_a_project(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    default = next(iter(hub.state.projects))
    other = (await admin.post("/v1/projects", json={"metadata": {"name": "other"}, "spec": {}})).json()["uid"]
    await knock(hub, "box")
    assert len(await listed(admin, ProjectUid=default)) == 1
    assert await listed(admin, ProjectUid=other) == []
    async with bare(hub) as client:
        assert (await client.get(protocol.ALERTS)).status_code == 401


async def test_p39_an_agent_that_does_not_trust_the_hub_is_an_alert_once_it_comes_back(
    inside: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = inside
    error = ssl.SSLError()
    error.reason = "TLSV1_ALERT_UNKNOWN_CA"
    for _ in range(rejections.HANDSHAKES - 1):
        hub.part(Rejections).handshake("10.0.0.9", error)
    assert await listed(admin) == [], "a browser asks once or twice"
    hub.part(Rejections).handshake("10.0.0.9", error)
    (alert,) = await listed(admin)
    assert (alert["subject"], alert["code"]) == ("10.0.0.9", "PlaneNotTrusted")


def test_p33_p39_alerts_are_in_the_stream(hub: RunningHub, token: str) -> None:
    stream = Stream(hub.client(), protocol.CHANGES)
    assert hub.register("streamed", "ewt_" + "x" * 43).status_code == 401
    put = stream.wait("alert", "rejected/streamed")
    assert (put["op"], put["doc"]["subject"]) == ("put", "streamed")
    hub.host("streamed", token)
    gone = stream.wait_for(lambda change: change["event"] == "alert" and change["op"] == "delete")
    assert gone["uid"] == put["uid"]
