"""A list that follows the API: pages, bookmarks, 410, a lost link, a silent one; over the fake API of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from edgewright.clients.kube import watching
from edgewright.clients.kube.refusals import EXPIRED, of_answer, of_status
from edgewright.clients.kube.watching import Watched
from edgewright.core.errors import Conflict, Failed, NotFound, Refused, Unreachable
from edgewright.store.workloads.kinds import PODS
from edgewright.store.workloads.objects import ObjectRow
from tests.tui.fake_cluster_api import FakeClusterApi
from tests.tui.workloads import PODS as PATH
from tests.tui.workloads import pod


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAUSES", (0.01,))
    monkeypatch.setattr(watching, "CHECK_EVERY", 0.02)


@asynccontextmanager
async def watched(api: FakeClusterApi) -> AsyncIterator[tuple[Watched[ObjectRow], list[Any]]]:
    changes: list[Any] = []
    made: Watched[ObjectRow] = Watched(api, PATH, PODS.row_of, changes.append)
    task = asyncio.create_task(made.run())
    try:
        yield made, changes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(truth: Callable[[], object]) -> None:
    for _ in range(400):
        if truth():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come true within two seconds")


def watches(api: FakeClusterApi) -> list[str]:
    return [path for method, path, _ in api.requests if method == "WATCH"]


def lists(api: FakeClusterApi) -> list[str]:
    return [path for method, path, _ in api.requests if method == "GET" and path.startswith(PATH)]


async def test_a_list_is_taken_in_pages_and_the_watch_begins_at_its_version() -> None:
    api = FakeClusterApi({PATH: [pod(f"web-{at}") for at in range(5)]})
    api.page = 2
    async with watched(api) as (made, _):
        await until(lambda: watches(api))
        assert sorted(made.rows) == [f"shop/web-{at}" for at in range(5)] and made.live
        assert len(lists(api)) == 3 and "limit=500" in lists(api)[0] and "continue=4" in lists(api)[2]
        assert "allowWatchBookmarks=true" in watches(api)[0] and "resourceVersion=100" in watches(api)[0]


async def test_events_change_single_rows_and_a_bookmark_moves_the_version_on() -> None:
    api = FakeClusterApi({PATH: [pod("web-0"), pod("web-1")]})
    async with watched(api) as (made, changes):
        await until(lambda: watches(api))
        changes.clear()
        api.send(PATH, "ADDED", pod("web-2"))
        api.send(PATH, "MODIFIED", pod("web-1", state="CrashLoopBackOff"))
        api.send(PATH, "DELETED", pod("web-0"))
        await until(lambda: len(changes) == 3)
        assert changes == [{"shop/web-2"}, {"shop/web-1"}, {"shop/web-0"}]
        assert sorted(made.rows) == ["shop/web-1", "shop/web-2"] and made.rows["shop/web-1"].health == "bad"
        api.send(PATH, "BOOKMARK", {})
        await until(lambda: made._version == "104")
        api.end()
        await until(lambda: len(watches(api)) == 2)
        assert "resourceVersion=104" in watches(api)[1] and len(lists(api)) == 1


async def test_a_version_that_the_api_does_not_have_any_more_is_listed_again_and_what_is_not_there_goes() -> None:
    api = FakeClusterApi({PATH: [pod("web-0"), pod("web-1")]})
    async with watched(api) as (made, _):
        await until(lambda: watches(api))
        api.objects[PATH] = [pod("web-1")]
        api.version = 900
        api.send(PATH, "ERROR", {"code": 410, "message": "too old resource version: 100 (800)"})
        await until(lambda: len(watches(api)) == 2)
        assert list(made.rows) == ["shop/web-1"] and made.live and "resourceVersion=901" in watches(api)[1]


async def test_a_lost_link_leaves_the_rows_and_continues_at_the_same_version() -> None:
    api = FakeClusterApi({PATH: [pod("web-0")]})
    async with watched(api) as (made, _):
        await until(lambda: watches(api))
        as_of = made.as_of
        api.failure = Unreachable("The API of pos-kiel cannot be reached: no route to host.")
        api.end(api.failure)
        await until(lambda: made.error)
        assert "no route to host" in made.error and made.retry_at and list(made.rows) == ["shop/web-0"]
        assert made.as_of == as_of and not made.live
        before = len(watches(api))
        api.failure = None
        await until(lambda: made.live and len(watches(api)) > before)
        assert "resourceVersion=100" in watches(api)[-1] and len(lists(api)) == 1


async def test_a_silent_watch_is_checked_and_given_up_when_nothing_answers() -> None:
    api = FakeClusterApi({PATH: [pod("web-0")]})
    async with watched(api) as (made, _):
        await until(lambda: ("GET", "/version", None) in api.requests)
        assert made.live
        api.failure = Unreachable("The API of pos-kiel cannot be reached.")
        await until(lambda: made.error)
        assert not made.live


async def test_an_object_that_cannot_be_read_is_left_out_and_counted() -> None:
    api = FakeClusterApi({PATH: [pod("web-0"), {"metadata": {"name": 7}}]})
    async with watched(api) as (made, _):
        await until(lambda: watches(api))
        assert list(made.rows) == ["shop/web-0"] and made.skipped == 1
        api.send(PATH, "ADDED", {"metadata": {"name": "x"}, "spec": {"containers": "none"}})
        await until(lambda: made.skipped == 2)
        assert made.live


async def test_no_more_rows_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST", 3)
    api = FakeClusterApi({PATH: [pod(f"web-{at}") for at in range(5)]})
    async with watched(api) as (made, _):
        await until(lambda: watches(api))
        assert len(made.rows) == 3 and made.skipped == 2


async def test_a_list_that_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST", 3)
    api = FakeClusterApi({PATH: [pod(f"web-{at}") for at in range(20)]})
    api.page = 2
    async with watched(api) as (made, _):
        await until(lambda: watches(api))
        assert len(made.rows) == 3 and made.live and len(lists(api)) == 2


async def test_a_list_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAUSES", (9.0,))

    class Endless(FakeClusterApi):
        def _list(self, path: str, query: dict[str, list[str]]) -> bytes:
            return msgspec.json.encode({"metadata": {"resourceVersion": "1", "continue": "on"}, "items": []})

    api = Endless({PATH: []})
    async with watched(api) as (made, _):
        await until(lambda: made.error)
        assert "does not end" in made.error and len(lists(api)) == 200


@pytest.mark.parametrize("lines", [[], [{"type": "ERROR", "object": {"code": 410, "message": "too old"}}]])
async def test_an_api_that_ends_each_watch_at_once_is_asked_slowly(
    monkeypatch: pytest.MonkeyPatch, lines: list[Any]
) -> None:
    monkeypatch.setattr(watching, "PAUSES", (0.05,))

    class Ends(FakeClusterApi):
        async def lines(self, path: str, silent: float) -> AsyncGenerator[bytes, None]:
            self.requests.append(("WATCH", path, None))
            for each in lines:
                yield msgspec.json.encode(each)

    api = Ends({PATH: [pod("web-0")]})
    async with watched(api) as (made, _):
        await asyncio.sleep(0.4)
        assert 2 <= len(watches(api)) <= 10 and len(made.rows) == 1


async def test_an_object_without_a_name_of_the_api_has_no_row() -> None:
    api = FakeClusterApi({PATH: [pod("web-0"), pod("web\x1b[2J"), pod("..?x"), pod("web-1", "shop/../..")]})
    async with watched(api) as (made, _):
        await until(lambda: watches(api))
        assert list(made.rows) == ["shop/web-0"] and made.skipped == 3


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [(403, Refused, "Forbidden"), (404, NotFound, "Forbidden"), (409, Conflict, "Forbidden"), (410, Failed, EXPIRED)],
)
def test_answers_of_the_api_become_errors_with_its_own_sentence(status: int, kind: type, code: str) -> None:
    body = msgspec.json.encode({"message": "pods is forbidden\x1b[2J", "reason": "Forbidden", "code": status})
    error = of_answer(status, body)
    assert isinstance(error, kind) and error.code == code and error.message == "Pods is forbidden\ufffd[2J."
    assert of_status(500, "").message == "The API of the cluster answers HTTP 500."
