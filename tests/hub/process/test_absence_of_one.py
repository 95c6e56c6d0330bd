"""A hub that was paused while others were up: hosts could reach those (rules P42 and P67)."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select

from edgewright.core import times
from edgewright.hub.controllers import absence
from edgewright.hub.db import schema
from edgewright.hub.process.app import Hub
from edgewright.hub.process.clock import Look
from tests.hub.http.test_hardening import new_host


@pytest.mark.parametrize(("others", "moves"), [((), True), (("10.0.0.2:8443",), False)], ids=["alone", "one of two"])
async def test_deadlines_move_only_when_no_other_hub_was_up(
    inside: tuple[Hub, httpx.AsyncClient], others: tuple[str, ...], moves: bool
) -> None:
    hub, admin = inside
    await new_host(hub, admin, "h")
    made = await admin.post("/edgewright/v1/hosts/h/operations", json={"kind": "collect-logs", "params": {}})
    assert made.status_code == 201

    async def deadline() -> float:
        query = select(schema.operations.c.deadline)
        return float((await hub.write(lambda tx: tx.first(query))).deadline)

    before = await deadline()
    hub.membership.others = others
    absence.excuse(hub, Look(jump=0.0, absent=30.0))
    assert (await deadline() > before + 29) is moves


@pytest.mark.parametrize(
    ("others", "has", "jump", "moves"),
    [((), False, 300.0, 450.0), (("a",), True, 300.0, 300.0), (("a",), False, 300.0, 0.0), ((), True, -300.0, -150.0)],
    ids=["alone", "with the task", "without the task", "set back"],
)
async def test_p41_a_jump_of_the_clock_moves_what_is_stored_once(
    inside: tuple[Hub, httpx.AsyncClient],
    monkeypatch: pytest.MonkeyPatch,
    others: tuple[str, ...],
    has: bool,
    jump: float,
    moves: float,
) -> None:
    """Several hubs have the clock of their database, and all see that it was set; an absence of 30 s counts for 150."""
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
    assert (await admin.patch("/v1/edgehosts/h/health", json=beat, headers={**own, "ApiKey": ""})).status_code == 204
    made = await admin.post("/edgewright/v1/hosts/h/operations", json={"kind": "collect-logs", "params": {}})
    assert made.status_code == 201
    query = select(schema.operations.c.deadline, schema.heartbeats.c.at)

    async def stored() -> tuple[float, float]:
        row = await hub.write(lambda tx: tx.first(query))
        return float(row.deadline), float(row.at)

    before = await stored()
    hub.membership.others = others
    monkeypatch.setattr(hub.membership, "has", lambda name: has)
    real = times.now
    monkeypatch.setattr(times, "now", lambda: real() + jump)
    absence.excuse(hub, Look(jump=jump, absent=30.0))
    deadline, at = await stored()
    assert deadline - before[0] == pytest.approx(moves, abs=1)
    assert at - before[1] == pytest.approx(jump if moves else 0.0, abs=1)
    if moves:
        assert at == pytest.approx(hub.state.hosts["h"].live.at or 0.0, abs=1)
