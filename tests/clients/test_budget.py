"""The budget: whatever is asked in whatever pattern, the plane's own counter never overflows."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.clients.http.budget import Budget, match

SEARCH = "/v1/dashboard/edgehosts/search"


class PlaneCounter:
    """Palette's side: a bucket of `burst` tokens filled at `rate` a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.tokens, self.burst, self.last = rate, burst, burst, 0.0

    def takes(self, at: float) -> bool:
        self.tokens = min(self.burst, self.tokens + max(0.0, at - self.last) * self.rate)
        self.last = max(self.last, at)
        self.tokens -= 1
        return self.tokens >= -1e-6


class Clock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("path", "prefix", "rate"),
    [
        (SEARCH, "/v1/dashboard", 10),
        ("/v1/edgehosts/edge-1", "/v1/edgehosts", 10),
        ("/v1/edgehosts/edge-1/health", "/v1/edgehosts/:uid/health", 10),
        ("/v1/events/components/edgehost/x", "/v1/events/components", 50),
        ("/v1/spectroclusters", "/v1/spectroclusters", 50),
        ("/v1/spectroclusters/abc/assets/kubeconfig", "/v1/spectroclusters/:uid/assets", 10),
        ("/v1/spectroclusters/abc/profiles?x=1", "/v1/spectroclusters/:uid/profiles", 50),
        ("/v1/clusterprofilesX", "/v1/clusterprofilesX", 10),
        ("/v1/auth/user/password/reset", "/v1/auth/user/password/reset", 2),
    ],
)
def test_paths_count_against_their_prefix(path: str, prefix: str, rate: float) -> None:
    assert match(path) == (prefix, rate)


@settings(max_examples=200, deadline=None)
@given(
    gaps=st.lists(st.floats(0, 3) | st.just(0.0), min_size=1, max_size=300),
    path=st.sampled_from([SEARCH, "/v1/events/components", "/v1/auth/user/password/reset"]),
    jitter=st.lists(st.floats(0, 0.5), min_size=1, max_size=20),
)
def test_no_pattern_of_requests_overflows_the_plane(gaps: list[float], path: str, jitter: list[float]) -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    rate = match(path)[1]
    arrivals = []
    for number, gap in enumerate(gaps):
        clock.now += gap
        arrivals.append(clock.now + budget.reserve(path) + jitter[number % len(jitter)])
    plane = PlaneCounter(rate, rate * 5)
    assert all(plane.takes(at) for at in sorted(arrivals))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 0.2), min_size=100, max_size=400))
def test_the_budget_is_used_whole_when_it_is_wanted(gaps: list[float]) -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    for _ in gaps:
        last = budget.reserve(SEARCH)
    assert last == pytest.approx((len(gaps) - 40) / 10, abs=0.11)


async def test_concurrent_callers_share_one_bucket_in_order() -> None:
    clock, waits = Clock(), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    budget = Budget(clock=clock, sleep=sleep)
    await asyncio.gather(*(budget.acquire(SEARCH) for _ in range(45)))
    assert waits == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_prefixes_do_not_share() -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    for _ in range(100):
        budget.reserve(SEARCH)
    assert budget.reserve("/v1/edgehosts/tokens") == 0.0


async def test_a_429_slows_the_prefix_down_and_quiet_gives_it_back() -> None:
    clock, waits = Clock(), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.now += seconds

    budget = Budget(clock=clock, sleep=sleep)
    await budget.refused(SEARCH)
    await budget.refused(SEARCH)
    assert waits == [2.0, 4.0] and budget.refusals == 2
    first, second = budget.reserve(SEARCH), budget.reserve(SEARCH)
    assert second - first == pytest.approx(0.4)  # a quarter of the rate, no burst
    await budget.refused(SEARCH, retry_after=7.0)
    assert waits[-1] == 7.0
    clock.now += 120
    moments = [budget.reserve(SEARCH) for _ in range(10)]
    assert moments[-1] - moments[1] == pytest.approx(0.8)  # full rate, and no burst on top


def test_the_floor_is_what_the_plane_itself_allows() -> None:
    assert Budget.floor(600) == 55.0
    assert Budget.floor(50) == 0.0
    assert Budget.floor(350, "/v1/events/components") == 2.0


def test_an_unlimited_budget_waits_for_nothing() -> None:
    budget = Budget.unlimited()
    assert all(budget.reserve(SEARCH) == 0.0 for _ in range(1000))
