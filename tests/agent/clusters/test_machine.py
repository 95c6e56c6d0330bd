"""The machine below Kubernetes: a tree is complete or not there, what was made is written down first and undone."""

from __future__ import annotations

import argparse
import dataclasses
import errno
import json
import os
import socket
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgewright.agent.clusters import cli, ledger, paths
from edgewright.agent.clusters import host as hosts
from edgewright.agent.clusters.gather import other_tree
from edgewright.agent.clusters.host import Ended, mounts
from edgewright.agent.clusters.ledger import Ledger
from edgewright.agent.clusters.machine import activate, units
from edgewright.agent.clusters.machine.activate import Activate
from edgewright.agent.clusters.machine.unpack import is_complete, unpack
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters import model, tree
from edgewright.core.errors import Failed, InvalidInput
from edgewright.forge.tree.parts import templates
from tests.agent.clusters.support import DIGEST, FakeHost, cluster, context
from tests.agent.clusters.test_content import layer_of, tree_document
from tests.support import ROOT

FOLDER = paths.tree(DIGEST)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


def packed(tmp_path: Path, *layers: bytes) -> list[str]:
    result = []
    for n, data in enumerate(layers):
        (tmp_path / f"layer-{n}").write_bytes(data)
        result.append(str(tmp_path / f"layer-{n}"))
    return result


def test_a_tree_is_unpacked_with_its_links_and_marked_at_the_end(host: FakeHost, tmp_path: Path) -> None:
    layers = packed(tmp_path, layer_of({"bin/kubernetes": b"old"}, bin__kubelet="kubernetes"),
                    layer_of({"bin/kubernetes": b"new", "images/oci-layout": b"{}"}))  # fmt: skip
    names: list[str] = []
    unpack(host, layers, FOLDER, b"{}", names.append)
    assert is_complete(host, FOLDER) and len(names) == 2
    assert host.data(f"{FOLDER}/bin/kubelet") == b"new" and host.data(f"{FOLDER}/tree.json") == b"{}"
    mode = os.stat(host.path(f"{FOLDER}/bin/kubernetes")).st_mode
    assert stat.S_IMODE(mode) == 0o755, "no set-user-id bit comes out of an archive"


@pytest.mark.parametrize(
    ("files", "links"),
    [
        ({"../evil": b"x"}, {}), ({"/etc/passwd": b"x"}, {}), ({"etc/passwd": b"x"}, {}), ({"bin/../../x": b"x"}, {}),
        ({}, {"bin__c__up": "../../bin", "bin__c__x": "up/../../etc/passwd"}),  # up/.. is the tree's folder
        ({}, {"bin__x": "/etc/passwd"}), ({}, {"bin__x": "../../../etc/passwd"}), ({}, {"bin__x": "../cni/y"}),
    ],
)  # fmt: skip
def test_what_leads_out_of_a_tree_is_refused_and_leaves_no_tree(
    host: FakeHost, tmp_path: Path, files: dict[str, bytes], links: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput):
        unpack(host, packed(tmp_path, layer_of(files, **links)), FOLDER, b"{}", lambda name: None)
    assert not host.has(FOLDER)


def test_a_file_behind_a_link_and_a_torn_layer_are_refused(host: FakeHost, tmp_path: Path) -> None:
    behind = [layer_of({"bin/real/x": b"1"}, bin__link="real"), layer_of({"bin/link/y": b"2"})]
    for layers in (behind, [layer_of({"bin/x": b"1" * 100_000})[:-60]], [b"not gzip"]):
        with pytest.raises(InvalidInput):
            unpack(host, packed(tmp_path, *layers), FOLDER, b"{}", lambda name: None)
        assert not is_complete(host, FOLDER)


def test_a_half_unpacked_tree_is_begun_again(host: FakeHost, tmp_path: Path) -> None:
    host.write(f"{FOLDER}.tmp/bin/kubelet", b"half")
    host.write(f"{FOLDER}/bin/kubelet", b"not marked")
    unpack(host, packed(tmp_path, layer_of({"bin/kubelet": b"all"})), FOLDER, b"{}", lambda name: None)
    assert host.data(f"{FOLDER}/bin/kubelet") == b"all" and not host.has(f"{FOLDER}.tmp")


