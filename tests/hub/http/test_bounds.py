"""P45: what a credential can make the hub store is bounded, by one large request as well as by many small ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgewright.hub.db import document_bounds
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import bodies
from edgewright.hub.http.problems import Problem
from edgewright.hub.process.app import Hub
from tests.hub_fixture import RunningHub, running_hub

Inside = tuple[Hub, httpx.AsyncClient]


def memory(hub: RunningHub) -> int:
    """Return the resident bytes of the hub's process."""
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def database(hub: RunningHub) -> int:
    return sum(path.stat().st_size for path in hub.data.glob("hub.db*"))


def facts(uid: str, spec: dict[str, Any], **top: Any) -> dict[str, Any]:
    device = {"archType": "amd64", "cpu": {"cores": 8}}
    return {"metadata": {"uid": uid}, "spec": {"device": device, "host": {"hostUid": uid}, **spec}, **top}


def test_p45_repeated_reports_of_one_credential_grow_neither_memory_nor_database() -> None:
    """The attack of the report, 30 bodies of almost 1 MiB: RSS rose from 65 to 375 MB, the database to 59 MB."""
    with running_hub() as hub:
        host = hub.host("greedy", hub.token()[1])
        path, filler = "/v1/edgehosts/greedy", "x" * 475_000
        assert host.put(path, json=facts("greedy", {"small": "x" * 30_000})).status_code == 204
        for number in range(10):  # what reading such bodies costs once
            host.put(path, json=facts("greedy", {f"a{number}": filler}, **{f"b{number}": filler}))
        before, stored_before = memory(hub), database(hub)
        for number in range(10, 40):
            answer = host.put(path, json=facts("greedy", {f"a{number}": filler}, **{f"b{number}": filler}))
            assert (answer.status_code, answer.json()["code"]) == (413, "DocumentTooLarge")
            assert str(document_bounds.MAX_UNKNOWN) in answer.json()["message"] and "greedy" in answer.json()["message"]
        ratio, grown = memory(hub) / before, database(hub) - stored_before
        document = hub.client().get(path)
        print(f"RSS x {ratio:.2f}, database +{grown} bytes, document {len(document.content)} bytes")
        assert ratio < 1.25
        assert grown < 30 * len(filler) / 20
        assert len(document.content) < document_bounds.MAX_UNKNOWN
        assert document.json()["spec"]["small"] == "x" * 30_000


def test_p45_many_small_reports_stop_at_the_limit_and_what_was_stored_stays(hub: RunningHub, token: str) -> None:
    host, path = hub.host("creeping", token), "/v1/edgehosts/creeping"
    statuses = [
        host.put(path, json=facts("creeping", {f"key{number}": "x" * 4000}, **{f"top{number}": "y" * 4000})).status_code
        for number in range(20)
    ]
    taken = statuses.index(413)
    assert statuses == [204] * taken + [413] * (20 - taken) and 6 <= taken <= 8
    document = hub.client().get(path).json()
    assert [key for key in document["spec"] if key.startswith("key")] == [f"key{number}" for number in range(taken)]
    assert host.put(path, json=facts("creeping", {})).status_code == 204  # an ordinary report is taken still
    device = {"cpu": {"cores": 99}, "disks": [{"vendor": "v" * 4000}] * 200}
    answer = host.put(path, json={"spec": {"device": device}})
    assert (answer.status_code, str(document_bounds.MAX_DOCUMENT) in answer.json()["message"]) == (413, True)
    assert hub.client().get(path).json()["spec"]["device"]["cpu"]["cores"] == 8


def series(count: int, length: int) -> dict[str, str]:
    return {f"a{number}": "x" * length for number in range(count)}


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **more}


def doors(hub: RunningHub, token: str) -> dict[str, Callable[[int], httpx.Response]]:
    """Return each way to add an unknown property to something that is stored, by a name; given a number."""
    admin, filler = hub.client(), "x" * 9000
    host = hub.host("door", token)
    project = admin.post("/v1/projects", json=named("doors")).json()["uid"]
    registration = admin.post("/v1/edgehosts/tokens", json=named("doors")).json()["uid"]
    key = admin.post("/v1/apiKeys", json=named("doors")).json()["uid"]
    own = "/v1/edgehosts/door"
    return {
        "facts": lambda n: host.put(own, json={"spec": {"device": {f"a{n}": filler * 8}}}),
        "host extension": lambda n: host.put(own, json={"spec": {"edgewright": {f"a{n}": filler * 8}}}),
        "host identity": lambda n: host.put(own, json={"spec": {"host": {"hostIdentity": {f"a{n}": filler * 8}}}}),
        "list items": lambda n: host.put(own, json={"spec": {"device": {"nics": [{f"a{n}": filler}] * 8}}}),
        "tunnel settings": lambda n: admin.patch(own + "/tunnelConfig", json={f"a{n}": filler}),
        "tunnel status": lambda n: host.patch(own + "/tunnelStatus", json={"ssh": {f"a{n}": filler * 8}}),
        "labels": lambda n: admin.put(own + "/meta", json={"metadata": {"labels": series(4 * n, 900)}}),
        "annotations": lambda n: admin.put(own, json={"metadata": {"annotations": series(n, 60_000)}}),
        "pre-registration": lambda n: admin.post("/v1/edgehosts", json={"metadata": {"uid": f"p{n}"}, "x": filler * 8}),
        "registration": lambda n: hub.anonymous().post(
            "/v1/edgehosts/register",
            json={"metadata": {"uid": f"r{n}"}, "spec": {"host": {"hostAuthToken": token, "x": filler * 8}}},
        ),
        "project": lambda n: admin.put(f"/v1/projects/{project}", json={f"a{n}": filler}),
        "project meta": lambda n: admin.put(f"/v1/projects/{project}/meta", json={f"b{n}": filler}),
        "token": lambda n: admin.put(f"/v1/edgehosts/tokens/{registration}", json={"spec": {f"a{n}": filler}}),
        "new token": lambda n: admin.post("/v1/edgehosts/tokens", json=named(f"n{n}", x=filler * 8)),
        "API key": lambda n: admin.put(f"/v1/apiKeys/{key}", json={"metadata": {f"a{n}": filler}}),
        "event": lambda n: host.post("/v1/events/components", json={"reason": "R", f"a{n}": filler * 2}),
        "events": lambda n: host.post("/v1/events/components/bulk", json=[{"reason": "R", f"a{n}": filler * 2}]),
        "operation": lambda n: admin.post(
            "/edgewright/v1/hosts/door/operations", json={"kind": "reset", "params": {f"a{n}": filler * 2}}
        ),
        "result": lambda n: host.post(
            "/edgewright/v1/hosts/door/operations/0/result", json={"state": "failed", f"a{n}": filler * 2}
        ),
        "intent": lambda n: host.post(
            "/edgewright/v1/hosts/door/intents",
            json={"id": f"{n:024x}", "field": "f", "base": {"generation": 1, "value": filler}, "value": filler * 8},
        ),
    }  # fmt: skip


