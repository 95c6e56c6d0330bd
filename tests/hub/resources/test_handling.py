"""Rule P57: who handles a problem is stored on the plane, bounded, audited and seen by every reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.hub.process.app import Hub
from edgewright.hub.resources.alerts import handling
from edgewright.hub.resources.alerts.handling import Handling, HandlingRecord, aged
from edgewright.wire import protocol
from tests.hub.http.test_hardening import bare, new_host
from tests.hub_fleet import open_hub

KEY = "host/edge-1"
NOW = 1_700_000_000.0


async def patch(admin: httpx.AsyncClient, key: str = KEY, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await admin.patch(protocol.path(protocol.HANDLING_ITEM, key=key), json=body)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def listed(admin: httpx.AsyncClient, **headers: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await admin.get(protocol.HANDLING, headers=headers)).json()["items"]
    return items


async def test_p57_what_is_sent_changes_and_the_rest_stays(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    who = next(iter(hub.state.users.values())).email
    first = await patch(admin, acknowledged=True)
    assert first["acknowledgedBy"] == first["updatedBy"] == who and first["acknowledgedAt"]
    until = times.rfc3339(times.now() + 3600)
    second = await patch(admin, assignee="ana", note="fan replaced on Friday", silencedUntil=until)
    assert (second["assignee"], second["note"], second["silencedUntil"]) == ("ana", "fan replaced on Friday", until)
    assert second["acknowledgedAt"] == first["acknowledgedAt"]
    assert await listed(admin) == [second]
    third = await patch(admin, silencedUntil=None)
    assert third["silencedUntil"] is None and third["assignee"] == "ana"
    await patch(admin, acknowledged=False, assignee="", note="")
    assert await listed(admin) == [], "a record without content is deleted"


async def test_p57_each_change_is_one_readable_audit_entry(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    _hub, admin = inside
    await patch(admin, acknowledged=True, assignee="ana")
    await patch(admin, acknowledged=True, assignee="ana")
    audits = (await admin.get(protocol.AUDITS, params={"resourceKind": "problem"})).json()["items"]
    assert [item["spec"]["actionMsg"] for item in audits] == [f"Problem '{KEY}' is acknowledged, assigned to ana"]


async def test_p57_readers_get_each_change_in_the_stream(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    position = hub.changes.seq
    document = await patch(admin, note="on it")
    await patch(admin, note="")
    new = [change for change in hub.changes.ring if change.seq > position and change.kind == "handling"]
    assert [(change.op, change.uid) for change in new] == [("put", KEY), ("delete", KEY)]
    assert b'"on it"' in bytes(new[0].doc or b"") and document["note"] == "on it"


ODD: list[Any] = [
    {"note": "x" * (protocol.MAX_NOTE + 1)},
    {"assignee": "x" * (protocol.MAX_ASSIGNEE + 1)},
    {"assignee": "ana\x1b[31m"},
    {"silencedUntil": times.rfc3339(NOW)},
    {"silencedUntil": "2999-01-01T00:00:00Z"},
    {"silencedUntil": "tomorrow"},
    {"acknowledged": "yes"},
    [],
]


async def test_p57_odd_values_and_odd_keys_change_nothing(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    _hub, admin = inside
    for body in ODD:
        answer = await admin.patch(protocol.path(protocol.HANDLING_ITEM, key=KEY), json=body)
        assert answer.status_code == 422, (body, answer.text)
    answer = await admin.patch(protocol.path(protocol.HANDLING_ITEM, key=KEY), content=b"null")
    assert answer.status_code == 200, answer.text
    for key in ("x" * (protocol.MAX_PROBLEM_KEY + 1), "a\x1b[31mb", " "):
        await patch(admin, key, 422, acknowledged=True)
    assert await listed(admin) == []


async def test_p57_a_project_has_a_bounded_number_of_records(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub, admin = inside
    monkeypatch.setattr("edgewright.hub.resources.alerts.handling_routes.MOST", 2)
    await patch(admin, "a", note="1")
    await patch(admin, "b", note="1")
    refusal = await patch(admin, "c", 409, note="1")
    assert refusal["code"] == protocol.E_TOO_MANY_HANDLED
    await patch(admin, "a", note="2")


async def test_p57_a_reader_of_one_project_sees_its_own_and_what_belongs_to_everyone(
    inside: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = inside
    project = next(iter(hub.state.projects))
    hub.part(Handling).records["other"] = HandlingRecord("other", "another-project", note="x")
    hub.part(Handling).records["all"] = HandlingRecord("all", "", note="x")
    hub.part(Handling).records["own"] = HandlingRecord("own", project, note="x")
    assert [item["key"] for item in await listed(admin, ProjectUid=project)] == ["all", "own"]
    assert [item["key"] for item in await listed(admin)] == ["all", "other", "own"]


async def test_p57_records_are_there_after_a_restart(tmp_path: Path) -> None:
    from edgewright.hub.process.app import make_app

    for round_ in range(2):
        hub = open_hub(tmp_path / "d", sweep=1e9)
        await hub.start()
        key = (hub.data / "admin-api-key").read_text().strip()
        transport = httpx.ASGITransport(app=make_app(hub))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key}) as admin:
            if round_ == 0:
                await patch(admin, "site/nord/1", note="link is being repaired")
            else:
                assert [item["note"] for item in await listed(admin)] == ["link is being repaired"]
        await hub.stop()


async def test_p57_viewers_read_and_hosts_do_neither(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    path = protocol.path(protocol.HANDLING_ITEM, key=KEY)
    viewer = {"metadata": {"name": "v"}, "spec": {"edgewright": {"role": "viewer"}}}
    key = {"ApiKey": (await admin.post(protocol.API_KEYS, json=viewer)).json()["apiKey"]}
    async with bare(hub) as client:
        assert (await client.get(protocol.HANDLING, headers=key)).status_code == 200
        assert (await client.patch(path, json={"acknowledged": True}, headers=key)).status_code == 403
        assert (await client.get(protocol.HANDLING)).status_code == 401
    assert (await patch(admin, acknowledged=True))["key"] == KEY, "a key may have slashes"


def record(**fields: Any) -> HandlingRecord:
    return HandlingRecord(KEY, "", **fields)


def test_p57_an_acknowledgement_ends_with_its_problem_and_not_by_one_heartbeat() -> None:
    seen = record(acknowledged_by="ana", acknowledged_at=NOW)
    assert aged(seen, True, NOW + 1e6) == seen
    missing = aged(seen, False, NOW)
    assert missing.acknowledged_by == "ana" and missing.gone_at == NOW
    assert aged(missing, True, NOW + 5) == seen
    assert aged(missing, False, NOW + handling.ENDED_AFTER - 1).acknowledged_by == "ana"
    assert aged(missing, False, NOW + handling.ENDED_AFTER).empty


def test_p57_assignee_and_note_outlive_the_problem_for_a_week() -> None:
    gone = record(assignee="ana", note="fan", gone_at=NOW)
    assert aged(gone, False, NOW + handling.RETAIN - 1) == gone
    assert aged(gone, False, NOW + handling.RETAIN).empty


def test_p57_a_silence_ends_by_its_time_alone() -> None:
    quiet = record(silenced_until=NOW + 3600, gone_at=NOW)
    assert aged(quiet, False, NOW + 3599).silenced(NOW + 3599)
    assert aged(quiet, False, NOW + 3600).empty
    assert aged(record(gone_at=NOW + 9e9, note="x"), False, NOW).gone_at == NOW, "the clock was set back"


async def test_p57_a_record_belongs_to_the_project_of_its_host(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    await new_host(hub, admin, "box-1")
    project = hub.state.hosts["box-1"].record.project_uid
    await patch(admin, "host/box-1/disk:/var/lib", note="x")
    await patch(admin, "site/nord/link", note="x")
    assert {key: record.project_uid for key, record in hub.part(Handling).records.items()} == {
        "host/box-1/disk:/var/lib": project,
        "site/nord/link": "",
    }
