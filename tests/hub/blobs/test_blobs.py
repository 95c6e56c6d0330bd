"""Blobs: content by its digest, sent in pieces, read with ranges, deleted when nothing names it (rule P80)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.hub.db.transaction import Tx
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.readmodel.blob_names import BlobNames
from edgewright.hub.resources.blobs import retention, store, tables
from edgewright.hub.resources.blobs.ranges import Unsatisfiable, read_range
from edgewright.hub.resources.operations import trials
from edgewright.hub.resources.tokens.routes import KIND as TOKEN
from edgewright.wire import protocol
from tests.hub_fleet import open_hub
from tests.postgres import Cluster

Inside = tuple[Hub, httpx.AsyncClient]
PIECE = protocol.BLOB_PIECE
CONTENT = bytes(range(256)) * (2 * PIECE // 256) + b"the end"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PATH = f"/edgewright/v1/blobs/{DIGEST}"


async def send(client: httpx.AsyncClient, offset: int, content: bytes = CONTENT, **headers: str) -> httpx.Response:
    path = f"/edgewright/v1/blobs/{hashlib.sha256(content).hexdigest()}"
    numbers = {"size": len(content), "offset": offset}
    return await client.put(path, params=numbers, content=content[offset : offset + PIECE], headers=headers)


async def send_all(client: httpx.AsyncClient, content: bytes = CONTENT, **headers: str) -> None:
    for offset in range(0, max(1, len(content)), PIECE):
        answer = await send(client, offset, content, **headers)
        assert answer.status_code == 200, answer.text
    assert answer.json()["complete"]


async def test_p80_pieces_come_in_any_order_and_again_and_the_digest_is_checked(inside: Inside) -> None:
    _, admin = inside
    first = await send(admin, 2 * PIECE)
    assert first.json() == {"digest": DIGEST, "size": len(CONTENT), "complete": False, "next": 0}
    assert (await admin.get(PATH)).status_code == 404, "nothing is read before its digest was checked"
    assert (await send(admin, 0)).json()["next"] == PIECE
    assert (await send(admin, 0)).json()["next"] == PIECE
    assert (await send(admin, PIECE)).json() == {**first.json(), "complete": True, "next": None}
    assert (await send(admin, PIECE)).json()["complete"], "once more changes nothing"
    assert (await admin.get(PATH)).content == CONTENT
    audits = (await admin.get(protocol.AUDITS, params={"resourceKind": "blob"})).json()["items"]
    assert [item["spec"]["resource"]["uid"] for item in audits] == [DIGEST]
    items = (await admin.get("/edgewright/v1/blobs")).json()["items"]
    assert [(item["digest"], item["size"], item["complete"]) for item in items] == [(DIGEST, len(CONTENT), True)]


async def test_p80_what_has_another_digest_is_deleted(inside: Inside) -> None:
    hub, admin = inside
    wrong = hashlib.sha256(b"other").hexdigest()
    answer = await admin.put(f"/edgewright/v1/blobs/{wrong}", content=b"content")
    assert (answer.status_code, answer.json()["code"]) == (422, "BlobDigest")
    with hub.readers.connect() as connection:
        assert store.find(connection, wrong) == []
        assert connection.execute(tables.blob_pieces.select()).first() is None
    assert (await admin.put(f"/edgewright/v1/blobs/{wrong}", content=b"other")).json()["complete"]


async def test_p80_ranges_head_and_what_the_reader_has_already(inside: Inside) -> None:
    _, admin = inside
    await send_all(admin)
    size = len(CONTENT)
    for asked, first, last in (
        ("bytes=0-9", 0, 9),
        (f"bytes={PIECE - 5}-{PIECE + 5}", PIECE - 5, PIECE + 5),
        (f"bytes={size - 3}-", size - 3, size - 1),
        ("bytes=-7", size - 7, size - 1),
        (f"bytes=0-{size + 100}", 0, size - 1),
    ):
        answer = await admin.get(PATH, headers={"Range": asked})
        assert (answer.status_code, answer.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{size}"), asked
        assert answer.content == CONTENT[first : last + 1]
    beyond = await admin.get(PATH, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert (await admin.get(PATH, headers={"Range": "bytes=0-1,5-6"})).status_code == 200
    head = await admin.head(PATH)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(size), b"")
    known = await admin.get(PATH, headers={"If-None-Match": f'"x", {head.headers["ETag"]}'})
    assert (known.status_code, known.content) == (304, b"")


@pytest.mark.parametrize("text", ["bytes=a-b", "items=0-1", "bytes=", "bytes=-", "bytes=5-2", "", "bytes=1-2,3-4"])
def test_a_range_that_is_not_understood_is_the_entire_blob(text: str) -> None:
    assert read_range(text, 10) is None


def test_a_range_behind_the_end_is_an_error() -> None:
    for text, size in (("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-0", 0), ("bytes=-1", 0)):
        with pytest.raises(Unsatisfiable):
            read_range(text, size)


async def test_p80_a_reader_has_a_small_part_of_a_blob_in_memory(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each host on a slow link waits with what was read for it: with a piece each, 1,000 of them would need 1 GB."""
    _, admin = inside
    await send_all(admin)
    parts: list[int] = []
    read_part = store.read_part

    def noted(*args: Any, **named: Any) -> bytes | None:
        data = read_part(*args, **named)
        parts.append(len(data or b""))
        return data

    monkeypatch.setattr(store, "read_part", noted)
    assert (await admin.get(PATH)).content == CONTENT
    assert sum(parts) == len(CONTENT) and max(parts) <= 128 * 1024


