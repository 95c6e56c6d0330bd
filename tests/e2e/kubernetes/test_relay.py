"""The API of a real cluster through the relay, from a network namespace without a route to its hosts (P30)."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.console import Terminal
from tests.e2e.fleet import Fleet
from tests.e2e.fleet import product as run_product
from tests.e2e.kubernetes.away import Away, away_from, proxied
from tests.e2e.kubernetes.formed import Formed
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
NAME = "relayed"
K9S = os.environ.get("EDGEWRIGHT_K9S", "")
"""Read here: tests have none of the caller's variables."""


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Formed]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = Formed(make_fleet("--hosts", "1", "--kubernetes", versions.DEFAULT), versions.DEFAULT)
    made.profile("lab")
    made.apply(NAME, ["edge1"])
    made.timed("one node: apply to healthy", lambda: made.healthy(NAME, 1))
    made.kubeconfig(NAME)
    yield made
    print("\n".join(made.took))


@pytest.fixture(scope="module")
def away(lab: Formed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    with away_from(lab, tmp_path_factory.mktemp("away")) as made:
        yield made


def product(lab: Formed, away: Away, *words: str, code: int = 0) -> str:
    env = {**lab.env, "PATH": f"{lab.programs}:{os.environ['PATH']}"}
    command = away.command(sys.executable, "-m", "edgewright", *words)
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, timeout=90, check=False)
    assert done.returncode == code, f"{words} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_kubectl_through_the_relay(lab: Formed, away: Away, tmp_path: Path) -> None:
    """P30: kubectl works unchanged although no host is reached; Ctrl-C ends the proxy in good order."""
    path = tmp_path / "kubeconfig"
    kubectl = [str(lab.programs / "kubectl"), f"--kubeconfig={path}"]
    with proxied(lab, away, NAME, path) as process:
        assert path.stat().st_mode & 0o777 == 0o600
        for words in (("get", "nodes", "--no-headers"), ("get", "pods", "-A", "--no-headers")):
            began = time.monotonic()
            done = away.run(*kubectl, *words)
            lab.took.append(f"kubectl {' '.join(words[:2])} through the relay: {time.monotonic() - began:.2f} s")
            assert done.returncode == 0, done.stderr
            assert "edge1" in done.stdout or "kube-system" in done.stdout
        pod = ("-n", "kube-system", "logs", "-l", "component=etcd", "--tail=3")
        logs = away.run(*kubectl, *pod)
        assert logs.returncode == 0 and logs.stdout, logs.stderr
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert "through the relay of the plane" in output and re.search(r"Ended: \d+ connections?, \d+ bytes sent", output)
    assert not path.exists()


def test_helm_through_the_relay(lab: Formed, away: Away, tmp_path: Path) -> None:
    """P30: helm works unchanged: it installs a chart of its own and reads it back."""
    path, chart = tmp_path / "kubeconfig", tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: note\nversion: 0.1.0\n")
    note = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\ndata: {text: by-helm}\n"
    (chart / "templates" / "note.yaml").write_text(note)
    with proxied(lab, away, NAME, path):
        helm = [str(lab.programs / "helm"), f"--kubeconfig={path}"]
        began = time.monotonic()
        done = away.run(*helm, "install", "note", str(chart))
        assert done.returncode == 0 and "STATUS: deployed" in done.stdout, done.stderr
        lab.took.append(f"helm install through the relay: {time.monotonic() - began:.2f} s")
        assert "note" in away.run(*helm, "list", "--short").stdout
        kubectl = [str(lab.programs / "kubectl"), f"--kubeconfig={path}"]
        assert away.run(*kubectl, "get", "configmap", "note", "-o", "jsonpath={.data.text}").stdout == "by-helm"


