"""Kubeconfigs in files of the user: a cluster is added or replaced, the rest stays; a proxy overwrites nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import pytest
import yaml

from edgewright.commands.cluster import kubeconfig_file
from edgewright.commands.cluster.kubeconfig_file import default_path, merge_into, merged
from edgewright.commands.kube.proxy import kubeconfig_path
from edgewright.core.errors import Conflict, Failed, InvalidInput

MADE = yaml.safe_dump(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubernetes", "cluster": {"server": "https://10.0.0.9:6443"}}],
        "users": [{"name": "edgewright:operator", "user": {"client-key-data": "a"}}],
        "contexts": [{"name": "x", "context": {"cluster": "kubernetes", "user": "edgewright:operator"}}],
        "current-context": "x",
    }
)


def test_a_cluster_is_added_and_replaced_and_the_current_context_stays(tmp_path: Path) -> None:
    path = tmp_path / "kube" / "config"
    merge_into(path, "north", MADE)
    merge_into(path, "south", MADE)
    merge_into(path, "north", MADE.replace("10.0.0.9", "10.0.0.8"))
    assert path.stat().st_mode & 0o777 == 0o600
    document = yaml.safe_load(path.read_text())
    assert [entry["name"] for entry in document["clusters"]] == ["south", "north"]
    assert document["clusters"][1]["cluster"]["server"] == "https://10.0.0.8:6443"
    assert document["clusters"][1]["cluster"]["tls-server-name"] == "kubernetes"
    assert document["current-context"] == "north" and len(document["contexts"]) == len(document["users"]) == 2


@pytest.mark.parametrize("before", ["- a list\n", "kind: Pod\n", "clusters: 7\n", "a: [\n"])
def test_what_is_no_kubeconfig_is_left_as_it_is(tmp_path: Path, before: str) -> None:
    path = tmp_path / "config"
    path.write_text(before)
    with pytest.raises(InvalidInput):
        merge_into(path, "north", MADE)
    assert path.read_text() == before
    with pytest.raises(InvalidInput, match="no cluster and user"):
        merged("", "north", "kind: Config\n")


def test_the_file_is_that_of_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/a/b:/c")
    assert default_path() == Path("/a/b")
    monkeypatch.delenv("KUBECONFIG")
    assert default_path() == Path.home() / ".kube" / "config"


def test_a_link_stays_one_and_a_folder_with_its_rights(tmp_path: Path) -> None:
    shared, link = tmp_path / "shared", tmp_path / "config"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    link.symlink_to(shared / "config")
    merge_into(link, "north", MADE)
    merge_into(link, "south", MADE)
    assert link.is_symlink() and shared.stat().st_mode & 0o777 == 0o755
    assert len(yaml.safe_load((shared / "config").read_text())["clusters"]) == 2


def test_merges_at_the_same_time_lose_no_cluster(tmp_path: Path) -> None:
    path = tmp_path / "config"
    names = [f"shop-{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda name: merge_into(path, name, MADE), names)) == names
    assert sorted(entry["name"] for entry in yaml.safe_load(path.read_text())["users"]) == sorted(names)
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"]


def test_a_merge_waits_for_kubectl_and_then_names_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, lock = tmp_path / "config", tmp_path / "config.lock"
    path.write_text("kind: Config\n")
    lock.touch()
    monkeypatch.setattr(kubeconfig_file, "LOCK_WITHIN", 0.0)
    with pytest.raises(Conflict, match="being changed by another program") as refused:
        merge_into(path, "north", MADE)
    assert refused.value.hint.endswith(f"rm {lock}") and lock.exists()
    assert path.read_text() == "kind: Config\n"
    monkeypatch.setattr(kubeconfig_file, "LOCK_WITHIN", 5.0)
    Timer(0.1, lock.unlink).start()
    assert merge_into(path, "north", MADE) == "north" and not lock.exists()


def test_a_full_disk_leaves_the_file_and_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    merge_into(path, "north", MADE)
    before = path.read_text()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Failed, match="the disk is full"):
        merge_into(path, "south", MADE)
    assert path.read_text() == before and [entry.name for entry in tmp_path.iterdir()] == ["config"]


def test_a_proxy_takes_no_file_that_exists(tmp_path: Path) -> None:
    """It removes its file at the end, so the kubeconfig of a user would be lost."""
    path = tmp_path / "config"
    assert kubeconfig_path("") is None and kubeconfig_path(str(path)) == path
    path.write_text(MADE)
    with pytest.raises(Conflict, match="exists already"):
        kubeconfig_path(str(path))
