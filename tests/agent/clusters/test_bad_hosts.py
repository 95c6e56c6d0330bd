"""Bad input that only a host notices: one sentence with the object and the next step, and the next look is clean.

What the plane notices is in `tests/cli/test_bad_clusters.py`; how a sentence of a host reaches API and command line
too. Clocks and machine-ids of two members: `test_peer.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import preflight
from edgewright.agent.clusters.content import sources
from edgewright.agent.clusters.content.sources import Puller
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.vip import arp
from edgewright.agent.kernel.plane_link import STATUS
from edgewright.agent.kernel.state import read_checked, write_checked
from edgewright.agent.reconcile import checks as host_checks
from edgewright.agent.reconcile.checks import FAILED, OK, UNKNOWN, WARNING, Check
from edgewright.core.clusters import model
from edgewright.core.clusters.host_slice import HostSlice, Source
from edgewright.core.errors import EdgewrightError
from edgewright.oci.registry import Registry
from edgewright.oci.work import Unwatched
from tests.agent.clusters.support import FakeHost, cluster, context
from tests.agent.conftest import Bench
from tests.oci.fake_registry import clean_home
from tests.oci.raw_server import RawServer, certificate, give

Patch = pytest.MonkeyPatch
Row = tuple[Callable[[Context], Check], str, str]
MAC = "02:00:00:00:00:07"
ADDRESS = "2: eth0    inet 10.0.0.11/24 brd 10.0.0.255 scope global eth0"


FULL = "1.0 GB free on /var/lib, 4 GB are needed; 1.0 GB free on /opt, 4 GB are needed Free space."
INSTALLED = "Kubernetes is installed already: /etc/kubernetes/kubelet.conf "
INSTALLED += "Remove that installation (kubeadm reset, k3s-uninstall.sh) or use another host."


@pytest.fixture
def work(tmp_path: Path) -> Context:
    host = FakeHost(tmp_path / "host")
    host.answers.append(lambda words: Ended(0, ADDRESS) if words[0] == "ip" else None)
    return context(host, cluster(1))


def answering(work: Context, patch: Patch) -> None:
    patch.setattr(arp, "probe", lambda *_: [MAC])


def silent(work: Context, patch: Patch) -> None:
    patch.setattr(arp, "probe", lambda *_: [])


def free(size: int) -> Callable[[Context, Patch], None]:
    return lambda work, patch: patch.setattr(host_checks, "real_space", lambda path: (10**12, 0, size))


def kubelet(work: Context, patch: Patch) -> None:
    work.host.write("/etc/kubernetes/kubelet.conf", b"x")


def no_kubelet(work: Context, patch: Patch) -> None:
    Path(work.host.path("/etc/kubernetes/kubelet.conf")).unlink()


def listening(ports: set[int]) -> Callable[[Context, Patch], None]:
    return lambda work, patch: patch.setattr(host_checks, "listening", lambda tables: ports)


def moved(text: str) -> Callable[[Context, Patch], None]:
    def change(work: Context, patch: Patch) -> None:
        patch.setattr(work.host, "run", lambda words, *_: Ended(0, text))

    return change


@pytest.mark.parametrize(
    ("check", "wrong", "sentence", "right"),
    [
        (preflight.vip, answering, f"10.0.0.100 is in use by {MAC} Choose a free address.", silent),
        (preflight.vip, moved("2: eth0    inet 192.0.2.11/24 scope global eth0"),
         "10.0.0.100 is in no subnet of eth0 Choose an address of the same subnet.", moved(ADDRESS)),
        (preflight.address, moved("2: eth0    inet 10.0.0.77/24 scope global eth0"),
         "no interface has 10.0.0.11 Correct the member's address.", moved(ADDRESS)),
        (preflight.disk, free(10**9), FULL, free(10**10)),
        (preflight.foreign, kubelet, INSTALLED, no_kubelet),
        (preflight.ports, listening({6443, 22}), "in use: 6443 (API server) Stop what uses them: ss -ltnp",
         listening({22})),
    ],
    ids=["VIP answers ARP", "VIP in no subnet", "another address", "disk", "kubelet", "port"],
)  # fmt: skip
def test_preflight_names_it_and_passes_when_it_is_corrected(
    work: Context,
    check: Callable[[Context], Check],
    wrong: Callable[[Context, Patch], None],
    sentence: str,
    right: Callable[[Context, Patch], None],
    monkeypatch: Patch,
) -> None:
    monkeypatch.setattr(type(work), "nic", property(lambda self: "eth0"))
    silent(work, monkeypatch)
    wrong(work, monkeypatch)
    bad = check(work)
    assert (bad.state, f"{bad.text} {bad.next}") == (FAILED, sentence)
    right(work, monkeypatch)
    assert check(work).state == OK


def test_what_the_fetch_has_brought_is_no_reason_to_fail_the_next_preflight(work: Context, monkeypatch: Patch) -> None:
    """It runs beside the preflight, which may fail for another reason: then less is free, and less is needed."""
    free(preflight.SPACE - 700_000)(work, monkeypatch)
    assert preflight.disk(work).state == FAILED
    work.store.add(b"i" * 400_000)
    assert preflight.disk(work).state == FAILED
    work.host.write(f"{work.tree_folder}/bin/kubelet", b"k" * 300_000)
    assert preflight.disk(work).state == OK


@pytest.mark.parametrize(
    ("off", "state", "text"),
    [
        ("90.0", FAILED, "1 min ahead of the plane's"),
        ("-31536000.0", FAILED, "behind the plane's"),
        ("30.0", WARNING, "30 s ahead of"),
        ("0.4", OK, "within 5 s of the plane's"),
        (None, UNKNOWN, "the plane's clock is not known"),
    ],
)
def test_a_clock_is_compared_with_the_planes(work: Context, off: str | None, state: str, text: str) -> None:
    Path(work.data).mkdir(parents=True)
    if off is not None:
        write_checked(f"{work.data}/status.json", {"clockOff": off}, durable=False)
    check = preflight.clock(work)
    assert check.state == state and text in check.text
    assert bool(check.next) is (state != OK)


def test_the_link_notes_the_clock_at_each_heartbeat(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    agent.step()
    status = read_checked(f"{bench.flags.data}/{STATUS}.json")[0] or {}
    assert abs(float(status["clockOff"])) < 60


def test_docker_may_stay(work: Context) -> None:
    work.host.write("/run/docker.sock", b"")
    check = preflight.foreign(work)
    assert check.state == WARNING and "It may stay" in check.next


REF, DATA = "registry.example/web:1", b"{}"
KIND = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def pull(work: Context, url: str, digest: str = DIGEST, ca: str = "") -> bytes:
    part = HostSlice(sources=(Source("registry", url, ca),) if ca else (Source("registry", url),))
    with Puller(work.store, REF, digest, part, Unwatched()) as puller:
        return puller.manifest(digest)


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: Patch) -> None:
    clean_home(tmp_path, monkeypatch)
    monkeypatch.setattr(Registry, "pause", lambda *_: None)
    every = sources.sources_for
    monkeypatch.setattr(sources, "sources_for", lambda ref, part: every(ref, part)[:-1])  # no name server is asked


def test_a_registry_that_refuses_is_down_or_has_other_content_is_named(work: Context, quick: None) -> None:
    for status, reason, step in (
        ("401 Unauthorized", "wants a login, and this host has none", "a login that may read it"),
        ("403 Forbidden", "does not allow an anonymous client", "a login that may read it"),
        ("404 Not Found", "does not have it", "correct the reference in the profile"),
        ("500 Internal Server Error", "an error of its own, 500", "Check the registry and the network"),
    ):
        refusing = RawServer(give(status))
        with pytest.raises(EdgewrightError) as caught:
            pull(work, refusing.url)
        refusing.close()
        assert refusing.host in caught.value.message and reason in caught.value.message
        assert step in caught.value.hint
    with pytest.raises(EdgewrightError) as caught:
        pull(work, refusing.url)
    assert caught.value.code == "NoSource" and f"{refusing.host} cannot be reached" in caught.value.message
    other = RawServer(give("200 OK", b"something else"))
    with pytest.raises(EdgewrightError, match="gave another thing than sha256:") as caught:
        pull(work, other.url)
    assert caught.value.hint == "Do not trust it: push the content again."
    other.close()
    good = RawServer(give("200 OK", DATA, **KIND))
    assert pull(work, good.url) == DATA, "nothing of the failures is left"
    good.close()


def test_a_registry_with_another_authority_is_named(work: Context, quick: None, tmp_path: Path) -> None:
    made = certificate(tmp_path)
    server = RawServer(give("200 OK", DATA, **KIND), made.context)
    with pytest.raises(EdgewrightError) as caught:
        pull(work, server.url)
    assert f"The certificate of the registry {server.host} is not accepted" in caught.value.message
    assert "edgewright registry add NAME ADDRESS --ca FILE" in caught.value.hint
    assert pull(work, server.url, ca=made.ca.read_text()) == DATA
    server.close()


def test_a_host_of_another_cluster_is_not_taken(work: Context) -> None:
    work.host.write(paths.OWNER, b'{"uid": "other"}')
    other = context(work.host, cluster(1, bootstrap=model.Bootstrap("host-1")))
    with pytest.raises(EdgewrightError) as caught:
        other.claim()
    assert "other" in caught.value.message and caught.value.hint
