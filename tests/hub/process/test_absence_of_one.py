"""A hub that was paused while others were up: hosts could reach those (rules P42 and P67)."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select

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
