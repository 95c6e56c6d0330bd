"""Each state of a host is produced by a real hub, and is the same at the hub, in the console's model and in words."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.core.hosts import states
from edgewright.core.hosts.condition import Facts, evaluate, of_rejection
from edgewright.core.hosts.condition_text import lines
from edgewright.hub.process.app import Hub
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.conditions import condition_of, operation_condition, rejection, rejection_in
from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.collections.problems import problems
from edgewright.store.collections.selectors import waiting_operations
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store
from edgewright.wire import protocol
from tests.hub.http.test_hardening import bare

TOKEN = "ewt_" + "x" * 43


class Both:
    """A hub in this process, and the model of a console that follows it."""

    def __init__(self, hub: Hub, admin: httpx.AsyncClient) -> None:
        self.hub, self.admin = hub, admin
        self.store = Store(clock=times.now)

    async def read(self) -> None:
        """Take everything of the hub into the model, as the console's sources do."""
        docs = [(await self.admin.get(f"/v1/edgehosts/{uid}")).json() for uid in self.hub.state.hosts]
        self.store.emit("plane", kinds.HOSTS_SEEN, {"docs": docs})
        alerts = (await self.admin.get(protocol.ALERTS)).json()["items"]
        self.store.emit("plane", ALERTS.seen, {"docs": alerts})
        self.store.flush()

    async def states(self, uid: str, now: float | None = None) -> tuple[str, str]:
        """Return the state of a host at the hub and in the console's model; both evaluate it at `now`."""
        await self.read()
        status = (await self.admin.get(f"/v1/edgehosts/{uid}")).json()["status"]["edgewright"]
        condition = condition_of(self.store.model, self.store.model.hosts[uid], now or times.now())
        assert status["condition"]["state"] == status["lifeState"]
        assert status["owner"] == condition.owner or condition.cause
        return status["lifeState"], condition.state.key

    async def register(self, uid: str, token: str, **host: Any) -> httpx.Response:
        """Send a registration as an agent does."""
        body = {"metadata": {"uid": uid}, "spec": {"host": {"hostAuthToken": token, **host}}}
        async with bare(self.hub) as client:
            return await client.post(protocol.HOST_REGISTER, json=body)

    async def token(self) -> str:
        """Return the text of a new registration token."""
        project = self.hub.state.default_project()
        assert project is not None
        body = {"metadata": {"name": "t"}, "spec": {"defaultProjectUid": project.uid}}
        uid = (await self.admin.post("/v1/edgehosts/tokens", json=body)).json()["uid"]
        return str((await self.admin.get(f"/v1/edgehosts/tokens/{uid}")).json()["spec"]["token"])

    async def host(self, uid: str) -> str:
        """Register a host and return its credential."""
        answer = await self.register(uid, await self.token())
        return str(answer.json()["status"]["serviceAuthToken"])

    async def beat(self, uid: str, credential: str, seq: int, state: str = "healthy", message: str = "") -> None:
        """Send a heartbeat."""
        body = {"state": state, "message": message, "edgewright": {"seq": seq, "bootId": "b1"}}
        async with bare(self.hub) as client:
            headers = {"Authorization": credential}
            (await client.patch(f"/v1/edgehosts/{uid}/health", json=body, headers=headers)).raise_for_status()

    def quiet(self, uid: str, seconds: float) -> None:
        """Let the last heartbeat be older, and the hub with it: silence counts from the later of both."""
        live = self.hub.state.hosts[uid].live
        assert live.at is not None
        live.at -= seconds
        self.hub.renderer.started -= seconds


async def test_a_pre_registered_host_waits_and_is_rejected_with_a_wrong_key(
    inside: tuple[Hub, httpx.AsyncClient],
) -> None:
    both = Both(*inside)
    made = await both.admin.post("/v1/edgehosts", json={"metadata": {"uid": "a"}, "spec": {"hostPairingKey": "right"}})
    assert made.status_code == 201
    assert await both.states("a") == (states.NEVER_SEEN, states.NEVER_SEEN)
    await both.register("a", "", hostPairingKey="wrong")
    assert await both.states("a") == (states.CREDENTIAL_REFUSED, states.CREDENTIAL_REFUSED)
    document = (await both.admin.get("/v1/edgehosts/a")).json()
    (alert,) = both.store.model.rows(ALERTS).values()
    assert rejection_in(document) == rejection(alert), "the command line reads it from the document of the host"
    condition = document["status"]["edgewright"]["condition"]
    assert condition["owner"] == "operator" and "pairing key" in condition["cause"]
    assert {each["name"] for each in condition["evidence"]} >= {states.REJECTION, states.ATTEMPTS}
    (problem,) = problems(both.store.model, times.now())
    assert problem.owner == "operator" and problem.action in states.STATES[states.CREDENTIAL_REFUSED].actions
    late = condition_of(both.store.model, both.store.model.hosts["a"], times.now() + 7200)
    assert 3500 < late.overdue < 3700 and "overdue for 1 h" in dict(lines(late, times.now() + 7200))["deadline"]