def test_p45_every_door_is_bounded(hub: RunningHub) -> None:
    token = hub.token("doors-of-hosts")[1]
    open_doors = []
    for name, knock in doors(hub, token).items():
        answers = [knock(number) for number in range(1, 12)]
        last = answers[-1]
        if (
            last.status_code != 413
            or last.json()["code"] != "DocumentTooLarge"
            or "at most" not in last.json()["message"]
        ):
            open_doors.append((name, last.status_code, last.text[:200]))
    assert open_doors == []
    assert not [line for line in hub.log() if line["level"] == "ERROR"]


async def test_p45_a_document_that_was_too_large_before_may_change_but_not_grow(inside: Inside) -> None:
    hub, admin = inside
    await admin.post("/v1/edgehosts", json={"metadata": {"uid": "old"}})
    record = hub.state.hosts["old"].record
    document = msgspec.json.decode(record.doc)
    document["spec"]["x"] = "x" * 600_000

    def written_by_an_older_release(tx: Tx) -> None:
        from edgewright.hub.db import schema

        text = msgspec.json.encode(document).decode()
        tx.run(schema.hosts.update().where(schema.hosts.c.uid == "old").values(doc=text))

    await hub.write(written_by_an_older_release)
    labelled = await admin.put("/v1/edgehosts/old/meta", json={"metadata": {"labels": {"a": "b"}}})
    assert (labelled.status_code, labelled.json()["code"]) == (413, "DocumentTooLarge")  # larger than before in all
    document["metadata"]["labels"] = {"a": "longer than the other"}
    await hub.write(written_by_an_older_release)
    assert (await admin.put("/v1/edgehosts/old/meta", json={"metadata": {"labels": {"a": "b"}}})).status_code == 204
    assert (await admin.get("/v1/edgehosts/old")).json()["metadata"]["labels"] == {"a": "b"}


def test_limits_are_exact() -> None:
    def host(filler: int) -> str:
        return msgspec.json.encode({"metadata": {}, "spec": {"x": "y" * filler}}).decode()

    spare = document_bounds.unknown(msgspec.json.decode(host(0)))
    document_bounds.check_host("h", host(document_bounds.MAX_UNKNOWN - spare), "")
    with pytest.raises(Problem) as refused:
        document_bounds.check_host("h", host(document_bounds.MAX_UNKNOWN - spare + 1), "")
    assert refused.value.status == 413
    document_bounds.check_host("h", host(document_bounds.MAX_UNKNOWN + 5), host(document_bounds.MAX_UNKNOWN + 5))
    assert document_bounds.limited("é" * 10, 22, "x") == '"' + "é" * 10 + '"'  # bytes, not characters
    with pytest.raises(Problem):
        document_bounds.limited("é" * 10, 21, "x")


@settings(deadline=None, max_examples=100)
@example(extra={"host": ""})
@given(extra=st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=20) | st.integers(), max_size=5))
def test_what_is_unknown_is_counted_wherever_it_is(extra: dict[str, Any]) -> None:
    shapes = (bodies.HOST, bodies.META, bodies.HOST.fields["spec"], bodies.DEVICE)
    names = {name.lower() for shape in shapes for name in shape.fields}
    extra = {key: value for key, value in extra.items() if key.lower() not in names}
    expected = sum(document_bounds.size(key) + document_bounds.size(value) for key, value in extra.items())
    known: Any = {"metadata": {"uid": "h"}, "spec": {"device": {"archType": "amd64", "nics": [{"nicName": "eno1"}]}}}
    assert document_bounds.unknown(known) == 0
    for place in (known, known["metadata"], known["spec"], known["spec"]["device"]):
        place.update(extra)
    assert document_bounds.unknown(known) == 4 * expected