def test_what_cannot_be_unpacked_leaves_nothing_on_the_disk(
    host: FakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = packed(tmp_path, layer_of({"bin/a": b"x", "bin/b": b"y" * 1000}))

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("edgewright.agent.clusters.machine.unpack._sync", full)
        with pytest.raises(Failed, match="the disk is full") as caught:
            unpack(host, layer, FOLDER, b"{}", print)
    assert caught.value.hint == "Free space on the disk." and host.names(paths.TREES) == []
    free = os.statvfs(tmp_path)
    monkeypatch.setattr(hosts, "SPARE", free.f_bavail * free.f_frsize * 2)
    with pytest.raises(Failed, match="stay free for Kubernetes"):
        unpack(host, layer, FOLDER, b"{}", print)
    assert host.names(paths.TREES) == []


def test_a_layer_that_a_disk_damaged_is_removed_and_fetched_again(host: FakeHost, tmp_path: Path) -> None:
    files = {f"bin/{name}": b"#!" + os.urandom(5000) for name in tree.REQUIRED["kubeadm"]}
    layer, config = layer_of(files), json.dumps(tree_document([])).encode()
    work = context(host)
    digests = [work.store.add(data) for data in (config, layer)]
    manifest = {
        "schemaVersion": 2,
        "artifactType": tree.ARTIFACT,
        "config": {"mediaType": tree.CONFIG, "digest": digests[0], "size": len(config)},
        "layers": [{"mediaType": tree.LAYERS[0], "digest": digests[1], "size": len(layer)}],
    }
    digest = work.store.add(json.dumps(manifest).encode())
    document = dataclasses.replace(cluster(), tree=model.Artefact("127.0.0.1:5000/tree:v1", digest))
    work = context(host, document)
    place = Path(work.store.path(digests[1]))
    place.write_bytes(layer[:-8] + b"\x00\x00\x00\x00" + layer[-4:])  # the checksum of gzip, behind all files
    with pytest.raises(Failed, match="Damaged on this disk") as caught:
        Activate().act(work)
    assert caught.value.exit_code == 1 and not work.store.has(digests[1]) and work.store.has(digest)
    assert not is_complete(host, work.tree_folder)


def test_output_that_is_too_long_is_a_failure_and_never_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "OUTPUT", 1000)
    assert hosts.Host().run(["head", "-c", "1000", "/dev/zero"]).code == 0
    ended = hosts.Host().run(["head", "-c", "1001", "/dev/zero"])
    assert (ended.code, ended.output, ended.last) == (-1, "", "head printed more than 1,000 bytes")


def test_a_port_that_another_program_has_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Failed, match=f"Port {port} cannot be served") as caught:
            cli.run(argparse.Namespace(verb="images-server", port=port))
    assert caught.value.hint == f"See: ss -ltnp sport = :{port}"


def activated(host: FakeHost, tmp_path: Path) -> Activate:
    names = tree.REQUIRED["kubeadm"]
    files = {f"bin/{name}": b"#!" for name in names} | {"cni/bridge": b"cni"}
    files |= {f"templates/{name}": data for name, data in templates("kubeadm").items()}
    pause = {"ref": "registry.k8s.io/pause:3.10", "digest": DIGEST, "size": 1}
    unpack(host, packed(tmp_path, layer_of(files)), FOLDER, json.dumps(tree_document([pause])).encode(), print)
    host.write("/proc/sys/net/ipv4/ip_forward", b"0\n")
    return Activate()


def test_activation_makes_one_link_for_each_component_and_what_a_boot_copies(host: FakeHost, tmp_path: Path) -> None:
    step, work = activated(host, tmp_path), context(host)
    assert step.seen(work)[0] is Seen.NOT_DONE
    step.act(work)
    assert step.seen(work) == (Seen.DONE, f"tree {DIGEST[:19]} is active")
    for name in tree.REQUIRED["kubeadm"]:
        for place in (paths.component(name), f"{paths.BOOT}/edgewright/kubernetes/{name}"):
            assert os.readlink(host.path(place)) == f"{FOLDER}/bin/{name}"
    unit = host.text(f"{paths.UNITS}/{paths.CONTAINERD_UNIT}")
    assert "KillMode=process" in unit and "Delegate=yes" in unit and "@" not in unit
    config = host.text(f"{paths.CONTAINERD}/config.toml")
    assert 'sandbox = "registry.k8s.io/pause:3.10"' in config and f'address = "{paths.SOCKET}"' in config
    assert "127.0.0.1:5081" in host.text(f"{paths.CERTS_D}/_default/hosts.toml")
    assert ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"] in host.commands
    assert host.data(f"{paths.CNI_BIN}/bridge") == b"cni"
    script = host.text(paths.ACTIVATE)
    assert "python" not in script and "systemctl --no-block start" in script, "a boot needs no agent and no network"
    assert "edgewright" not in " ".join(os.listdir(host.path("/etc"))), "only the unit that a boot starts is in /etc"


