"""What a host reports of its cluster is what was looked at, and what fails is in the log."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from edgewright.agent.clusters import paths, report
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube import kubeconfigs
from edgewright.agent.clusters.slices import read_part, store_part
from edgewright.agent.reconcile import exchange
from edgewright.core.clusters import model, observed
from edgewright.core.clusters.host_slice import HostSlice, Sealed, slice_json
from edgewright.core.clusters.tree import REQUIRED, Component, Tree, TreeImage
from edgewright.core.errors import Failed
from tests.agent.clusters.support import DIGEST, SECRET, FakeHost, cluster, context
from tests.agent.clusters.test_driver import World

LEADS = observed.Api(True, 0.0, lease=observed.Lease("host-1", 1.0, 3), nodes={})


def seen(**local: Any) -> observed.Observed:
    return observed.Observed("host-1", observed.Local(**local))


@pytest.fixture
def work(tmp_path: Path) -> Context:
    host = FakeHost(tmp_path)
    images = tuple(TreeImage(f"registry.k8s.io/{n}:v1", f"sha256:{n * 64}", 1) for n in "abc")
    programs = {name: Component(name, f"bin/{name}", "v1.36.3") for name in REQUIRED["kubeadm"]}
    tree = Tree("kubeadm", "v1.36.3", "amd64", programs, images)
    host.write(f"{paths.tree(DIGEST)}/tree.json", json.dumps(tree.document()).encode())
    extra = model.Image("registry.example/d:v1", "sha256:" + "9" * 64)
    return context(host, dataclasses.replace(cluster(), images=(extra,)))


def test_pins_count_the_images_of_tree_and_document_and_none_without_a_runtime(work: Context) -> None:
    assert report.host_report(work, seen(images_missing=1, runtime="x"))["pins"] == {"ok": 3, "of": 4}
    assert report.host_report(work, seen(images_missing=0, runtime="x"))["pins"] == {"ok": 4, "of": 4}
    assert report.host_report(work, seen(images_missing=1, runtime=""))["pins"] == {"ok": 0, "of": 4}


def test_no_pins_are_reported_before_the_tree_is_here(tmp_path: Path) -> None:
    assert "pins" not in report.host_report(context(FakeHost(tmp_path)), seen(images_missing=1, runtime="x"))


def test_the_version_is_that_of_the_active_tree_and_not_of_the_document(work: Context) -> None:
    work.host.write(paths.APPLIED, json.dumps({"uid": "c0ffee", "tree": "old", "version": "v1.35.2"}).encode())
    assert report.host_report(work, seen(tree="old"))["versions"] == {"kubernetes": "v1.35.2"}
    assert "versions" not in report.host_report(work, seen(tree=""))


def test_kubeconfigs_that_cannot_be_made_stop_no_report_and_are_in_the_log_once(
    work: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(context: Context) -> bool:
        raise Failed("kubeadm has made no kubeconfig.", "Look at its output on the host.")

    monkeypatch.setattr(report, "refresh", refuse)
    logged: list[str] = []
    look = report.reporting(
        lambda context: dataclasses.replace(seen(), api=LEADS),
        str(tmp_path / "run"),
        lambda p, text: logged.append(text),
    )
    for _ in range(3):
        look(work)
    body = exchange.get(str(tmp_path / "run"), "cluster-c0ffee") or {}
    assert body["cluster"]["leaseTransitions"] == 3 and body["host"]["generation"] == 1
    assert len(logged) == 1 and "kubeadm has made no kubeconfig" in logged[0]


def test_only_the_leader_has_the_kubeconfigs_on_its_disk(
    work: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(Path(work.data) / kubeconfigs.FOLDER)
    exchange.put(folder, "c0ffee", {"made": work.host.now(), "admin": "secret"})
    for lease, names in (
        (observed.Lease("host-1", 1.0, 3), ["c0ffee"]),
        (None, ["c0ffee"]),  # not known now
        (observed.Lease("host-2", 1.0, 4), []),
    ):
        now = dataclasses.replace(seen(), api=dataclasses.replace(LEADS, lease=lease))
        report.reporting(Mock(return_value=now), str(tmp_path / "run"))(work)
        assert exchange.names(folder) == names


def test_a_host_that_has_left_has_no_kubeconfig_of_the_cluster(tmp_path: Path) -> None:
    world = World(tmp_path)
    folder = str(Path(world.data) / kubeconfigs.FOLDER)
    for uid in ("c0ffee", "other"):
        exchange.put(folder, uid, {"admin": "secret"})
    store_part(world.data, "c0ffee", slice_json(HostSlice(Sealed(cluster_secret=SECRET))))
    world.driver.left({"uid": "c0ffee"})
    assert exchange.names(folder) == ["other"] and not read_part(world.data, "c0ffee").sealed.cluster_secret
