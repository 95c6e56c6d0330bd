"""Clusters on the command line, against a real hub: from an answer file to its change and its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgewright.commands.cluster.deployed import Application, applications_of
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.cli_support import Cli
from tests.hub.clusters.plane import CANARY, Site, infrastructure, publish
from tests.hub_fixture import RunningHub

pytestmark = pytest.mark.e2e
"""Some twenty processes."""

FILE = """\
apiVersion: edgewright/v1
kind: Cluster
metadata: {{name: store-7}}
answers:
  profiles: [{{name: {profile}, variables: {{password: {password}, site: berlin}}}}]
  vip: {vip}
  pools:
    - {{name: cp, role: control-plane, works: true, hosts: [{first}]}}
    - {{name: workers, hosts: [{workers}], labels: {{zone: a}}}}
"""


@pytest.mark.timeout(300)
def test_a_cluster_from_an_answer_file_to_its_end(plane: Cli, hub: RunningHub, tmp_path: Path) -> None:
    default = hub.client().get(protocol.PROJECTS_METADATA).json()["items"][0]["metadata"]["uid"]
    site = Site(hub, 3, project=default)
    first, second, third = site.hosts
    publish(site.admin, infrastructure("cli-infra"))
    file = tmp_path / "cluster.yaml"

    def write(workers: str, vip: str = site.address(200)) -> str:
        values = {"profile": "cli-infra", "password": CANARY, "first": first, "workers": workers, "vip": vip}
        file.write_text(FILE.format(**values))
        file.chmod(0o600)
        return str(file)

    assert "kind: Cluster" in plane("apply", "--example", "Cluster").out
    missing = plane("cluster", "apply", str(tmp_path / "none.yaml"), "--yes")
    assert missing.code == 3 and "apply --example Cluster >" in missing.err
    wrong = plane("cluster", "create", write(second, "192.0.2.1"), "--plan")
    assert wrong.code == 7 and "The VIP 192.0.2.1 is outside of the network of" in wrong.err, wrong.err
    planned = plane("apply", "-f", write(second), "--plan")
    assert planned.code == 0 and f"pool cp (control-plane): {first}" in planned.out, planned.err
    done = plane("apply", "-f", str(file), "--yes")
    assert done.code == 0 and "Cluster store-7 is created" in done.out, done.err
    (row,) = json.loads(plane("cluster", "list", "-o", "json").out)
    uid = row["metadata"]["uid"]
    assert row["status"]["state"] == "Pending"
    document = site.admin.get(protocol.path(wire.CLUSTER, uid=uid)).json()
    assert applications_of(document) == (Application("shop", False),), "the add-on layer, not ready yet"
    assert plane("cluster", "create", str(file), "--yes").code == 6, "the name is taken"
    early = plane("cluster", "kubeconfig", "store-7")
    assert early.code == 3 and "has no kubeconfig yet: it is Pending" in early.err

    site.agents[first].put(protocol.path(wire.KUBECONFIGS, uid=uid), json={"admin": "kind: A\n", "client": "kind: C\n"})
    listed = [{"name": "apiserver", "node": "n1", "notAfter": "2027-01-01T00:00:00.000Z"}]
    assert site.observe(uid, first, 1, certificates=listed).status_code == 204
    shown = plane("cluster", "show", "store-7").out
    assert "Running" in shown and "kubeadm v1.36.3" in shown and f"worker  {second}" in shown
    assert plane("cluster", "kubeconfig", "store-7", "--stored").out == "kind: C\n"
    out = tmp_path / "kubeconfig"
    tmp_path.chmod(0o755)
    assert plane("cluster", "kubeconfig", "store-7", "--admin", "--out", str(out)).code == 0
    assert out.read_text() == "kind: A\n" and out.stat().st_mode & 0o077 == 0
    assert tmp_path.stat().st_mode & 0o777 == 0o755, "the folder is not ours"
    assert "apiserver" in plane("cluster", "certificates", "store-7").out

    changed = plane("cluster", "plan", write(f"{second}, {third}"))
    assert f"pool workers: {third} joins" in changed.out, changed.out + changed.err
    assert plane("cluster", "apply", str(file), "--yes").code == 0
    assert site.desired(uid, third)["document"]["members"][-1]["hostUid"] == third
    (profile,) = site.get(uid)["spec"]["clusterProfileTemplates"]
    same_values = [{"uid": profile["uid"], "variables": [{"name": "site", "value": "berlin"}]}]
    later = {"profiles": same_values, "spcApplySettings": {"actionType": wire.LATER}}
    assert site.admin.patch(protocol.path(wire.PROFILES, uid=uid), json=later).status_code == 204
    assert "ChangeWaits" in {row["type"] for row in site.get(uid)["status"]["conditions"]}
    waits = plane("cluster", "plan", str(file))
    assert "the change of profiles that waits is applied" in waits.out, waits.out + waits.err
    assert plane("cluster", "apply", str(file), "--yes").code == 0
    assert "ChangeWaits" not in {row["type"] for row in site.get(uid)["status"]["conditions"]}
    released = plane("cluster", "release", "store-7", "--host", third, "--yes")
    assert released.code == 0 and "is asked to leave" in released.out, released.err
    assert site.leave(uid, third).status_code == 204
    assert plane("cluster", "release", "store-7", "--host", "no-such", "--yes").code == 3
    present = plane("cluster", "forget", "store-7", "--host", first, "--yes")
    assert present.code == 6 and "is in contact and cannot be lost" in present.err
    last = plane("cluster", "release", "store-7", "--host", first, "--yes")
    assert last.code == 6 and "would have no control plane" in last.err

    place = {"lineage": "b" * 16, "generation": 9, "digest": "d" * 64}
    stranger = {"uid": "f" * 24, "kind": "cluster", "name": "harbour", "role": "control-plane", "wanted": place}
    site.report_documents(third, [stranger])
    assert "harbour" in plane("cluster", "list", "state:unknown").out
    assert "harbour (unknown)" in plane("host", "list", "cluster:harbour").out
    nothing = plane("cluster", "override", "harbour", "--yes")
    assert nothing.code == 3 and "edgewright cluster adopt " + "f" * 24 in nothing.err, nothing.err
    adopted = plane("cluster", "adopt", "harbour", "--yes")
    assert adopted.code == 0 and f"{third} is asked for its document" in adopted.out, adopted.err
    assert "is asked for its document" in plane("cluster", "show", "harbour").out
    assert plane("cluster", "delete", "harbour", "--yes").code == 0, "an adoption is given up"
    same = plane("cluster", "adopt", "store-7", "--yes")
    assert same.code == 6 and "No host of the cluster store-7 reports another document" in same.err

    ended = plane("cluster", "delete", "store-7", "--yes")
    assert ended.code == 0 and "being deleted" in ended.out, ended.err
    forced = plane("cluster", "delete", "store-7", "--force", "--yes")
    assert forced.code == 6 and "can be deleted by force from" in forced.err
    for host in (first, second):
        assert site.leave(uid, host).status_code == 204
    assert "Deleted" in plane("cluster", "list").out
    assert plane("cluster", "show", "no-such").code == 3


def test_an_answer_file_with_mistakes_names_them_all(plane: Cli, tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(
        "apiVersion: edgewright/v1\nkind: Cluster\nmetadata: {name: x}\nanswers:\n"
        "  vipp: 10.0.0.1\n  profiles: [{name: a, versoin: 1}]\n  pools: [{name: p, role: boss, hosts: 7}]\n"
    )
    answer = plane("apply", "-f", str(file), "--plan")
    assert answer.code == 7
    for text in ("answers.vipp", "nearest is `vip`", "versoin", "neither control-plane nor worker", "pools[0].hosts"):
        assert text in answer.err, answer.err