def test_k9s_through_the_relay(lab: Formed, away: Away, tmp_path: Path) -> None:
    """P30: k9s works unchanged: its first table has the pods of the cluster, and follows them."""
    program = K9S if K9S and Path(K9S).is_file() else shutil.which("k9s")
    if not program:
        missing("k9s", "build it, as `make e2e` does, and name it: EDGEWRIGHT_K9S=FILE")
    path, home = tmp_path / "kubeconfig", tmp_path / "home"
    home.mkdir()
    with proxied(lab, away, NAME, path):
        began = time.monotonic()
        words = ["--kubeconfig", str(path), "-A", "-c", "pods", "--logFile", str(tmp_path / "k9s.log")]
        place = {**lab.env, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
        k9s = Terminal(place, words, (160, 50), away.command(), [program])
        try:
            k9s.wait("kube-apiserver-edge1", "Running", patience=60)
            lab.took.append(f"k9s through the relay, to its first table: {time.monotonic() - began:.1f} s")
        finally:
            k9s.close()


def test_a_personal_kubeconfig_of_each_role(lab: Formed, tmp_path: Path) -> None:
    """P136: the cluster signs it for a day; a viewer reads no Secrets, an operator grants no rights."""

    def may(path: Path, *words: str) -> bool:
        command = [str(lab.programs / "kubectl"), f"--kubeconfig={path}", "auth", "can-i", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).returncode == 0

    for role, allowed in (("viewer", [1, 0, 0, 0]), ("operator", [1, 1, 1, 0]), ("admin", [1, 1, 1, 1])):
        path = tmp_path / role
        words = ("cluster", "kubeconfig", NAME, "--role", role, "--out", str(path))
        shown = lab.timed(f"personal kubeconfig, {role}", partial(lab.run, *words))
        assert f"with the rights of the role {role}, until " in shown and path.stat().st_mode & 0o777 == 0o600
        asked = (("list", "pods"), ("get", "secrets"), ("create", "deployments"), ("create", "clusterrolebindings"))
        assert [may(path, *each) for each in asked] == allowed, role
        command = [str(lab.programs / "kubectl"), f"--kubeconfig={path}", "auth", "whoami", "-o", "json"]
        user = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout)
        assert f"edgewright:{role}s" in user["status"]["userInfo"]["groups"]
        assert "system:masters" not in user["status"]["userInfo"]["groups"]
    assert f"A personal kubeconfig of the cluster '{NAME}' for edgewright:user:" in lab.run(
        "audit", "list", "-o", "json"
    )


def test_ssh_through_a_member(lab: Formed, tmp_path: Path) -> None:
    """An SSH way to a member is measured as far as the API: one that is named, and one of the SSH configuration."""
    address = lab.fleet.shown["hosts"][0]["address"]
    shown = lab.run("kube", "reach", NAME)
    assert re.search(r"^ssh +unknown ", shown, re.MULTILINE), shown
    ssh, config = tmp_path / "ssh", tmp_path / "config"
    options = "User root\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
    config.write_text(
        f"Host edge1\n  HostName {address}\nHost *\n  IdentityFile {lab.fleet.shown['sshKey']}\n{options}"
    )
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    ssh.chmod(0o755)
    env = {**lab.env, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for words in ((), ("--ssh", f"root@{address}")):
        done = run_product(env, "kube", "reach", NAME, *words)
        assert re.search(r"^ssh +yes ", done.stdout, re.MULTILINE), done.stdout + done.stderr
    lab.took.append(re.sub(" +", " ", done.stdout.replace("\n", "; ")))
    refused = run_product(env, "kube", "reach", NAME, "--ssh", f"root@{address}:1")
    assert re.search(r"^ssh +no .*refused", refused.stdout, re.MULTILINE), refused.stdout


def test_verbs_of_kubectl_and_reach(lab: Formed, away: Away) -> None:
    """P135: reach is measured from here; verbs run kubectl over the same way."""
    shown = product(lab, away, "kube", "reach", NAME)
    assert re.search(r"^direct +no ", shown, re.MULTILINE) and re.search(r"^relay +yes ", shown, re.MULTILINE), shown
    assert "edge1" in product(lab, away, "kube", "get", NAME, "nodes", "--", "-o", "wide")
    assert "Ready" in product(lab, away, "kube", "describe", NAME, "node", "edge1")
    product(lab, away, "kube", "cordon", NAME, "edge1")
    assert "SchedulingDisabled" in product(lab, away, "kube", "get", NAME, "nodes")
    product(lab, away, "kube", "uncordon", NAME, "edge1")
    wrong = product(lab, away, "kube", "get", NAME, "nothing", code=1)
    assert "kubectl get ended with code 1" in wrong
    here = lab.run("kube", "reach", NAME)
    assert re.search(r"^direct +yes ", here, re.MULTILINE), here
    assert f"Relay of the cluster '{NAME}'" in lab.run("audit", "list", "-o", "json")


def test_the_relay_is_a_process_of_its_own(lab: Formed) -> None:
    """P133: what the host runs for streams, and what it takes."""
    units = lab.fleet.within(
        "edge1", "systemctl", "show", "-p", "MemoryCurrent,Id", "edgewright-relay", "edgewright-agent"
    )
    lab.took.append(" ".join(units.split()))
    assert "edgewright-relay.service" in units