def test_a_tree_that_is_active_but_not_the_wanted_one_is_observed_as_such(host: FakeHost, tmp_path: Path) -> None:
    """The planner must not take it for "no tree": it would start another version of Kubernetes without an upgrade."""
    step, work = activated(host, tmp_path), context(host)
    assert other_tree(work) == ""
    step.act(work)
    assert other_tree(work) == ""
    newer = dataclasses.replace(work.document.tree, digest="sha256:" + "9" * 64)
    work.document = dataclasses.replace(work.document, tree=newer)
    assert other_tree(work) == DIGEST


def test_a_change_of_run_is_noticed_and_the_second_activation_repairs_it(host: FakeHost, tmp_path: Path) -> None:
    step, work = activated(host, tmp_path), context(host)
    step.act(work)
    entries = work.ledger.entries()
    host.remove(paths.component("kubelet"))
    assert "link of kubelet" in step.seen(work)[1]
    host.write(f"{paths.UNITS}/{paths.KUBELET_UNIT}", b"changed")
    assert step.seen(work)[0] is Seen.NOT_DONE
    step.act(work)
    assert step.seen(work)[0] is Seen.DONE and work.ledger.entries() == entries
    host.write(paths.ACTIVATE, b"of a release before", 0o755)
    assert step.seen(work) == (Seen.NOT_DONE, "what a boot does is not as wanted")


