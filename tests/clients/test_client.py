"""The client against planes made up for the test: calls, bodies, headers, and every failure as one sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from edgewright.clients.palette.client import Budget, Credential, PlaneClient
from edgewright.core.errors import (
    Conflict,
    EdgewrightError,
    Failed,
    InvalidInput,
    NotFound,
    Refused,
    TimedOut,
    Unreachable,
)

Handler = Callable[[httpx.Request], httpx.Response]


def client_of(handler: Handler, **options: Any) -> PlaneClient:
    options.setdefault("credential", Credential(api_key="k"))
    return PlaneClient("https://plane.test", http=httpx.MockTransport(handler), **options)


def answers(status: int, body: Any = None, **headers: str) -> Handler:
    return lambda _: httpx.Response(status, json=body, headers=headers) if body is not None else httpx.Response(status)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "words"),
    [
        (
            401,
            {"code": "UnAuthorizedAccess", "message": "no"},
            Refused,
            "UnAuthorizedAccess",
            "does not accept this API key",
        ),
        (
            403,
            {"code": "OperationForbidden", "message": "Operation 'host.get' is forbidden"},
            Refused,
            "OperationForbidden",
            "The plane at plane.test does not allow this API key to do this: host edge-1.",
        ),
        (
            403,
            {
                "code": "OperationForbidden",
                "message": "Operation 'DELETE /v1/edgehosts/{uid}' is forbidden: the role of a@b.c is viewer, "
                "which may read only.",
            },
            Refused,
            "OperationForbidden",
            "This API key has the role viewer, which may only read: host edge-1.",
        ),
        (
            403,
            {"code": "OperationForbidden", "message": "The API key noc has the role viewer, which may only read."},
            Refused,
            "OperationForbidden",
            "The API key noc has the role viewer, which may only read.",
        ),
        (
            404,
            {"code": "ResourceNotFound", "message": "x"},
            NotFound,
            "ResourceNotFound",
            "There is no host edge-1 on plane.test.",
        ),
        (
            404,
            {"code": 404, "message": "path /v1/x was not found"},
            NotFound,
            "UnknownPath",
            "The plane at plane.test does not know the request for host edge-1.",
        ),
        (409, {"code": "EdgeHostInUse", "message": "in use"}, Conflict, "EdgeHostInUse", "in use."),
        (
            422,
            {"code": 608, "message": "limit in query should be less than or equal to 50"},
            InvalidInput,
            "InvalidInput",
            "limit in query should be less than or equal to 50.",
        ),
        (
            400,
            {"code": "EdgeHostDeviceNotRegistered", "message": "not registered"},
            InvalidInput,
            "EdgeHostDeviceNotRegistered",
            "not registered.",
        ),
        (500, {"code": "InternalError", "message": "boom"}, Failed, "InternalError", "boom."),
        (503, None, Unreachable, "Unreachable", "is not ready (status 503)"),
        (504, None, TimedOut, "TimedOut", "did not answer in time"),
        (302, None, Failed, "Failed", "points elsewhere"),
        (418, None, Failed, "Failed", "status 418"),
    ],
)
async def test_answers_become_errors(
    status: int, body: Any, kind: type[EdgewrightError], code: str, words: str
) -> None:
    async with client_of(answers(status, body)) as client:
        with pytest.raises(kind) as caught:
            await client.hosts.get("edge-1")
    assert caught.value.code == code and words in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (httpx.ConnectTimeout("x"), Unreachable, "The connection to plane.test failed."),
        (httpx.ReadTimeout("x"), TimedOut, "did not answer within 10 s"),
        (httpx.ConnectError("All connection attempts failed"), Unreachable, "Nothing answers at plane.test."),
        (httpx.RemoteProtocolError("x"), Unreachable, "broke before the answer was complete"),
        (httpx.ReadError("x"), Unreachable, "broke before the answer was complete"),
    ],
)
async def test_failures_of_the_network_become_errors(
    failure: Exception, kind: type[EdgewrightError], words: str
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    async with client_of(fail) as client:
        with pytest.raises(kind) as caught:
            await client.hosts.get("edge-1")
    assert words in caught.value.message


async def test_what_a_plane_reports_of_a_registry_has_its_own_next_step() -> None:
    message = "The registry r wants a login. Add the registry with one: --user NAME --password-file FILE."
    async with client_of(answers(502, {"code": "NoLogin", "message": message})) as client:
        with pytest.raises(Unreachable) as caught:
            await client.call("POST", "/x", "registry", body={})
    assert (caught.value.message, caught.value.hint, caught.value.code) == (message, "", "NoLogin")


async def test_a_call_waits_longer_where_the_plane_itself_has_to_fetch() -> None:
    seen: list[float] = []

    def slow(request: httpx.Request) -> httpx.Response:
        limits = request.extensions["timeout"]
        seen.append(limits["read"])
        assert limits["connect"] == 10
        raise httpx.ReadTimeout("x")

    async with client_of(slow) as client:
        for patience, words in ((0.0, "within 10 s for registry"), (150.0, "within 150 s for registry")):
            with pytest.raises(TimedOut, match=words):
                await client.call("POST", "/x", "registry", body={}, patience=patience)
    assert seen == [10, 150]


async def test_a_page_that_is_no_json_is_told() -> None:
    async with client_of(lambda _: httpx.Response(200, text="<html>login</html>")) as client:
        with pytest.raises(Failed, match="sent no JSON"):
            await client.tokens.all()


async def test_control_characters_of_a_plane_reach_no_terminal() -> None:
    async with client_of(answers(400, {"code": "X\x1b[2J", "message": "bad\x1b]0;x\x07"})) as client:
        with pytest.raises(InvalidInput) as caught:
            await client.tokens.all()
    assert "\x1b" not in caught.value.message + caught.value.code


async def test_scope_and_credential_go_into_the_headers() -> None:
    seen: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"items": None})

    async with client_of(take, project_uid="p1") as client:
        await client.hosts.get("edge 1/..")
        assert await client.tokens.all() == [] and await client.projects.all() == []
    assert seen[0].headers["projectuid"] == "p1" and seen[0].headers["apikey"] == "k"
    assert seen[0].url.raw_path == b"/v1/edgehosts/edge%201%2F.."
    assert "projectuid" not in seen[1].headers and "projectuid" not in seen[2].headers
    async with client_of(take, credential=Credential(jwt="a.b.c")) as client:
        await client.session.who()
    assert seen[-1].headers["authorization"] == "a.b.c" and "apikey" not in seen[-1].headers


async def test_bodies_are_those_that_palette_takes() -> None:
    seen: list[tuple[str, str, Any]] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.url.path, json.loads(request.content) if request.content else None))
        return httpx.Response(201, json={"uid": "u1"}) if request.method == "POST" else httpx.Response(204)

    async with client_of(take) as client:
        assert await client.hosts.create("edge-1", {"site": "a"}, "arm64", "key") == "u1"
        await client.hosts.set_labels("edge-1", "till", {"site": "b"})
        await client.hosts.set_tunnel("edge-1", True)
        await client.hosts.set_pairing_key("edge-1", "k2")
        await client.hosts.reset("edge-1")
        await client.hosts.delete("edge-1")
        assert await client.tokens.create("shop", "p1", 0.0, "for shops") == "u1"
        await client.tokens.set_active("u1", False)
        await client.tokens.update("u1", "shop", "p2", None)
        await client.tokens.delete("u1")
        assert await client.operations.create("edge-1", "collect-logs", {"lines": 5}) == "u1"
    assert seen == [
        (
            "POST",
            "/v1/edgehosts",
            {
                "metadata": {"name": "edge-1", "uid": "edge-1", "labels": {"site": "a"}},
                "spec": {"archType": "arm64", "hostPairingKey": "key"},
            },
        ),
        ("PUT", "/v1/edgehosts/edge-1/meta", {"metadata": {"name": "till", "uid": "edge-1", "labels": {"site": "b"}}}),
        ("PATCH", "/v1/edgehosts/edge-1/tunnelConfig", {"remoteSsh": "enabled", "remoteSshTempUser": "disabled"}),
        ("PATCH", "/v1/edgehosts/edge-1/hostPairingKey", {"hostPairingKey": "k2"}),
        ("PUT", "/v1/edgehosts/edge-1/reset", None),
        ("DELETE", "/v1/edgehosts/edge-1", None),
        (
            "POST",
            "/v1/edgehosts/tokens",
            {
                "metadata": {"name": "shop", "annotations": {"description": "for shops"}},
                "spec": {"expiry": "1970-01-01T00:00:00.000Z", "defaultProjectUid": "p1"},
            },
        ),
        ("PUT", "/v1/edgehosts/tokens/u1/state", {"isActive": False}),
        (
            "PUT",
            "/v1/edgehosts/tokens/u1",
            {
                "metadata": {"name": "shop"},
                "spec": {"defaultProjectUid": "p2"},
            },
        ),
        ("DELETE", "/v1/edgehosts/tokens/u1", None),
        ("POST", "/edgewright/v1/hosts/edge-1/operations", {"kind": "collect-logs", "params": {"lines": 5}}),
    ]


async def test_all_hosts_follows_the_token_and_stops_at_a_plane_that_repeats_it() -> None:
    pages = {"": ("a", "t1"), "t1": ("b", "t2"), "t2": ("c", "t2")}

    def take(request: httpx.Request) -> httpx.Response:
        uid, following = pages[request.url.params.get("continue", "")]
        return httpx.Response(200, json={"items": [{"metadata": {"uid": uid}}], "listmeta": {"continue": following}})

    async with client_of(take) as client:
        assert [doc["metadata"]["uid"] async for doc in client.hosts.each()] == ["a", "b", "c"]


async def test_a_429_is_waited_for_and_sent_again() -> None:
    waits: list[float] = []
    left = [429, 429, 200]

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def take(_: httpx.Request) -> httpx.Response:
        return httpx.Response(left.pop(0), json={"items": []}, headers={"Retry-After": "3"})

    budget = Budget(sleep=sleep)
    async with client_of(take, budget=budget) as client:
        assert (await client.hosts.search()).items == []
    assert waits[:1] == [3.0] and budget.refusals == 2


async def test_a_plane_that_is_always_busy_is_told() -> None:
    async def sleep(_: float) -> None:
        return None

    async with client_of(
        answers(429, {"code": "TooManyRequests", "message": "m"}), budget=Budget(sleep=sleep)
    ) as client:
        with pytest.raises(Failed, match="too many requests"):
            await client.hosts.search()


async def test_a_plane_without_receivers_of_alerts_is_a_sentence() -> None:
    async with client_of(answers(404, {"code": 404, "message": "path /x was not found"})) as client:
        for call in (client.receivers.all(), client.receivers.add({"name": "ops"})):
            with pytest.raises(NotFound, match="This plane sends no alerts"):
                await call
    gone = {"code": "ResourceNotFound", "message": "The project 'x' is not found."}
    async with client_of(answers(404, gone)) as client:
        with pytest.raises(NotFound, match="There is no alert receiver ops"):
            await client.receivers.add({"name": "ops"})


async def test_features_tell_a_hub_from_a_palette() -> None:
    hub = {"product": "edgewright-hub", "version": "1", "stream": "/edgewright/v1/changes", "pageLimit": 1000}
    async with client_of(answers(200, hub)) as client:
        features = await client.features()
        assert features.hub and features.page_limit == 1000 and not client.budget.limited
    for other in (
        answers(404),
        answers(401),
        answers(405),
        answers(200, {"product": "x"}),
        lambda _: httpx.Response(200, text="<html>"),
    ):
        async with client_of(other) as client:
            found = await client.features()
            assert found.kind == "palette" and found.page_limit == 50 and client.budget.limited
    async with client_of(answers(500)) as client:
        with pytest.raises(Failed):
            await client.features()


@pytest.mark.parametrize("url", ["", "plane", "ftp://x", "https://", "https://user:pw@host", "https://host:99999"])
def test_what_is_no_url_of_a_plane_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="not a URL of a plane"):
        PlaneClient(url)


def test_a_key_never_travels_in_the_open() -> None:
    with pytest.raises(InvalidInput, match="no TLS"):
        PlaneClient("http://plane.test", Credential(api_key="k"))
    assert PlaneClient("http://127.0.0.1:8080/ignored").url == "http://127.0.0.1:8080"


def test_a_credential_does_not_print_itself() -> None:
    assert "hush" not in f"{Credential(api_key='hush')} {Credential(jwt='hush')!r}"


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.clients.http.transport.MAX_ANSWER", 10)
    async with client_of(answers(200, {"items": ["x" * 100]})) as client:
        with pytest.raises(Failed, match="more than 64 MB"):
            await client.tokens.all()


async def test_a_closed_client_says_so_and_cancelling_is_cancelling() -> None:
    client = client_of(answers(200, {}))
    await client.aclose()
    with pytest.raises(Unreachable):
        await client.session.who()

    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with PlaneClient("https://plane.test", http=httpx.MockTransport(never)) as slow:
        task = asyncio.create_task(slow.session.who())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("status", "body", "role"),
    [
        (
            200,
            {"userUid": "u", "edgewright": {"role": "viewer", "name": "a@b.c", "via": "API key noc\u001b[2J"}},
            "viewer",
        ),
        (200, {"userUid": "u", "tenantUid": "t"}, ""),
        (404, {"code": 404, "message": "path was not found"}, ""),
    ],
)
async def test_the_role_is_what_a_hub_reports_and_unknown_elsewhere(status: int, body: Any, role: str) -> None:
    async with client_of(answers(status, body)) as client:
        caller = await client.caller()
    assert caller.role == role
    assert caller.via.isprintable()


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({"code": "DuplicateName", "message": "A registry named 'a' exists already."}, "Choose another name, or"),
        (None, "Choose another name, or"),
        ({"code": "QuorumGuard", "message": "It would have no control plane; delete the cluster instead."}, ""),
        ({"code": "EdgeHostInUse", "message": "The host is used"}, "Look at what the plane has now, then try again."),
    ],
)
async def test_another_name_is_the_next_step_only_where_a_name_is_taken(body: Any, hint: str) -> None:
    async with client_of(answers(409, body)) as client:
        with pytest.raises(Conflict) as caught:
            await client.hosts.get("edge-1")
    assert caught.value.hint.startswith(hint) and bool(caught.value.hint) == bool(hint)