async def test_p80_an_empty_blob(inside: Inside) -> None:
    _, admin = inside
    await send_all(admin, b"")
    answer = await admin.get(f"/edgewright/v1/blobs/{hashlib.sha256(b'').hexdigest()}")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


async def registered(hub: Hub, admin: httpx.AsyncClient, uid: str, project: str) -> str:
    """Register a host; returns its credential."""
    made = {"metadata": {"name": f"{TOKEN}-{uid}"}, "spec": {"defaultProjectUid": project}}
    token = (await admin.post("/v1/edgehosts/tokens", json=made)).json()["uid"]
    text = (await admin.get(f"/v1/edgehosts/tokens/{token}")).json()["spec"]["token"]
    body: dict[str, Any] = {"metadata": {"uid": uid}, "spec": {"host": {"hostUid": uid, "hostAuthToken": text}}}
    answer = await admin.post("/v1/edgehosts/register", json=body)
    return str(answer.json()["status"]["serviceAuthToken"])


async def test_p80_a_blob_is_read_by_users_of_its_project_and_by_hosts_that_are_to_have_it(inside: Inside) -> None:
    hub, admin = inside
    mine, other = [
        (await admin.post("/v1/projects", json={"metadata": {"name": name}})).json()["uid"]
        for name in ("mine", "other")
    ]
    await send_all(admin, ProjectUid=mine)
    assert (await admin.get(PATH, headers={"ProjectUid": mine})).status_code == 200
    assert (await admin.get(PATH, headers={"ProjectUid": other})).status_code == 404
    assert (await admin.get("/edgewright/v1/blobs", headers={"ProjectUid": other})).json()["items"] == []
    named: dict[str, set[str]] = {}
    hub.part(BlobNames).register(lambda host: named.get(host.uid, set()), list)
    transport = httpx.ASGITransport(app=make_app(hub))
    for uid, project, wanted in (("h-1", mine, 200), ("h-2", other, 404)):
        credential = await registered(hub, admin, uid, project)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://hub", headers={"Authorization": credential}
        ) as host:
            assert (await host.get(PATH)).status_code == 404, "its desired state does not name it"
            named[uid] = {DIGEST}
            assert (await host.get(PATH)).status_code == wanted
            assert (await host.put(PATH, content=b"x")).status_code == 403
            assert (await host.get("/edgewright/v1/blobs")).status_code == 403


@pytest.mark.parametrize(
    ("digest", "query", "content", "status"),
    [
        (DIGEST.upper(), {}, b"x", 422),
        ("abc", {}, b"x", 422),
        (DIGEST, {"size": "99999999999"}, b"x", 422),
        (DIGEST, {"size": "-1"}, b"x", 422),
        (DIGEST, {"size": str(3 * PIECE), "offset": "5"}, b"x", 422),
        (DIGEST, {"size": str(3 * PIECE), "offset": str(3 * PIECE)}, b"", 422),
        (DIGEST, {"size": str(3 * PIECE), "offset": "0"}, b"short", 422),
        (DIGEST, {}, b"x" * (PIECE + 1), 413),
    ],
)
async def test_p80_what_cannot_be_a_piece_is_refused(
    inside: Inside, digest: str, query: dict[str, str], content: bytes, status: int
) -> None:
    hub, admin = inside
    answer = await admin.put(f"/edgewright/v1/blobs/{digest}", params=query, content=content)
    assert answer.status_code == status, answer.text
    with hub.readers.connect() as connection:
        assert connection.execute(tables.blobs.select()).first() is None


