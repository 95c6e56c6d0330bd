"""The Helm chart on a cluster of the lab: two hubs behind one name, with a database outside of the cluster.

The image is built by the forge and pulled from the lab's registry; PostgreSQL runs on this machine, reached over TLS
with a password. What is installed is what docs/high-availability.md says, by the kubeconfig that operators get.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from edgewright.clients.http.credential import Credential
from edgewright.clients.http.transport import Transport
from edgewright.clients.relay import open_stream
from edgewright.lab.kubernetes import build, versions
from edgewright.wire.protocol import relay
from tests import postgres
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.formed import Formed
from tests.e2e.kubernetes.planes.charted import (
    HOST,
    NAMESPACE,
    RELEASE,
    SECRET,
    STATE,
    Charted,
    Writer,
    settled,
)
from tests.hub.clusters.plane import Site
from tests.hub.relay.rig import echo, host_side
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def place(make_fleet: Callable[..., Fleet], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charted]:
    """Return a cluster of one node with the chart installed, and a host that is registered through its one name."""
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    with ExitStack() as stack:
        fleet = make_fleet("--hosts", "1", "--heartbeat", "10", "--kubernetes", versions.DEFAULT, "--cluster")
        lab = Formed(fleet, versions.DEFAULT)
        server = stack.enter_context(postgres.cluster(listen=f"{lab.net}.1"))
        place = Charted(lab, server, tmp_path_factory.mktemp("chart"))
        stack.callback(place.close)
        yield prepared(place)
        print("\n".join(lab.took))


def prepared(place: Charted) -> Charted:
    """Install the chart and register the host."""
    timed, base = place.lab.timed, place.base()
    for tag in (1, 2):
        place.digests.append(timed(f"image {tag}", partial(place.image, f"t{tag}", base, tag)))
    place.prepare(place.database())
    place.notes = timed("helm install until both pods are ready", lambda: place.install(place.digests[0]))
    place.first_steps(place.notes)
    place.agent()
    timed("the host is healthy", lambda: until("the host is healthy", 60, lambda: place.health() == "healthy"))
    return place


def test_both_hubs_are_ready_on_one_node_and_without_rights(place: Charted) -> None:
    pods = place.pods()
    assert {pod["node"] for pod in pods.values()} == set(place.nodes), pods
    assert [(pod["ready"], pod["restarts"]) for pod in pods.values()] == [(True, 0)] * 2, pods
    for name in pods:
        script = 'id -u; id -g; grep -E "^(Cap(Eff|Bnd)|NoNewPrivs|Seccomp):" /proc/1/status'
        shown = place.kubectl(f"exec {name} -c hub -- sh -c '{script}'")
        facts = shown.split()
        assert facts[:2] == ["10001", "10001"] and facts[2:] == [
            "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2",
        ], shown  # fmt: skip
        refused = place.kubectl(f"exec {name} -c hub -- sh -c 'touch /opt/x 2>&1 || true'")
        assert "Read-only file system" in refused
        key = place.kubectl(f"exec {name} -c hub -- stat -c '%u %a' {STATE}/secret.key")
        assert key.split() == ["10001", "400"]


def test_each_hub_has_an_address_of_its_own_and_a_certificate_for_it(place: Charted) -> None:
    pods = list(place.pods().items())
    assert place.hubs_up() == {f"https://{pod['ip']}:8443" for _, pod in pods}
    for (name, _), (_, other) in (pods, pods[::-1]):
        for address in (other["ip"], f"{RELEASE}.{NAMESPACE}.svc"):
            script = (
                "import ssl, urllib.request as r; "
                f'c = ssl.create_default_context(cafile="{STATE}/ca.crt"); '
                f'print(r.urlopen("https://{address}:8443/readyz", context=c, timeout=10).status)'
            )
            assert place.kubectl(f"exec {name} -c hub -- python3 -c '{script}'").strip() == "200"


async def test_a_stream_of_the_relay_passes_from_one_pod_to_the_other(place: Charted) -> None:
    """Its client is at one pod, its host at the other one, each by the pod's own address."""
    pods = list(place.pods().values())
    networks = {place.nodes[pod["node"]]: pod["ip"].rpartition(".")[0] + ".0/24" for pod in pods}
    for node, network in networks.items():
        subprocess.run(["ip", "route", "replace", network, "via", node], check=True)
    first, second = (place.hub_at(pod) for pod in pods)
    site = Site(first, 1)
    uid, host = site.create(controls=1), site.hosts[0]
    there = Transport(second.url, Credential(api_key=second.admin_key), second.ca)
    try:
        with echo() as port, host_side(site, host, {relay.SSH: port}) as side:
            until(
                "the other hub knows the cluster",
                20,
                lambda: second.client().get(f"/v1/spectroclusters/{uid}").is_success,
            )
            stream = await open_stream(there, uid, relay.SSH)
            await stream.write(b"through both")
            assert await stream.read() == b"through both"
            assert len(side.asked) == 1
            stream.close()
    finally:
        await there.aclose()
        for network in networks.values():
            subprocess.run(["ip", "route", "del", network], check=False)


