"""`lab up --cluster`: the documents are what the product reads, and the checklist is followed to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.clusters import definition
from edgewright.core.errors import Failed, TimedOut
from edgewright.lab import cli, product, tools
from edgewright.lab.kubernetes import build, cluster, documents
from edgewright.lab.state import REGISTRY, Folder, LabState, Member

IMAGES = [
    "ghcr.io/flannel-io/flannel:v0.28.9",
    "ghcr.io/flannel-io/flannel-cni-plugin:v1",
    "docker.io/rancher/local-path-provisioner:v0.0.30",
    "docker.io/library/busybox:latest",
    "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
    "edgewright.invalid/web:1.0.0",
]


def lab(tmp_path: Path, count: int = 3) -> tuple[Folder, LabState]:
    folder = Folder(tmp_path)
    state = LabState(folder.name, "10.66.7", "https://10.66.7.2:8443", "up", kubernetes="v1.36.3")
    state.registry = Member(REGISTRY, "10.66.7.3")
    state.hosts = {f"edge{n}": Member(f"edge{n}", f"10.66.7.{10 + n}") for n in range(1, count + 1)}
    return folder, state


def row(title: str, state: str, text: str = "edge1", hosts: tuple[str, ...] = ("edge1",)) -> dict[str, Any]:
    return {"title": title, "state": state, "text": text, "hosts": hosts, "sentence": f"{title}: {state}: {text}"}


def shown(rows: list[dict[str, Any]], state: str = "Provisioning", applied: int = 0) -> dict[str, Any]:
    ours = {"checklist": rows, "healthState": "healthy", "applied": applied, "hosts": 1}
    return {"status": {"state": state, "edgewright": ours}}


@pytest.mark.parametrize(
    ("count", "planes", "workers"), [(1, 1, 0), (2, 1, 1), (3, 3, 0), (5, 3, 2)], ids=lambda value: str(value)
)
def test_pools_have_an_odd_number_of_control_planes(count: int, planes: int, workers: int, tmp_path: Path) -> None:
    hosts = [f"edge{number}" for number in range(count)]
    documents.write_cluster(tmp_path / "c.yaml", "lab", "lab", "10.66.7.250", documents.pools(hosts))
    document = json.loads((tmp_path / "c.yaml").read_text())
    wanted, problems = definition.read(document["metadata"]["name"], document["answers"])
    assert not problems
    assert [len(pool.hosts) for pool in wanted.pools if pool.config["isControlPlane"]] == [planes]
    assert sum(len(pool.hosts) for pool in wanted.pools if not pool.config["isControlPlane"]) == workers
    assert wanted.pools[0].config.get("useControlPlaneAsWorker", False) is (workers == 0)


def test_a_profile_names_the_tree_of_the_lab_and_has_no_mark_left(tmp_path: Path) -> None:
    registry = {"tree": "10.66.7.3:5000/edgewright/kubernetes:tree-1", "digest": "sha256:0"}
    documents.write_profile(tmp_path, "lab", "v1.36.3", registry, iter(IMAGES))
    values = json.loads((tmp_path / "layers/edge-k8s/values.yaml").read_text())
    assert values["tree"] == {"ref": registry["tree"], "digest": registry["digest"]}
    networks = values["cluster"]["config"]["clusterConfiguration"]["networking"]
    assert networks == {"podSubnet": documents.POD_CIDR, "serviceSubnet": documents.SERVICE_CIDR}
    for layer, _ in documents.LAYERS:
        text = (tmp_path / "layers" / layer / "manifests" / f"{layer}.yaml").read_text()
        assert "_IMAGE@" not in text and "@POD_CIDR@" not in text


def test_progress_shows_what_changed_and_now_and_then_what_runs() -> None:
    progress = cluster.Progress()
    rows = [row("Fetch", "running"), row("Init", "pending"), row("Join", "unknown")]
    assert progress.lines(rows, 0.0) == ["Fetch: running: edge1"]
    assert progress.lines(rows, 10.0) == []
    assert progress.lines(rows, 40.0) == ["Fetch: running: edge1"]
    rows = [row("Fetch", "done"), row("Init", "running"), row("Join", "unknown")]
    assert progress.lines(rows, 41.0) == ["Fetch: done: edge1", "Init: running: edge1"]
    assert progress.lines(rows[:1], 500.0) == []


def test_the_cluster_is_followed_until_it_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, state = lab(tmp_path, 1)
    replies: list[Any] = [
        shown([row("Fetch", "running")]),
        Failed("The hub is unreachable."),
        Failed("The hub is unreachable."),
        shown([row("Fetch", "done")], "Running", 0),
        shown([row("Fetch", "done")], "Running", 1),
    ]

    def call(env: dict[str, str], *words: str, timeout: float = 60.0) -> Any:
        assert words == ("cluster", "show", "lab") and env["EDGEWRIGHT_URL"] == state.endpoint
        reply = replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    monkeypatch.setattr(product, "call", call)
    lines: list[str] = []
    cluster.follow(folder, state, lines.append, every=0.0)
    expected = ["Fetch: running: edge1", "The hub is unreachable.", "Fetch: done: edge1"]
    assert lines == [*expected, "cluster lab: running and healthy, 1 of 1 hosts"] and not replies


def test_a_step_that_waits_for_an_operator_ends_the_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, state = lab(tmp_path, 1)
    stuck = shown([row("Preflight", "failed", "edge1 the VIP is in use; then: host retry")])
    monkeypatch.setattr(product, "call", lambda *words: stuck)
    with pytest.raises(Failed, match="the VIP is in use") as caught:
        cluster.follow(folder, state, lambda line: None, every=0.0)
    assert "edgewright host retry" in caught.value.hint
    monkeypatch.setattr(product, "call", lambda *words: shown([row("Fetch", "failed", "edge1 registry down")]))
    with pytest.raises(TimedOut, match="not healthy") as late:  # what a host repeats by itself
        cluster.follow(folder, state, lambda line: None, patience=0.01, every=0.0)
    assert f"edgewright --context {state.name} cluster show lab" in late.value.hint


def test_hosts_register_before_the_cluster_is_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, state = lab(tmp_path, 2)
    at = folder.path / REGISTRY
    at.mkdir()
    (at / "artefact.json").write_text(json.dumps({"repository": "r", "tag": "t", "digest": "sha256:0"}))
    calls: list[tuple[str, ...]] = []
    seen = [[], [f"{state.name}-edge2"], [f"{state.name}-edge2", f"{state.name}-edge1"]]

    def call(env: dict[str, str], *words: str, timeout: float = 60.0) -> Any:
        calls.append(words)
        return [{"metadata": {"uid": uid}} for uid in seen.pop(0)] if words == ("host", "list") else None

    class Tree:
        version = "v1.36.3"

        def images(self) -> dict[str, str]:
            return dict.fromkeys(IMAGES, "sha256:0")

    monkeypatch.setattr(product, "call", call)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    lines: list[str] = []
    cluster.form(folder, state, Tree(), lines.append)  # type: ignore[arg-type]
    assert lines[:2] == ["waiting for hosts to register: edge1, edge2", "waiting for hosts to register: edge1"]
    assert [words[1:3] for words in calls[3:]] == [("apply", "-f"), ("profile", "publish"), ("apply", "-f")]
    answers = json.loads((folder.path / "documents/cluster.yaml").read_text())["answers"]
    assert answers["vip"] == "10.66.7.250"


def test_what_the_plane_refuses_is_reported_with_its_sentences() -> None:
    refused = json.dumps(
        {"code": "InvalidCluster", "message": "The VIP is in use.", "hint": "Choose another."}, indent=2
    )
    with pytest.raises(Failed, match=r"failed with code 7: The VIP is in use\. Choose another\."):
        tools.run(["sh", "-c", f"echo '{refused}' >&2; exit 7"])
    with pytest.raises(Failed, match=r"failed with code 1: the last \{ line"):
        tools.run(["sh", "-c", "echo first >&2; echo 'the last { line' >&2; exit 1"])
    with pytest.raises(Failed, match="failed with code 1: no output"):
        tools.run(["sh", "-c", "exit 1"])


def test_ctrl_c_leaves_the_cluster_forming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, state = lab(tmp_path)

    def interrupted(*words: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "find", lambda version: None)
    monkeypatch.setattr(cluster, "form", lambda *words: None)
    monkeypatch.setattr(cluster, "follow", interrupted)
    assert cli._form(folder, state, lambda line: None) == 130
    assert f"edgewright --context {state.name} cluster show lab" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--cluster"], ["--kubernetes", "v1.36.3", "--cluster", "--bare"],
              ["--kubernetes", "v1.36.3", "--cluster", "--endpoint", "https://plane:8443", "--token-file", "t"]]
)  # fmt: skip
def test_a_cluster_needs_a_version_and_the_hub_of_the_lab(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "shortcomings", lambda: [])
    assert cli.main(["up", *words, "--dir", str(tmp_path)]) == 2
    assert "--cluster needs" in capsys.readouterr().err
