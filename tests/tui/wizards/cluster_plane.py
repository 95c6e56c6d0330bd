"""A plane for the cluster wizard: published profiles, preflights of hosts, the plane's check, what was created."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgewright.clients import ports
from edgewright.clients.palette.pages import Page
from edgewright.core.errors import EdgewrightError
from edgewright.core.profiles.model import Option, Profile, Variable
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.tui.driving import Driven, until
from tests.tui.plane import FakePlane
from tests.tui.samples import fleet, host
from tests.tui.wizards.profile_driving import stack
from tests.tui.wizards.profiling import ProfilePlane, Reply
from tui.terminal.paint.screen_text import screen_text
from tui.wizards.cluster.wizard import ClusterWizard

CITY = Variable("city", "City", "Where the shop is.", required=True)
COPIES = Variable("copies", "Copies", "How many run.", format="number", default="2")
SIZE = Variable("size", "Size", input="dropdown", options=(Option("small"), Option("large")), default="small")
PASSWORD = Variable("password", "Password", "Of the shop.", masked=True)
NETWORKS = """\
cluster:
  config:
    kubeletConfiguration: {failSwapOn: false}
    clusterConfiguration:
      networking:
        podSubnet: 100.64.0.0/18
        serviceSubnet: 100.64.64.0/18
"""
GOOD = [
    {"id": "disk", "state": "ok", "text": "30.0 GB free"},
    {"id": "memory", "state": "ok", "text": "32768 MB"},
    {"id": "clock", "state": "ok", "text": "within 5 s of the plane's"},
]
SHORT = [{"id": "disk", "state": "failed", "text": "1.2 GB free on /, 20 GB are recommended", "next": "Free space."}]


def shop(*variables: Variable, name: str = "shop", version: str = "1.0.0") -> Profile:
    """Return a profile that gives its networks."""
    layers = tuple(replace(each, values=NETWORKS) if each.kind == "k8s" else each for each in stack().layers)
    return replace(stack(), name=name, version=version, layers=layers, variables=variables, description="Tills")


def addon() -> Profile:
    """Return an add-on profile."""
    return Profile("cameras", type="add-on", version="2.0.0", description="Cameras of the shop")


class ClusterPlane(ProfilePlane):
    """Answers what the wizard asks. `bodies` were created, `checked` were only checked."""

    def __init__(self, *known: Profile) -> None:
        super().__init__(*(known or (shop(CITY, COPIES, SIZE, PASSWORD), shop(version="0.9.0"), addon())))
        self.bodies: list[Any] = []
        self.checked: list[Any] = []
        self.wrong: list[str] = []
        self.checks: dict[str, list[dict[str, str]]] = {}
        self.failing: EdgewrightError | None = None
        self.clusters: list[dict[str, Any]] = []

    async def port(self, wanted: type) -> Any:
        return self if wanted is ports.CanCall else await FakePlane.port(self, wanted)

    async def call(self, method: str, path: str, what: str, *, body: Any = None, **more: Any) -> Reply:
        if path == wire.SEARCH:
            self._called(path, what)
            return Reply({"items": self.clusters, "listmeta": {"count": len(self.clusters)}})
        if path == wire.VALIDATE:
            self._called(path, what)
            self.checked.append(body)
            errors = [{"message": text} for text in self.wrong]
            return Reply({"machinePools": {"results": [{"errors": errors}]}, "profiles": []})
        if path == wire.CREATE:
            self.bodies.append(body)
            return Reply({"uid": "cluster-1"})
        if path.startswith("/v1/packs/"):
            return Reply({})
        return await super().call(method, path, what, body=body, **more)

    def _row(self, uid: str) -> dict[str, Any]:
        row = super()._row(uid)
        spec = row["specSummary"]
        names = [variable.name for variable in self.known[uid].variables]
        row["specSummary"] = {
            "version": spec["version"],
            "published": spec["draft"],
            protocol.EXTENSION: {"variables": names},
        }
        row["metadata"]["annotations"]["description"] = self.known[uid].description
        row["status"] = {"isPublished": True}
        return row

    async def hosts_search(self, spec: Any = None, **more: Any) -> Page:
        return Page(list(self.hosts.values()))

    async def operating_create(self, uid: str, kind: str, params: Any = None, key: str | None = None) -> str:
        self._called("operation", f"{kind} {uid}")
        if self.failing is not None:
            raise self.failing
        return f"op-{uid}"

    async def operating_get(self, uid: str, operation_id: str) -> dict[str, Any]:
        checks = self.checks.get(uid, GOOD)
        return {"status": {"state": "succeeded"}, "result": {"checks": checks, "message": "checked"}}


def small_fleet() -> list[dict[str, Any]]:
    """Return free hosts, and one of each kind that is not offered."""
    odd = fleet()[:3]
    free = [host(f"shop-{n}", "berlin-04", tags=["line:1"]) for n in range(1, 4)]
    for number, each in enumerate(free, 1):
        each["spec"]["device"]["nics"][0]["ip"] = f"10.4.1.{10 + number}"
    return [*odd, *free]


def wizard(pilot: Driven) -> ClusterWizard:
    screen = pilot.app.screen
    assert isinstance(screen, ClusterWizard)
    return screen


def state(pilot: Driven) -> Any:
    return wizard(pilot).wizard_state


def shown(pilot: Driven) -> str:
    return screen_text(pilot.app)


async def on(pilot: Driven, key: str) -> None:
    """Wait until a page is in front and nothing is under way."""

    def there() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, ClusterWizard) or screen.wizard_state.key != key or not screen.is_settled:
            return False
        return not screen._loading and not screen._doing and not screen.plane_doing and not screen.preflight_runs

    try:
        await until(pilot, there)
    except AssertionError:
        raise AssertionError(f"page {key} does not come:\n{shown(pilot)}") from None


ANSWERS: dict[str, Any] = {
    "name": "store-7",
    "tags": {"site": "berlin"},
    "profiles": [{"uid": "prof-1", "name": "shop", "version": "1.0.0", "kind": "full"}],
    "variables": {"prof-1": {"city": "Berlin", "password": "hunter2"}},
    "vip": "10.4.1.100",
    "pools": [
        {
            "name": "control-planes", "role": "control-plane", "works": True, "max_unavailable": None, "labels": {},
            "annotations": {},
            "taints": [], "hosts": [{"uid": "uid-shop-1", "name": "shop-1", "address": "", "nic": ""}],
        },
        {
            "name": "workers", "role": "worker", "works": False, "max_unavailable": 2, "labels": {"zone": "a"},
            "annotations": {"example.org/owner": "shop"},
            "taints": ["gpu=yes:NoSchedule"],
            "hosts": [{"uid": "uid-shop-2", "name": "shop-2", "address": "10.4.1.12", "nic": "eno1"}],
        },
    ],
    "ntp": ["ntp.example.org"],
    "namespaces": [{"name": "tills", "cpu": "0.5", "memory": "4096"}],
    "role_bindings": [
        {"name": "viewers", "role": "view", "namespace": "tills", "users": ["ana"], "groups": [], "accounts": []}
    ],
}  # fmt: skip
"""What a user may have answered."""


async def at(pilot: Driven, key: str, **changes: Any) -> None:
    """Open a page of a wizard that was answered already."""
    await on(pilot, "about")
    made = wizard(pilot)
    made.wizard_state.answers.update({**ANSWERS, **changes})
    await made.know_profiles()
    made.wizard_state.seen = {"about", "profile", "variables", "network", "hosts", "preflight", "settings"}
    await made.open_page(key)
    await on(pilot, key)
