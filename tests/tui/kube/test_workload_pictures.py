"""Pictures of what runs in a cluster: each list and each description in each state that it has, at three sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgewright.store.workloads.kinds import KINDS
from tests.tui.driving import Driven, settle
from tests.tui.kube.test_workloads import fixed_clock, lose, made, shown

SIZES = ((80, 24), (132, 43), (200, 60))
STATES = ("empty", "loading", "healthy", "degraded", "failed", "stale", "simulated")
DESCRIBED = {
    "pod": "pods/shop/web-7d9f8c6b5-zzzzz",
    "deployment": "deployments/shop/web",
    "statefulset": "statefulsets/shop/vision",
    "daemonset": "daemonsets/kube-system/cilium",
    "service": "services/shop/web",
    "node": "nodes/edge-7f3a",
    "event": "cluster-events/shop/e2",
    "machine": "machines/shop/till-2",
}
"""An object of each kind, as the target of its description; in the state failed it is what is wrong."""
OF_POD = {"healthy": "pods/shop/web-7d9f8c6b5-2xk4q", "degraded": "pods/shop/vision-1"}
"""Other pods that are described, by state; in the state empty the pod was deleted."""
Picture = tuple[str, str, tuple[int, int]]
LISTS: list[Picture] = [(kind.view, state, size) for kind in KINDS for state in STATES for size in SIZES]
DESCRIPTIONS: list[Picture] = [
    *(("pod", state, size) for state in STATES for size in SIZES),
    *((name, "failed", size) for name in DESCRIBED if name != "pod" for size in SIZES),
]
OTHERS: list[Picture] = [("machines", "absent", SIZES[0]), ("yaml", "failed", SIZES[0])]
FAST = {
    *(("pods", state, SIZES[0]) for state in STATES), ("pods", "stale", SIZES[1]), ("pods", "failed", SIZES[2]),
    *((kind.view, "failed", SIZES[0]) for kind in KINDS), ("nodes", "failed", SIZES[1]),
    ("cluster-events", "failed", SIZES[1]), ("services", "degraded", SIZES[0]),
    *(("pod", state, SIZES[0]) for state in ("empty", "loading", "failed", "stale")), ("node", "failed", SIZES[1]),
    *OTHERS,
}  # fmt: skip
"""Pictures that are not left to `make e2e`: the sizes and states in which lines are cut, or come and go."""


def pictures() -> list[Any]:
    """Return each picture with its name; most are part of `make e2e`."""
    result = []
    for each in (*LISTS, *DESCRIPTIONS, *OTHERS):
        name, state, (width, height) = each
        marks = () if each in FAST else pytest.mark.e2e
        result.append(pytest.param(*each, id=f"{name}-{state}-{width}x{height}", marks=marks))
    return result


@pytest.mark.usefixtures(fixed_clock.__name__)
@pytest.mark.parametrize(("name", "state", "size"), pictures())
def test_pictures(snap_compare: Callable[..., bool], name: str, state: str, size: tuple[int, int]) -> None:
    described = OF_POD.get(state, DESCRIBED["pod"]) if name in ("pod", "yaml") else DESCRIBED.get(name, "")
    view = "workload-yaml" if name == "yaml" else "workload" if described else name
    app, api = made(view, state, f"/{described}" if described else "")

    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        if state not in ("loading", "simulated"):
            await shown(pilot)
        if state == "stale":
            await lose(pilot, app, api)
        pilot.app.screen.tick()  # type: ignore[attr-defined]
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=ready)