async def test_an_unknown_machine_is_pending_approval(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    both = Both(*inside)
    assert (await both.register("box", "", disableAutoRegister=True)).status_code == 403
    await both.read()
    (alert,) = both.store.model.rows(ALERTS).values()
    known = rejection(alert)
    assert of_rejection(known) == states.WAITING_FOR_APPROVAL
    condition = evaluate(Facts("box", of_rejection(known), rejection=known), times.now())
    assert condition.owner == "operator" and condition.overdue == 0 and "box" in condition.cause
    assert condition.state.actions[0] == "host register"


async def test_from_registration_to_health_and_back(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    both = Both(*inside)
    credential = await both.host("a")
    assert await both.states("a") == (states.REGISTERED, states.REGISTERED)
    await both.beat("a", credential, 1)
    assert await both.states("a") == (states.HEALTHY, states.HEALTHY)
    await both.beat("a", credential, 2, "unhealthy", "disk / 97 % used")
    assert await both.states("a") == (states.UNHEALTHY_REPORTED, states.UNHEALTHY_REPORTED)
    await both.beat("a", credential, 3)
    both.quiet("a", 300.0)
    assert await both.states("a") == (states.SILENT, states.SILENT)
    both.quiet("a", 600.0)
    both.hub.state.hosts["a"].live.health = "unhealthy"
    assert await both.states("a") == (states.UNHEALTHY_SILENT, states.UNHEALTHY_SILENT)
    status = (await both.admin.get("/v1/edgehosts/a")).json()["status"]["edgewright"]
    assert status["overdue"] is True and 290 < status["condition"]["overdueSeconds"] < 310


async def test_a_registered_host_whose_machine_is_rejected(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    both = Both(*inside)
    credential = await both.host("a")
    await both.beat("a", credential, 1)
    await both.register("a", TOKEN)
    both.hub.state.hosts["a"].live.at = times.now()  # it reports after the first rejection: another machine is meant
    assert await both.states("a") == (states.HEALTHY, states.HEALTHY)
    both.quiet("a", 300.0)
    assert await both.states("a") == (states.CREDENTIAL_REFUSED, states.CREDENTIAL_REFUSED)
    status = (await both.admin.get("/v1/edgehosts/a")).json()["status"]
    assert status["health"]["state"] == "healthy", "a rejection changes no health"


async def test_operations_are_pending_and_then_overdue(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    both = Both(*inside)
    credential = await both.host("a")
    await both.beat("a", credential, 1)
    await both.admin.post("/edgewright/v1/hosts/a/operations", json={"kind": "reset"})
    await both.read()
    docs = (await both.admin.get("/edgewright/v1/hosts/a/operations")).json()["items"]
    both.store.emit("plane", OPERATIONS.seen, {"docs": docs})
    both.store.flush()
    for now, key in ((times.now(), states.OPERATION_PENDING), (times.now() + 1e5, states.OPERATION_OVERDUE)):
        (row,) = waiting_operations(both.store.model, now)
        condition = operation_condition(both.store.model, row, now)
        assert condition.state.key == key and (condition.overdue > 0) == (key == states.OPERATION_OVERDUE)
        assert any(each.label == states.ORDER and each.text == "reset" for each in condition.evidence)


@pytest.mark.parametrize("odd", [None, 7, [], {"since": "then"}, {"since": "2026-01-01T00:00:00Z", "addresses": [{}]}])
def test_an_odd_report_of_rejections_harms_nothing(odd: object) -> None:
    known = rejection_in({"status": {"edgewright": {"rejection": odd}}})
    assert known is None or (known.attempts, known.addresses) == (1, ())