def test_pods_end_and_nothing_acknowledged_is_lost(place: Charted) -> None:
    """One ends in order, one is killed; the host stays healthy, console and command line go on."""
    console = place.console()
    try:
        console.wait("• live", patience=40)
        console.write(b"2")
        console.wait(HOST, patience=30)
        with Writer(place) as writer:
            until("writes", 20, lambda: len(writer.acknowledged) > 5)
            for words in ("", "--grace-period=0 --force"):
                name = next(iter(place.pods()))
                place.kubectl(f"delete pod {name} --wait=false {words}")
                for _ in range(3):
                    assert place.health() == "healthy"
                place.lab.timed(f"ready again after delete {words}", lambda: settled(place))
                print(writer.shown(), flush=True)
                assert not writer.failed, writer.shown()
            console.wait("• live", HOST, patience=20)
        assert writer.lost() == []
    finally:
        console.close()
    assert place.turned_unhealthy() == []


def test_the_budget_lets_one_pod_be_moved_at_a_time(place: Charted) -> None:
    """What draining a node asks for: a second pod only when the first one's successor is ready."""
    settled(place)
    first, second = place.pods()
    assert evict(place, first) == ""
    assert "disruption budget" in evict(place, second)
    settled(place)
    assert second in place.pods() and first not in place.pods()


def evict(place: Charted, name: str) -> str:
    """Evict a pod as `kubectl drain` does; returns what was refused."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": NAMESPACE}}
    (place.folder / "eviction.json").write_text(json.dumps(body))
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction"
    done = place.shell(f"kubectl create --raw {path} -f eviction.json >/dev/null 2>refused || true; cat refused")
    return done.strip()


def test_an_upgrade_replaces_both_pods_under_load(place: Charted) -> None:
    before = place.pods()
    with Writer(place) as writer:
        until("writes", 20, lambda: len(writer.acknowledged) > 5)
        place.lab.timed("helm upgrade", lambda: place.install(place.digests[1], "upgrade"))
        settled(place)
    print(writer.shown(), flush=True)
    after = place.pods()
    assert not set(before) & set(after)
    assert all(pod["image"].endswith(place.digests[1]) and pod["restarts"] == 0 for pod in after.values()), after
    assert writer.lost() == [] and not writer.failed, writer.shown()
    assert place.turned_unhealthy() == []


def test_without_its_database_no_pod_is_ready_and_none_is_restarted(place: Charted) -> None:
    before = place.pods()
    place.server.stop()
    try:
        until("no pod is ready", 60, lambda: place.ready() == 0, 1.0)
        print(place.cli("host", "list", code=5))
    finally:
        place.server.start()
    place.lab.timed("ready after the database is back", lambda: settled(place))
    assert {name: pod["restarts"] for name, pod in place.pods().items()} == dict.fromkeys(before, 0)
    assert place.turned_unhealthy() == []


def test_uninstall_leaves_the_database_and_another_release_goes_on_with_it(place: Charted) -> None:
    place.shell(f"helm uninstall {RELEASE} -n {NAMESPACE} --wait --timeout 3m")
    kinds = "all,secrets,configmaps,networkpolicies,poddisruptionbudgets,persistentvolumeclaims,serviceaccounts"

    def left() -> set[str]:
        return set(place.kubectl(f"get {kinds},endpointslices -o name").split())

    expected = {f"secret/{SECRET}", "configmap/kube-root-ca.crt", "serviceaccount/default"}
    until("nothing is left", 60, lambda: left() == expected, 1.0)
    place.lab.timed("install again", lambda: place.install(place.digests[1]))
    place.lab.timed("the same host is healthy by its credential", lambda: settled(place))
    for name in place.pods():
        assert "admin-api-key" not in place.kubectl(f"exec {name} -c hub -- ls {STATE}"), "the first key is valid"