async def test_p80_a_project_has_a_quota_and_a_blob_one_size(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    _, admin = inside
    assert (await send(admin, 0)).status_code == 200
    again = await admin.put(PATH, params={"size": PIECE, "offset": 0}, content=CONTENT[:PIECE])
    assert (again.status_code, again.json()["code"]) == (409, "BlobSize")
    monkeypatch.setattr(store, "QUOTA", len(CONTENT) + 10)
    more = await send(admin, 0, b"x" * 11)
    assert (more.status_code, more.json()["code"]) == (413, "BlobQuota")
    await send_all(admin, b"x" * 10)
    monkeypatch.setattr(store, "MOST", 2)
    assert (await send(admin, 0, b"")).status_code == 413


async def test_p80_what_nothing_names_is_deleted_after_a_day(inside: Inside) -> None:
    hub, admin = inside
    named: set[tuple[str, str]] = set()
    hub.part(BlobNames).register(lambda host: (), lambda: named)
    await send_all(admin)
    now = times.now()
    assert await retention.prune(hub, now + retention.GRACE - 60) == {"blobs": 0}
    named.add(("", DIGEST))
    assert await retention.prune(hub, now + 10 * retention.GRACE) == {"blobs": 0}
    named.clear()

    def age(tx: Tx) -> None:
        tx.run(tables.blobs.update().values(touched=now - 2 * retention.GRACE))

    await hub.write(age)
    assert await retention.prune(hub, now) == {"blobs": 1}
    with hub.readers.connect() as connection:
        assert connection.execute(tables.blob_pieces.select()).first() is None


@pytest.mark.e2e
async def test_p80_blobs_on_postgresql(postgres: Cluster, tmp_path: Path) -> None:
    hub = open_hub(tmp_path / "d", sweep=1e9, db=postgres.url(postgres.create()))
    await hub.start()
    key = (hub.data / "admin-api-key").read_text().strip()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key}) as admin:
        await send_all(admin)
        answer = await admin.get(PATH, headers={"Range": f"bytes={PIECE - 1}-{PIECE}"})
        assert answer.content == CONTENT[PIECE - 1 : PIECE + 1]
        assert (await admin.get(PATH)).content == CONTENT
    await hub.stop()


async def test_p87_only_the_newest_trial_of_a_host_names_blobs(inside: Inside) -> None:
    hub, admin = inside
    await send_all(admin)
    transport = httpx.ASGITransport(app=make_app(hub))
    project = next(iter(hub.state.projects))
    hosts = {}
    for uid in ("h-1", "h-2"):
        credential = await registered(hub, admin, uid, project)
        hosts[uid] = httpx.AsyncClient(
            transport=transport, base_url="http://hub", headers={"Authorization": credential}
        )
    path = "/edgewright/v1/hosts/h-1/operations"

    async def ask(*blobs: str) -> str:
        body = {"kind": "trial", "params": {"steps": [5], "blobs": list(blobs)}}
        made = await admin.post(path, json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["uid"])

    async def end(uid: str, state: str) -> None:
        answer = await hosts["h-1"].post(f"{path}/{uid}/result", json={"state": state, "message": "x"})
        assert answer.status_code == 204, answer.text

    async def readable() -> list[int]:
        return [(await host.get(PATH)).status_code for host in hosts.values()]

    assert await readable() == [404, 404]
    first = await ask(DIGEST)
    assert await readable() == [200, 404] and (project, DIGEST) in hub.part(BlobNames).named()
    await end(first, "succeeded")
    assert await readable() == [200, 404], "what the host was given stays its desired state"
    second = await ask()
    assert await readable() == [404, 404]
    await end(second, "refused")
    assert await readable() == [200, 404], "one that was refused asks for nothing"
    stored = trials.Trials(hub, await hub.read(trials.load))
    assert set(stored.digests(hub.state.hosts["h-1"].record)) == {DIGEST}, "it survives a restart of the hub"
    assert (await admin.delete("/v1/edgehosts/h-1")).status_code == 204
    assert (project, DIGEST) not in hub.part(BlobNames).named()


@pytest.mark.parametrize(
    "params",
    [{}, {"steps": []}, {"steps": [0]}, {"steps": ["5"]}, {"steps": [5], "blobs": ["abc"]}, {"steps": [True]},
     {"steps": [5], "blobs": [DIGEST] * 21}],
)  # fmt: skip
async def test_p87_what_cannot_be_a_trial_is_refused(inside: Inside, params: dict[str, Any]) -> None:
    hub, admin = inside
    await registered(hub, admin, "h-9", next(iter(hub.state.projects)))
    body = {"kind": "trial", "params": params}
    assert (await admin.post("/edgewright/v1/hosts/h-9/operations", json=body)).status_code == 422
