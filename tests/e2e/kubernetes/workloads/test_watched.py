"""A cluster watched in the console by keys: a step that fails, the cause removed, three nodes, the VIP's host gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, versions
from edgewright.lab.kubernetes.cluster import NAME
from tests.e2e.console import Terminal
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.cases import Cases, Strike, cases_lab
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
LEFT = "/etc/kubernetes/manifests/etcd.yaml"


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = cases_lab(make_fleet, versions.DEFAULT, "--heartbeat", "10")
    yield made
    print(made.table())


@pytest.fixture(scope="module")
def console(lab: Cases) -> Iterator[Terminal]:
    made = Terminal(lab.env, ("--context", "lab"), (132, 43))
    yield made
    made.close()


def kept(lab: Cases, console: Terminal, name: str) -> None:
    """Keep what is on the screen, for whoever looks at it afterwards."""
    folder = Path(lab.folder) / "screens"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_text(console.screen())
    print(f"--- {name}\n{console.screen()}", flush=True)


def test_a_step_that_fails_is_shown_with_its_reason_and_goes_on_when_the_cause_is_gone(
    lab: Cases, console: Terminal
) -> None:
    """A folder is where kubeadm writes a file: it fails until an operator is needed, and each screen says why."""
    strike = Strike(lab, "edge1", "pgrep -x containerd", f"mkdir -p {LEFT}")
    lab.form(NAME, lab.names)
    console.wait("all", patience=60)
    console.press(*":clusters", "Enter")
    console.wait_line(NAME, patience=60)
    console.press("Enter")
    console.wait("CHECKLIST", "Preflight", patience=60)
    kept(lab, console, "forming")
    strike.done(300.0)
    shown = console.wait("▲ Form the cluster", "etcd.yaml", patience=240)
    kept(lab, console, "failed")
    assert "edgewright-step" not in shown and f"{NAME}-init" not in shown
    lab.wait_step("edge1", "init", "waiting: operator", 120.0)
    console.wait("r starts it again", patience=60)
    kept(lab, console, "operator")
    lab.sh("edge1", f"rmdir {LEFT}")
    console.press("r")
    console.wait("Retry", patience=20)
    kept(lab, console, "retry")
    console.press("Enter")  # nothing is lost by it, so Go is chosen
    lab.wait_step("edge1", "init", "done", 180.0)
    console.wait("3 of 3", patience=400)
    lab.timed("three nodes after the retry", lambda: lab.healthy(NAME, 3))
    kept(lab, console, "healthy")


def test_the_console_follows_the_vip_when_its_host_loses_power_and_comes_back(lab: Cases, console: Terminal) -> None:
    lab.kubeconfig(NAME)
    before = lab.holder()
    console.wait(f"VIP on {before}", patience=60)
    lab.fleet.lab("fault", "power-cut", before)
    words = ("--request-timeout=2s", "get", "--raw", "/readyz")
    until("the API through the VIP", 10.0, lambda: lab.kubectl(NAME, *words, check=False) == "ok")
    after = lab.holder()
    assert after != before

    kept(lab, console, "power-cut")
    console.wait(f"VIP on {after}", patience=90)
    kept(lab, console, "moved")
    # The host that reported the nodes is gone: another one takes its place after two and a half minutes (P103).
    lab.timed("the node is shown as not ready", lambda: console.wait_line(before, "not ready", patience=300))
    kept(lab, console, "holder-away")
    lab.fleet.lab("fault", "power-on", before)
    lab.timed("all healthy again", lambda: lab.healthy(NAME, 3))
    console.wait("Healthy", patience=60)
    kept(lab, console, "back")
