"""Reducing in slices: the model is the same as when everything is reduced at once, and keys have their turn between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright.store.engine import events as kinds
from edgewright.store.engine import store as stores
from edgewright.store.engine.model import Patch
from edgewright.store.engine.reducer import reduce
from edgewright.store.engine.store import Store

Maker = Callable[..., dict[str, Any]]
UIDS = [f"edge-{number}" for number in range(12)]
one_host = st.tuples(
    st.sampled_from(UIDS), st.sampled_from(["healthy", "unhealthy", None]), st.sampled_from(["", "kiel", "ulm"])
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just(kinds.HOSTS_SEEN), st.lists(one_host, max_size=20)),
        st.tuples(st.just(kinds.HOSTS_REMOVED), st.lists(st.sampled_from(UIDS), max_size=4)),
        st.tuples(st.just(kinds.MESSAGE), st.just([])),
    ),
    max_size=12,
)


def tell(store: Store, host: Maker, number: int, kind: str, what: list[Any]) -> None:
    payload: dict[str, Any] = {"level": "info", "text": f"line {number}"}
    if kind == kinds.HOSTS_SEEN:
        payload = {"docs": [host(uid, health, site) for uid, health, site in what]}
    elif kind == kinds.HOSTS_REMOVED:
        payload = {"uids": what}
    store.emit("plane", kind, payload, at=1000.0 + number)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slice end after each piece, and a piece be of three documents."""
    monkeypatch.setattr(stores, "SLICE", 0.0)
    monkeypatch.setattr(stores, "PIECE", 3)


@pytest.mark.usefixtures("small")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(told=steps, rounds=st.sets(st.integers(0, 40)))
def test_slices_give_the_same_model_as_the_whole(host: Maker, told: list[Any], rounds: set[int]) -> None:
    whole, sliced = Store(), Store()
    heard: list[Any] = []
    whole.tap(heard.append)
    for number, (kind, what) in enumerate(told):
        tell(whole, host, number, kind, what)
        tell(sliced, host, number, kind, what)
    whole.flush()
    at = 0
    while sliced._slice():
        if at in rounds:
            sliced._round()
        at += 1
    assert not sliced._round()
    assert sliced.model == whole.model == reduce(Store().model, heard)[0]
    assert list(sliced.model.hosts) == list(whole.model.hosts)


@pytest.mark.usefixtures("small")
async def test_a_round_never_shows_half_an_event_and_keys_have_their_turn(host: Maker) -> None:
    store, seen, turns = Store(tick=0.1), list[int](), 0
    done = asyncio.Event()

    def hear(patches: tuple[Patch, ...]) -> None:
        seen.append(len(store.model.hosts))
        done.set()

    store.subscribe(["hosts"], hear)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(f"h{number}") for number in range(200)]})
    async with asyncio.timeout(10):
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)
    assert seen == [200]
    assert turns > 200 / 3  # one at least between two slices


async def test_a_key_is_painted_before_work_begins_and_work_has_half_of_the_time(host: Maker) -> None:
    store = Store(tick=0.1)
    loop = asyncio.get_running_loop()

    async def seconds_until_known(uid: str, between: Callable[[], object] = lambda: None) -> float:
        began = loop.time()
        tell(store, host, 1, kinds.HOSTS_SEEN, [(uid, "healthy", "")])
        while uid not in store.model.hosts:
            between()
            await asyncio.sleep(0.001)
            assert loop.time() < began + 20
        return loop.time() - began

    await seconds_until_known("edge-0")
    store.defer(0.3)
    before, seconds, after = store.deferred, await seconds_until_known("edge-1"), store.deferred
    assert (before, after) == (True, False) and seconds > 0.28
    await asyncio.sleep(0.32)
    store.defer(5.0)
    store.resume()
    assert await seconds_until_known("edge-2") < 4.0, "what was painted frees the time for work"
    await asyncio.sleep(0.1)
    assert await seconds_until_known("edge-3", lambda: store.defer(0.05)) < 4.0, "keys without end do not stop it"
