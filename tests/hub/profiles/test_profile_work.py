"""Changes of profiles are made outside of the writer, fairly, and none is lost; reading one fetches nothing."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest

from edgewright.hub.http.problems import Problem
from edgewright.hub.packs import use
from edgewright.hub.process.app import Hub
from edgewright.hub.profiles import stored, work
from edgewright.hub.profiles.work import ProfileWork
from edgewright.wire import protocol
from tests.hub.profiles.test_profiles import body, of

Inside = tuple[Hub, httpx.AsyncClient]


async def made(admin: httpx.AsyncClient, sent: dict[str, Any] | None = None) -> str:
    answer = await admin.post(protocol.PROFILES, json=sent or body())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["uid"])


async def test_changes_at_the_same_time_are_all_there(inside: Inside) -> None:
    _hub, admin = inside
    path = of(protocol.PROFILE_VARIABLES, await made(admin))
    sent = [{"variables": [{"name": f"v{number}", "defaultValue": str(number)}]} for number in range(4)]
    answers = await asyncio.gather(*(admin.patch(path, json=each) for each in sent))
    assert [answer.status_code for answer in answers] == [204] * 4
    assert {row["name"] for row in (await admin.get(path)).json()["variables"]} == {"till", "v0", "v1", "v2", "v3"}


async def test_the_writer_does_not_wait_for_long_work_on_a_profile(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub, admin = inside
    path = of(protocol.PROFILE_VARIABLES, await made(admin))
    begun, go_on = threading.Event(), threading.Event()
    head = stored.head

    def slow(*given: Any) -> str:
        begun.set()
        assert go_on.wait(20)
        return head(*given)

    monkeypatch.setattr(stored, "head", slow)
    change = asyncio.create_task(admin.patch(path, json={"variables": [{"name": "late"}]}))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    async with asyncio.timeout(10):
        other = await admin.post("/v1/projects", json={"metadata": {"name": "meanwhile"}})
        assert other.status_code == 201 and (await admin.get(protocol.PROFILES_NAMES)).status_code == 200
    go_on.set()
    assert (await change).status_code == 204


async def test_callers_take_turns_and_one_cannot_fill_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "OF_CALLER", 3)
    line, order, go_on = ProfileWork(), [], threading.Event()

    def piece(name: str) -> None:
        assert go_on.wait(20)
        order.append(name)

    many = [asyncio.create_task(line.run("a", lambda n=number: piece(f"a{n}"))) for number in range(4)]  # type: ignore[misc]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as caught:
        await line.run("a", lambda: piece("too many"))
    assert caught.value.status == 429
    one = asyncio.create_task(line.run("b", lambda: piece("b")))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*many, one)
    assert order == ["a0", "a1", "b", "a2", "a3"]


async def test_only_a_publish_fetches_packs(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    _hub, admin = inside
    asked: list[str] = []

    async def fetched(_hub: Any, view: Any, _caller: str = "") -> Any:
        asked.append(view.name)
        return view

    monkeypatch.setattr(use, "fetched", fetched)
    sent = body()
    uid = await made(admin, sent)
    assert (await admin.get(of(protocol.PROFILE_EXPORT, uid))).status_code == 200
    assert (await admin.post(protocol.PROFILES_VALIDATE_PACKS, json=sent["spec"]["template"])).status_code == 200
    assert asked == []
    assert (await admin.patch(of(protocol.PROFILE_PUBLISH, uid))).status_code == 204
    assert "edge-k8s" in asked


async def test_a_value_that_is_still_covered_is_not_published(inside: Inside) -> None:
    _hub, admin = inside
    covered = {"name": "key", "defaultValue": "********", "isSensitive": True}
    till = {"name": "till", "defaultValue": "1"}
    uid = await made(admin, body(variables=[covered, till]))
    refused = await admin.patch(of(protocol.PROFILE_PUBLISH, uid))
    assert refused.status_code == 422 and "variables.key: The value is masked." in refused.json()["message"]
    path = of(protocol.PROFILE_VARIABLES, uid)
    given = {"variables": [{**covered, "defaultValue": "hunter-two"}]}
    assert (await admin.patch(path, json=given)).status_code == 204
    assert (await admin.patch(of(protocol.PROFILE_PUBLISH, uid))).status_code == 204


async def test_an_import_of_a_version_that_exists_is_a_conflict(inside: Inside) -> None:
    _hub, admin = inside
    document = (await admin.get(of(protocol.PROFILE_EXPORT, await made(admin)))).json()
    for path in (protocol.PROFILES_IMPORT, protocol.PROFILES_IMPORT_VALIDATE):
        answer = await admin.post(path, json=document)
        assert (answer.status_code, answer.json()["code"]) == (409, "DuplicateProfile")


async def test_a_content_that_grows_beyond_the_limit_is_refused(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub, admin = inside
    uid = await made(admin)
    monkeypatch.setattr(stored, "MAX_CONTENT", 20_000)
    part = {"name": "large", "content": "a: " + "b" * 20_000}
    answer = await admin.post(of(protocol.PROFILE_MANIFESTS, uid, packName="till"), json=part)
    assert (answer.status_code, answer.json()["code"]) == (413, "ProfileTooLarge")
    (manifest,) = (await admin.get(of(protocol.PROFILE_MANIFESTS, uid, packName="till"))).json()["items"]
    assert manifest["metadata"]["name"] == "till"
