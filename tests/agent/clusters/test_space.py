"""A step that needs space waits for it before it starts, without a limit, and says what is missing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from edgewright.agent.clusters import host as hosts
from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content.fetch import Fetch
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.machine.activate import Activate
from edgewright.agent.clusters.machine.runtime import UNPACKED, Preload, Runtime
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters import model, tree
from tests.agent.clusters.support import FakeHost, cluster, context
from tests.agent.clusters.test_content import tree_document

LAYER, IMAGE = b"l" * 500_000, b"i" * 20_000
REF = "registry.invalid/web:1"


class Spare(FakeHost):
    """A host whose disk has 1 MB for what is to be written, and that notes what was asked for."""

    def __init__(self, top: Path) -> None:
        super().__init__(top)
        self.room, self.asked = 1_000_000, list[tuple[str, int]]()

    def short_of_space(self, name: str, size: int) -> str:
        self.asked.append((name, size))
        return "" if size <= self.room else f"{name} is full"


@pytest.fixture
def prepared(tmp_path: Path) -> Context:
    """Return a host whose store has a tree and an image that are not unpacked yet."""
    work = context(Spare(tmp_path))
    config = json.dumps(tree_document([])).encode()
    first, second, third = (work.store.add(data) for data in (config, LAYER, IMAGE))
    manifest = {
        "schemaVersion": 2, "artifactType": tree.ARTIFACT,
        "config": {"mediaType": tree.CONFIG, "digest": first, "size": len(config)},
        "layers": [{"mediaType": tree.LAYERS[0], "digest": second, "size": len(LAYER)}],
    }  # fmt: skip
    image = {
        "schemaVersion": 2,
        "config": {"digest": first, "size": 0},
        "layers": [{"digest": third, "size": len(IMAGE)}],
    }
    digests = [work.store.add(json.dumps(body).encode()) for body in (manifest, image)]
    document = dataclasses.replace(
        cluster(), tree=model.Artefact("127.0.0.1:5000/tree:v1", digests[0]), images=(model.Image(REF, digests[1]),)
    )
    ready = context(work.host, document)
    work.host.write(f"{ready.tree_folder}/tree.json", config)
    return ready


def test_each_step_that_writes_much_asks_for_its_space_first(prepared: Context) -> None:
    host = prepared.host
    assert isinstance(host, Spare)
    host.asked.clear()
    host.answers.append(lambda command: Ended(0, "REF TYPE DIGEST\n") if "images" in command else None)
    for step in (Fetch(), Activate(), Preload()):
        assert step.waits_for(prepared) == ""
    assert host.asked == [(paths.CONTENT, 0), (paths.TREES, len(LAYER)), (paths.CONTAINERD_ROOT, UNPACKED * len(IMAGE))]
    host.room = 10_000
    assert Activate().waits_for(prepared) == f"{paths.TREES} is full"
    assert Preload().waits_for(prepared) == f"{paths.CONTAINERD_ROOT} is full"
    Path(prepared.store.path(prepared.store.add(LAYER))).unlink()
    assert Fetch().waits_for(prepared) == f"{paths.CONTENT} is full"


def test_what_is_here_already_needs_no_space(prepared: Context) -> None:
    host = prepared.host
    assert isinstance(host, Spare)
    line = f"{REF} manifest {prepared.document.images[0].digest} 2MB linux/amd64 -"
    host.answers.insert(0, lambda command: Ended(0, f"REF TYPE DIGEST\n{line}\n") if "images" in command else None)
    host.room = -1
    assert Preload().waits_for(prepared) == ""
    host.write(f"{prepared.tree_folder}/.complete", b"")
    assert Activate().waits_for(prepared) == ""


def test_a_disk_is_full_before_kubernetes_has_no_space_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = FakeHost(tmp_path)
    assert host.short_of_space("/var/lib/edgewright/containerd", 0) == ""
    assert "needs 1,000,000,000 MB more" in host.short_of_space("/var", 10**15)
    monkeypatch.setattr(hosts, "SPARE", 10**18)
    assert "stay free for Kubernetes" in host.short_of_space("/var", 0)


def test_a_containerd_whose_database_is_damaged_does_not_count_as_running(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.write(paths.SOCKET, b"")
    damaged = Ended(1, "", "ctr: unknown service containerd.services.namespaces.v1.Namespaces")
    host.answers.append(lambda command: damaged if "namespaces" in command else None)  # its version it reports
    reason = "containerd does not answer: ctr: unknown service containerd.services.namespaces.v1.Namespaces"
    assert Runtime().seen(context(host)) == (Seen.NOT_DONE, reason)
    host.answers.clear()
    assert Runtime().seen(context(host))[0] is Seen.DONE