def test_a_boot_changes_no_folder_of_the_system(host: FakeHost, tmp_path: Path) -> None:
    """With the modes of our own folders, which nobody else may enter, /run is closed to dbus and every other user."""
    step, work = activated(host, tmp_path), context(host)
    before = os.umask(0o077)
    try:
        step.act(work)
    finally:
        os.umask(before)
    run, boot = tmp_path / "run", host.path(paths.BOOT)
    (run / "systemd").mkdir(parents=True)
    lines = [line for line in host.text(paths.ACTIVATE).splitlines() if line.startswith(("umask", "cp "))]
    script = "\n".join(lines).replace(f"{paths.BOOT}/.", f"{boot}/.").replace(" /run/", f" {run}/")
    assert stat.S_IMODE(os.stat(f"{boot}/systemd").st_mode) == 0o700, "as it is on a host"
    subprocess.run(["sh", "-c", script], check=True)
    assert (run / "systemd/system" / paths.KUBELET_UNIT).is_file() and (
        run / "edgewright/kubernetes/kubelet"
    ).is_symlink()
    for folder in (run, run / "systemd"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_a_tree_of_another_version_or_without_its_libraries_is_refused(host: FakeHost, tmp_path: Path) -> None:
    activated(host, tmp_path)
    other = cluster(kubernetes=cluster().kubernetes.__class__("kubeadm", "v1.37.2", {}))
    with pytest.raises(Failed, match=r"v1\.36\.3, the cluster needs kubeadm v1\.37\.2"):
        Activate().act(context(host, other))
    host.answers.append(lambda command: Ended(0, "\tlibc.so.6 (x) => y\n") if command[0] == "ldconfig" else None)
    needs = tree.Tree("kubeadm", "v1.36.3", "amd64", {}, (), tree.Requirements(("libnl-3.so.200",), ("zap",)))
    with pytest.raises(Failed, match=r"lacks the program zap, the library libnl-3\.so\.200"):
        activate.check(context(host), needs)


def test_the_ledger_is_undone_backwards_to_what_was_before(host: FakeHost) -> None:
    book = Ledger(host)
    book.note(ledger.FOLDER, "/opt/cni")
    book.note(ledger.FILE, "/opt/cni/mine")
    book.note(ledger.SYSCTL, "net.ipv4.ip_forward", "0")
    book.note(ledger.SYSCTL, "net.ipv4.ip_forward", "1")
    book.note(ledger.ADDRESS, "10.0.0.100/32", "eth0")
    host.write("/opt/cni/mine", b"x")
    host.write("/proc/sys/net/ipv4/ip_forward", b"1")
    assert len(Ledger(host).entries()) == 4, "the oldest value of a setting is the one that was there before"
    assert Ledger(host).undo(host.report) == []
    assert host.commands[0] == ["ip", "address", "del", "10.0.0.100/32", "dev", "eth0"]
    assert ["sysctl", "-q", "-w", "net.ipv4.ip_forward=0"] in host.commands
    assert not host.has("/opt/cni") and not host.has(paths.LEDGER)


def test_a_folder_that_others_use_stays_and_what_fails_stays_in_the_ledger(host: FakeHost) -> None:
    book = Ledger(host)
    book.note(ledger.FOLDER, "/opt/cni")
    book.note(ledger.SYSCTL, "net.ipv4.ip_forward", "0")
    host.write("/opt/cni/theirs", b"x")
    host.write("/proc/sys/net/ipv4/ip_forward", b"1")
    host.answers.append(lambda command: Ended(1, "", "denied") if command[0] == "sysctl" else None)
    assert "denied" in book.undo(host.report)[0]
    assert host.has("/opt/cni/theirs") and len(book.entries()) == 2


def test_a_template_with_an_unknown_name_is_refused() -> None:
    assert units.fill("a @BIN@ b", {"BIN": "/run"}) == "a /run b"
    with pytest.raises(Failed, match="@NEW@"):
        units.fill("@NEW@", {})


def test_mounts_below_a_folder_are_listed_the_deepest_first(host: FakeHost) -> None:
    lines = [f"1 2 0:1 / {point} rw - x x rw" for point in ("/var/lib/kubelet/a", "/var/lib/kubelet/a/b", "/srv")]
    host.write("/proc/self/mountinfo", "\n".join(lines).encode())
    assert mounts(host, ["/var/lib/kubelet"]) == ["/var/lib/kubelet/a/b", "/var/lib/kubelet/a"]


def test_tables_that_came_with_the_cluster_are_removed_unless_a_site_uses_them(host: FakeHost) -> None:
    base = "\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n"
    empty = "table ip filter {\n" + base + "\t}\n}\n"
    assert not ledger.has_rules(empty) and not ledger.has_rules("table ip nat {\n}\n")
    assert ledger.has_rules("table ip filter {\n" + base + "\t\ttcp dport 22 accept\n\t}\n}\n")
    assert ledger.has_rules("table ip filter {\n\tchain SITE {\n\t}\n}\n"), "a chain of a site, without a rule yet"
    listed = ["table inet site", "table ip nat", "table ip6 filter"]
    texts = {
        "nat": empty,
        "kube-proxy": "table ip kube-proxy { x",
        "filter": empty,
        "mangle": "table ip mangle {\n\tset a {\n",
    }

    def nft(command: Sequence[str]) -> Ended | None:
        if command[:3] == ["nft", "list", "tables"]:
            return Ended(0, "\n".join(listed) + "\n")
        return Ended(0, texts.get(command[4], "rules")) if command[:3] == ["nft", "list", "table"] else None

    host.answers.append(nft)
    Ledger(host).note_tables()
    listed += ["table ip kube-proxy", "table ip filter", "table ip mangle", "table inet theirs"]
    assert Ledger(host).undo(host.report) == []
    deleted = [command[3:] for command in host.commands if command[:3] == ["nft", "delete", "table"]]
    assert deleted == [["ip", "kube-proxy"], ["ip", "filter"]]


def test_what_others_put_into_a_shared_folder_before_stays(host: FakeHost) -> None:
    host.write(f"{paths.CNI_CONF}/87-podman.conflist", b"{}")
    Ledger(host).note_content(paths.CNI_CONF)
    Ledger(host).note_content(paths.CNI_BIN)
    host.write(f"{paths.CNI_CONF}/10-flannel.conflist", b"{}")
    host.write(f"{paths.CNI_BIN}/flannel", b"x")
    assert Ledger(host).content(paths.CNI_CONF) == ["87-podman.conflist"]
    assert Ledger(host).undo(host.report) == []
    assert host.names(paths.CNI_CONF) == ["87-podman.conflist"] and not host.has(paths.CNI_BIN)


def test_the_limit_of_starts_is_in_the_section_that_systemd_reads() -> None:
    """systemd ignores `StartLimitIntervalSec` in [Service], and five quick failures then stop a unit for good."""
    sources = [path for path in (ROOT / "edgewright").rglob("*") if path.suffix in (".py", ".service")]
    units = [text for text in (path.read_text("utf-8") for path in sources) if "\n[Service]\n" in text]
    assert len(units) > 10
    for text in units:
        for before in text.split("StartLimitIntervalSec=")[:-1]:
            assert before.rpartition("\n[")[2].startswith("Unit]") or before.startswith("[Unit]"), before[-300:]
