"""The API of a real cluster through the relay, from a network namespace without a route to its hosts (P30)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet
from tests.e2e.kubernetes.away import Away, away_from, proxied
from tests.e2e.kubernetes.formed import Formed
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
NAME = "relayed"


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
