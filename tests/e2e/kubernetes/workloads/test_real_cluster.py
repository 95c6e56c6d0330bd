"""The screens of workloads on a cluster of the lab with real kubelets, by keys in a real terminal.

Logs over several pods, former logs, a shell with its terminal, edit, scale, restart, ports, metrics, a drain that a
budget stops; then through the relay, from a place without a route to the hosts, over a link of 300 ms and 64 kbit.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, documents, versions
from edgewright.lab.kubernetes.cluster import NAME
from tests.e2e.console import Terminal
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.away import Away, away_from
from tests.e2e.kubernetes.formed import Formed
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
SIZE = (160, 48)
OBJECTS = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: till, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: till}}
  template:
    metadata: {labels: {app: till}}
    spec:
      terminationGracePeriodSeconds: 1
      tolerations: [{operator: Exists}]
      containers:
      - {name: main, image: "BUSYBOX", imagePullPolicy: IfNotPresent, command: [sh, -c, LOOP]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: till-budget, namespace: shop}
spec: {minAvailable: 2, selector: {matchLabels: {app: till}}}
---
apiVersion: v1
kind: Pod
metadata: {name: crashed, namespace: shop}
spec:
  tolerations: [{operator: Exists}]
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: "BUSYBOX"
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "if test -e /ran/once; then echo second run; sleep 10000; fi; echo first run; echo > /ran/once"]
    volumeMounts: [{name: ran, mountPath: /ran}]
  volumes: [{name: ran, emptyDir: {}}]
"""
KUBECTL = "/run/edgewright/kubernetes/kubectl"
LOOP = '"while true; do echo $HOSTNAME sold; sleep 1; done"'


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formed]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = Formed(make_fleet("--hosts", "1", "--kubernetes", versions.DEFAULT, "--cluster"), versions.DEFAULT)
    made.kubeconfig(NAME)
    busybox = next(ref for ref in made.images if "busybox" in ref)
    path = tmp_path_factory.mktemp("objects") / "objects.yaml"
    path.write_text(OBJECTS.replace("BUSYBOX", busybox).replace("LOOP", LOOP))
    made.kubectl(NAME, "apply", "-f", str(path))
    administer = f"{KUBECTL} --kubeconfig=/etc/kubernetes/admin.conf apply -f - <<'END'\n"
    metrics = documents.manifest("metrics-server.yaml", made.images)  # its rights are not an operator's to give
    made.fleet.within("edge1", "sh", "-c", f"{administer}{metrics}\nEND\n")
    ready = ("-n", "shop", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
    made.kubectl(NAME, *ready, timeout=150)
    count = ("-n", "shop", "get", "pod", "crashed", "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
    until("a second run", 90.0, lambda: made.kubectl(NAME, *count) not in ("", "0"), 1.0)
    yield made
    print("\n".join(made.took))


@pytest.fixture
def env(lab: Formed, tmp_path: Path) -> dict[str, str]:
    """The environment of a console: kubectl on PATH, and an editor that asks for three pods."""
    editor = tmp_path / "editor"
    editor.write_text(f"#!{sys.executable}\nimport re, sys\npath = sys.argv[-1]\ntext = open(path).read()\n"
                      "open(path, 'w').write(re.sub('replicas: 2', 'replicas: 3', text))\n")  # fmt: skip
    editor.chmod(0o755)
    return {**lab.env, "PATH": f"{lab.programs}:{os.environ['PATH']}", "KUBE_EDITOR": str(editor)}


@pytest.fixture
def console(lab: Formed, env: dict[str, str]) -> Iterator[Terminal]:
    made = Terminal(env, ("--context", "lab"), SIZE)
    opened(made, "pods", "till-")
    yield made
    made.close()


def typed(console: Terminal, text: str) -> None:
    console.press("-l", text)
    console.press("Enter")


def opened(console: Terminal, kind: str, word: str, patience: float = 60.0) -> None:
    """Open a list of the cluster, narrowed to what a word is in."""
    console.wait("all", patience=patience)
    console.press(":")
    typed(console, f"{kind} --cluster {NAME}")
    console.press("/", "C-u")
    typed(console, word)
    console.wait("watched", word, patience=patience)


def back(console: Terminal) -> None:
    """Return to the list: Escape and a key right after it would be read as Alt with that key."""
    console.press("Escape")
    console.wait("watched", patience=20)


def test_logs_of_several_pods_former_logs_and_a_metrics_api_that_is_not_ready(lab: Formed, console: Terminal) -> None:
    opened(console, "deploy", "till")
    console.press("l")
    console.wait("log of deployment/till", patience=20)
    names = lab.kubectl(NAME, "-n", "shop", "get", "pods", "-l", "app=till", "-o", "name").split()
    pods = [name.rpartition("/")[2] for name in names]
    console.wait(*(f"{pod} {pod} sold" for pod in pods), patience=30)
    console.press("Escape")
    opened(console, "pods", "crashed")
    console.press("p")
    console.wait("former log of crashed", "first run", patience=30)
    assert "second run" not in console.screen()
    back(console)
    console.press("l")
    console.wait("second run", patience=30)
    back(console)
    opened(console, "nodes", "edge1")
    # Hosts of the lab have nothing to measure (no cgroup controllers): metrics-server is there and never ready.
    console.wait_line("edge1", "Ready", patience=30)
    assert "error" not in console.screen().lower()


def test_a_shell_has_the_size_of_the_terminal_ctrl_c_and_an_end(console: Terminal) -> None:
    opened(console, "pods", "crashed")
    console.press("s")
    console.wait("exit ends it and returns to the console", patience=30)
    console.wait("/ #", patience=60)
    typed(console, "busybox stty size")
    size = ("display-message", "-p", "-t", "console", "#{pane_height} #{pane_width}")
    console.wait(f"\n{console._tmux(*size).strip()}", patience=20)
    console._tmux("resize-window", "-t", "console", "-x", "120", "-y", "40")
    time.sleep(2)
    typed(console, "busybox stty size")
    console.wait(f"\n{console._tmux(*size).strip()}", patience=20)
    typed(console, "sleep 1000")
    time.sleep(1)
    console.press("C-c")
    typed(console, "echo after=$((40+2))")
    console.wait("after=42", patience=20)
    typed(console, "exit")
    console.wait("Pods", "watched", patience=30)


def test_edit_scale_restart_and_their_plans(lab: Formed, console: Terminal) -> None:
    def wanted() -> str:
        return lab.kubectl(NAME, "-n", "shop", "get", "deployment", "till", "-o", "jsonpath={.spec.replicas}")

    opened(console, "deploy", "till")
    console.press("e")
    console.wait("-  replicas: 2", "+  replicas: 3", patience=40)
    console.press("Enter")
    console.wait("cancelled, nothing changed", patience=20)
    assert wanted() == "2"
    console.press("e")
    console.wait("+  replicas: 3", patience=40)
    console.press("Tab", "Enter")
    until("three pods are asked for", 30.0, lambda: wanted() == "3", 0.5)
    console.wait_line("till", "3/3", patience=60)
    console.press("s")
    console.wait("Scale deployment shop/till", "3 now", patience=20)
    console.press("BSpace", "2", "Enter")
    console.wait("1 pod of shop/till end", patience=20)
    console.press("Tab", "Enter")
    until("two pods are asked for", 30.0, lambda: wanted() == "2", 0.5)
    console.press("r")
    console.wait("2 pods replaced one after the other", patience=20)
    console.press("Tab", "Enter")
    annotation = "jsonpath={.spec.template.metadata.annotations}"
    shown = ("-n", "shop", "get", "deployment", "till", "-o", annotation)
    until("a rollout", 30.0, lambda: "restartedAt" in lab.kubectl(NAME, *shown), 0.5)
    lab.kubectl(NAME, "-n", "shop", "rollout", "status", "deployment/till", "--timeout=90s", timeout=100)


def test_a_port_of_this_machine_leads_to_a_pod_and_ends_with_the_console(lab: Formed, env: dict[str, str]) -> None:
    console = Terminal(env, ("--context", "lab"), SIZE)
    try:
        opened(console, "pods", "web-")
        console.press("F")
        console.wait("Forward to", "it names 8080", patience=20)
        console.press("Enter", "Enter")
        shown = console.wait("leads to port 8080 of pod/web-", patience=40)
        matched = re.search(r"127\.0\.0\.1:(\d+) leads to port 8080", shown)
        assert matched is not None
        url = f"http://127.0.0.1:{matched[1]}/"
        assert urllib.request.urlopen(url, timeout=20).read().startswith(b"web web-")
        listening = subprocess.run(["ss", "-Hltn", f"sport = :{matched[1]}"], capture_output=True, text=True)
        assert listening.stdout.split()[3] == f"127.0.0.1:{matched[1]}" and len(listening.stdout.splitlines()) == 1
        console.press("f")
        console.wait("Ports that lead into clusters", f"127.0.0.1:{matched[1]}", patience=10)
        console.press("Escape")
    finally:
        console.close()
        lab.fleet.lab("fault", "clear")

    def ended() -> bool:
        shown = subprocess.run(["ss", "-Hltn", f"sport = :{matched[1]}"], capture_output=True, text=True).stdout
        return not shown.strip()

    until("the port ended with the console", 20.0, ended, 0.5)


def test_a_drain_names_the_budget_and_the_pod_without_a_controller(lab: Formed, console: Terminal) -> None:
    opened(console, "nodes", "edge1")
    console.press("r")
    shown = console.wait("Drain edge1", "budget till-budget allows", patience=40)
    assert "blocks: shop/crashed: no controller" in shown
    console.press("Enter")
    console.wait("cancelled, nothing changed", patience=20)
    for key, word in (("c", "Ready,cordoned"), ("u", "Ready ")):
        console.press(key)
        console.wait("cordon edge1" if key == "u" else "Cordon edge1", patience=20)
        console.press("Enter")
        console.wait_line("edge1", word, patience=30)


@pytest.fixture(scope="module")
def away(lab: Formed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    with away_from(lab, tmp_path_factory.mktemp("away")) as made:
        yield made


@pytest.mark.parametrize("thin", [False, True], ids=["lan", "300ms-64kbit"])
def test_the_same_through_the_relay(lab: Formed, away: Away, env: dict[str, str], thin: bool) -> None:
    """No host is reached from there. With `thin` the line of the site has 300 ms and 64 kbit/s."""
    if thin:
        lab.fleet.lab("fault", "delay", "150", "edge1", "--rate", "64")
    began = time.monotonic()
    console = Terminal(env, ("--context", "lab"), SIZE, away.command())
    try:
        opened(console, "pods", "crashed", patience=180 if thin else 60)
        lab.took.append(f"relay{', thin' if thin else ''}: pods after {time.monotonic() - began:.1f} s")
        console.press("p")
        console.wait("first run", patience=60)
        back(console)
        began = time.monotonic()
        console.press("s")
        console.wait("/ #", patience=120)
        lab.took.append(f"relay{', thin' if thin else ''}: a shell after {time.monotonic() - began:.1f} s")
        typed(console, "echo after=$((40+2))")
        console.wait("after=42", patience=60)
        typed(console, "exit")
        console.wait("Pods", "watched", patience=60)
        opened(console, "deploy", "till", patience=60)
        console.press("e")
        console.wait("+  replicas: 3", patience=90)
        console.press("Escape")
    finally:
        console.close()
        lab.fleet.lab("fault", "clear")
