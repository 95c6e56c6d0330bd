"""Alerts of several real hubs: the same everywhere, sent once, also when the hub that sends them dies (P81)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from edgewright.wire import protocol
from tests.dist.hubs import several_hubs
from tests.dist.test_several_hubs import database_of, eventually
from tests.hub.alert_servers import Webhooks, webhooks
from tests.hub_fixture import RunningHub
from tests.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
OPTIONS = ("--heartbeat", "1", "--silence-limit", "3", "--sweep", "0.3")


def alerts(hub: RunningHub) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = hub.client().get(protocol.ALERTS).json()["items"]
    return items


def handled_by(hub: RunningHub) -> list[str]:
    return [item["acknowledgedBy"] for item in hub.client().get(protocol.HANDLING).json()["items"]]


def sent(receiver: Webhooks, key: str) -> list[str]:
    return [doc["event"] for doc in receiver.documents() if doc["problem"]["key"] == key]


def holder(postgres: Cluster, hubs: list[RunningHub], task: str) -> tuple[RunningHub, RunningHub]:
    """Return the hub that has a task, and another one."""
    sql = f"SELECT p.address FROM leases l JOIN hub_processes p ON p.id = l.holder WHERE l.name = '{task}'"
    eventually(lambda: postgres.psql(database_of(hubs[0]), sql), 5)
    address = postgres.psql(database_of(hubs[0]), sql)
    mine = next(hub for hub in hubs if hub.url == address)
    return mine, next(hub for hub in hubs if hub is not mine)


def test_p81_alerts_are_those_of_all_hubs_and_are_sent_once(postgres: Cluster) -> None:
    with several_hubs(postgres, 2, *OPTIONS) as hubs, webhooks() as receiver:
        sender, other = holder(postgres, hubs, "alerts")
        webhook = {"url": receiver.url}
        made = {"name": "ops", "kind": "webhook", "repeat": 0, "webhook": webhook}
        assert other.client().post(protocol.RECEIVERS, json=made).status_code == 201

        # The box tries both hubs; the one without the task sees it first.
        for hub in (other, sender, other):
            assert hub.register("box", "ewt_" + "x" * 43).status_code == 401
        for hub in hubs:
            eventually(lambda hub=hub: [alert["count"] for alert in alerts(hub)] == [3], 25)  # type: ignore[misc]
            assert [(alert["uid"], alert["code"]) for alert in alerts(hub)] == [("rejected/box", "InvalidEdgeToken")]
        eventually(lambda: len(receiver.got) == 1, 20)
        (opened,) = receiver.documents()
        assert (opened["event"], opened["problem"]["key"]) == ("opened", "alert/rejected/box/InvalidEdgeToken")

        # An acknowledgement at one hub is at the other.
        path = f"{protocol.HANDLING}/{opened['problem']['key'].replace('/', '%2F')}"
        answer = other.client().patch(path, json={"acknowledged": True})
        assert answer.status_code == 200, answer.text
        name = answer.json()["acknowledgedBy"]
        eventually(lambda: handled_by(sender) == [name])

        # Let in at one hub, the alert ends at both; the receiver is down, and the hub that would send dies.
        receiver.stop()
        _, token = other.token("good")
        assert other.register("box", token).status_code == 200
        for hub in hubs:
            eventually(lambda hub=hub: alerts(hub) == [])  # type: ignore[misc]
        waiting = "SELECT event FROM alert_outbox WHERE key LIKE 'alert/%' OR key LIKE '%rejected%'"
        eventually(lambda: postgres.psql(database_of(other), waiting) == "resolved", 20)
        sender.kill()
        receiver.start()
        key = opened["problem"]["key"]  # the host itself falls silent, which is another problem
        eventually(lambda: len(sent(receiver, key)) == 2, 40)
        time.sleep(2.5)
        assert sent(receiver, key) == ["opened", "resolved"]
        assert len(set(receiver.ids())) == len(receiver.got)


def test_p81_alerts_survive_their_hub(postgres: Cluster) -> None:
    """A hub that starts, or that was never asked by the box, shows what another one saw before it ended."""
    with several_hubs(postgres, 2, *OPTIONS) as hubs:
        assert hubs[0].register("box", "ewt_" + "x" * 43).status_code == 401
        eventually(lambda: len(alerts(hubs[1])) == 1)
        for hub in hubs:
            hub.kill()
        hubs[1].start_again()
        assert [alert["uid"] for alert in alerts(hubs[1])] == ["rejected/box"]
