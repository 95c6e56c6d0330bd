"""The search of the hub: it sees what the documents say, its cursors survive changes, and it holds nobody up."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.roles import EVERYTHING
from edgewright.core.search import search as rules
from edgewright.core.search.schema import BY_NAME
from edgewright.hub.db.records import HostRecord, Live, dump
from edgewright.hub.http.problems import Problem
from edgewright.hub.readmodel import search as finding
from edgewright.hub.readmodel.render import Renderer
from edgewright.hub.readmodel.search import Finder
from edgewright.hub.readmodel.state import State
from edgewright.hub.readmodel.view import View
from edgewright.hub.security.secretbox import SecretBox
from edgewright.wire.palette import listmeta
from tests.hub_fixture import RunningHub
from tests.hub_fleet import open_hub, seed

NOW, STARTED, LIMIT = 100_000.0, 50_000.0, 600.0
KEY = b"A" * 43 + b"="


def record(uid: str, name: str = "", modified: float = 0.0, **more: Any) -> HostRecord:
    document = {"metadata": {"uid": uid, "name": name or uid, "labels": {"site": "rome"}}, "spec": {}, "status": {}}
    fixed: dict[str, Any] = {
        "project_uid": "p", "state": "ready", "doc": dump(document), "created": 1.0, "generation": 1,
        "registered_at": None, "registration_hash": None, "credential_hash": None, "pending_hash": None,
        "pairing_hash": None, "token_uid": None, "address": "",
    }  # fmt: skip
    return HostRecord(uid=uid, modified=modified, **{**fixed, **more})


def world() -> tuple[State, Renderer, Finder]:
    state = State()
    renderer = Renderer(state, SecretBox(KEY), STARTED, LIMIT, 60.0)
    return state, renderer, Finder(state, renderer)


moments = st.none() | st.floats(1.0, NOW, allow_nan=False)


@settings(deadline=None, max_examples=200)
@given(
    registered=moments, beat=moments, told=st.sampled_from(["", "healthy", "unhealthy"]), since=moments,
    silence=st.sampled_from([0.0, 119.9, 120.0, 120.1, 599.9, 600.0, 5000.0]), modified=st.floats(1.0, NOW),
)  # fmt: skip
def test_a_search_sees_what_the_document_says(
    registered: float | None, beat: float | None, told: str, since: float | None, silence: float, modified: float
) -> None:
    state, renderer, _ = world()
    live = Live()
    live.state, live.since, live.agent_version = told, since, "1.0" if told else ""
    live.at = beat if beat is None or silence == 0.0 else NOW - silence
    entry = state.put_host(record("h", "Name", modified, registered_at=registered), live)
    # Settled some time ago, as the sweep leaves it; only the clock has moved since.
    live.health = renderer.verdict(entry, min(NOW, (live.at or registered or 1.0) + 1)).health.value
    view = View(renderer, NOW)
    view.entry = entry
    told_by_document = rules.host_values(msgspec.json.decode(msgspec.json.encode(renderer.summary(entry, NOW))))
    for known in BY_NAME:
        mine, theirs = view(known), told_by_document(known)
        if isinstance(mine, float):
            assert theirs == pytest.approx(mine, abs=0.0006), known
        else:
            assert (list(mine) if isinstance(mine, tuple) else mine) == theirs, known


changes = st.lists(st.tuples(st.sampled_from(["put", "drop", "touch"]), st.integers(0, 40)), max_size=12)
sorts = st.sampled_from(
    [
        [],
        [{"field": "name", "order": "desc"}],
        [{"field": "lastModifiedTimestamp", "order": "desc"}],
        [{"field": "state", "order": "asc"}, {"field": "lastModifiedTimestamp", "order": "asc"}],
    ]
)


@settings(deadline=None, max_examples=150)
@given(first=st.sets(st.integers(0, 40)), steps=st.lists(changes, min_size=1, max_size=8), sort=sorts,
       limit=st.integers(1, 7), kept=st.booleans())  # fmt: skip
def test_pages_give_each_unchanged_host_once(
    first: set[int], steps: list[Any], sort: list[Any], limit: int, kept: bool
) -> None:
    """P32: whatever comes, goes or changes between two pages, and whether the hub still has the result or not."""
    state, _, finder = world()
    clock = iter(range(10_000))

    def put(number: int) -> None:
        uid = f"h-{number:02d}"
        state.put_host(record(uid, uid.upper(), float(next(clock) % 7), state=("ready", "in-use")[number % 2]))

    for number in sorted(first):
        put(number)
    unchanged = {f"h-{number:02d}" for number in first}
    seen: list[str] = []
    offset, cursor, turn = 0, "", 0
    while True:
        if not kept:
            finder._results.clear()
        result, start = asyncio.run(finder.page(EVERYTHING, {"sort": sort}, NOW, offset, cursor))
        page = result.uids[start : start + limit]
        seen += [uid for uid in page if uid in state.hosts]
        token = finding.cursor(result, start + len(page)) if page else ""
        block = listmeta.block(start, len(page), len(result.uids), limit, token)
        if not block["continue"]:
            break
        held = listmeta.decode(block["continue"])
        offset, cursor = held.offset, held.token
        for what, number in steps[turn % len(steps)] if turn < 30 else []:
            unchanged.discard(f"h-{number:02d}")
            if what == "drop":
                state.drop_host(f"h-{number:02d}")
            else:
                put(number)
        turn += 1
    for uid in unchanged:
        assert seen.count(uid) == 1, (uid, seen)


def test_p32_a_page_of_a_fresh_result_begins_after_the_host_of_the_cursor() -> None:
    state, _, finder = world()
    for number in range(4):
        state.put_host(record(f"h-{number}"))
    result, _ = asyncio.run(finder.page(EVERYTHING, {}, NOW, 0, ""))
    cursor = finding.cursor(result, 2)  # of the page with h-0 and h-1
    finder._results.clear()
    state.put_host(record("g-new"))
    fresh, start = asyncio.run(finder.page(EVERYTHING, {}, NOW, 2, cursor))
    assert fresh.uids[start:] == ["h-2", "h-3"]


@settings(deadline=None, max_examples=100)
@given(cursor=st.text() | st.builds(lambda v, o: dump({"s": "x", "v": v, "o": o}), st.lists(st.none() | st.integers()
       | st.text()), st.lists(st.text(), max_size=4)))  # fmt: skip
def test_a_made_up_cursor_is_refused_or_harmless(cursor: str) -> None:
    state, _, finder = world()
    for number in range(5):
        state.put_host(record(f"h-{number}", modified=float(number)))
    try:
        spec = {"sort": [{"field": "lastModifiedTimestamp", "order": "asc"}]}
        result, start = asyncio.run(finder.page(EVERYTHING, spec, NOW, 2, cursor))
    except Problem as problem:
        assert (problem.status, problem.code) == (400, "RequestError")
    else:
        assert 0 <= start <= len(result.uids) == 5


def test_p32_a_continue_that_is_garbage_gets_400(hub: RunningHub) -> None:
    admin = hub.client()
    made = [
        "x", "e30=", "%00", "a" * 5000, "eyJvZmZzZXQiOi0xLCJjb3VudCI6MSwidG9rZW4iOiIifQ==",
        listmeta.encode(listmeta.Cursor(1, 2, "not the hub's")), listmeta.encode(listmeta.Cursor(1, 2, '{"s":1}')),
    ]  # fmt: skip
    for text in made:
        answer = admin.post("/v1/dashboard/edgehosts/search", json={}, params={"continue": text})
        assert (answer.status_code, answer.json()["code"]) == (400, "RequestError"), text
    for path in ("/v1/events/components", "/v1/audits"):
        assert admin.get(path, params={"continue": made[0]}).status_code == 400
    far = listmeta.encode(listmeta.Cursor(2**31 - 1, 2**31 - 1))
    page = admin.post("/v1/dashboard/edgehosts/search", json={}, params={"continue": far}).json()
    assert (page["items"], page["listmeta"]["continue"]) == ([], "")


def test_p32_limits_of_a_page(hub: RunningHub) -> None:
    admin, path = hub.client(), "/v1/dashboard/edgehosts/search"
    big = {"Edgewright-Page-Limit": "1000"}
    for limit, headers, status, code in (
        ("50", {}, 200, 0), ("51", {}, 422, 608), ("-1", {}, 422, 609), ("x", {}, 422, 601),
        ("1000", big, 200, 0), ("1001", big, 422, 608), ("1001", {"Edgewright-Page-Limit": "9999"}, 422, 608),
    ):  # fmt: skip
        answer = admin.post(path, json={}, params={"limit": limit}, headers=headers)
        assert answer.status_code == status, limit
        assert answer.json().get("code", 0) == code
    assert answer.status_code == 422
    listed = admin.post(path, json={}).json()["listmeta"]
    assert isinstance(listed["continue"], str) and {"count", "limit", "offset"} <= set(listed)


async def test_thousands_of_hosts_hold_nobody_up(tmp_path: Path) -> None:
    """Measured in CPU time of this thread; benchmarks/hub_search.py has the figures."""
    seed(tmp_path / "d", 4000)
    hub = open_hub(tmp_path / "d", sweep=1e9)
    await hub.start()
    worst, running = 0.0, True

    async def tick() -> None:
        nonlocal worst
        before = time.thread_time()
        while running:
            await asyncio.sleep(0.001)
            worst, before = max(worst, time.thread_time() - before), time.thread_time()

    ticker = asyncio.create_task(tick())
    contains = {"operator": "contains", "match": {"values": ["-000"]}}
    item = {"property": "tags", "type": "string", "condition": {"string": contains}}
    spec = {"filter": {"filterGroups": [{"filters": [item]}]}, "sort": [{"field": "healthState", "order": "desc"}]}
    began = time.thread_time()
    result = await hub.finder.find(EVERYTHING, spec, hub.started)
    assert time.thread_time() - began < 1
    assert {hub.state.hosts[uid].live.health for uid in result.uids[:2]} == {"unhealthy"} and len(result.uids) == 40
    assert len(hub.finder.ordered()) == 4000
    running = False
    await ticker
    assert worst < 0.5
    assert sum(len(came) for came in hub.state.hosts_by_token.values()) == 4000
    await hub.stop()
