"""`kube get` over a real API server: its quick way prints what kubectl prints, to the byte."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from edgewright.wire.protocol import clusters as wire
from tests.e2e.kubernetes.workloads import plane_server
from tests.e2e.kubernetes.workloads.api_server import NAME, ApiServer
from tests.e2e.kubernetes.workloads.stand_ins import Maker
from tests.support import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
MANY = 620
"""Pods of a namespace: more than one page of a list."""


class Place(NamedTuple):
    """A running API and a plane."""

    server: ApiServer
    plane: Any
    environment: dict[str, str]

    def product(self, *words: str, kubectl: bool = False) -> subprocess.CompletedProcess[str]:
        """Run `kube get`, with or without a kubectl on PATH."""
        path = f"{self.server.folder}:{os.environ['PATH']}" if kubectl else str(self.server.folder / "no-programs")
        env = {**self.environment, "PATH": path, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
        argv = [sys.executable, "-m", "edgewright", "kube", "get", *words]
        return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    def kubectl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run kubectl itself."""
        argv = [str(self.server.kubectl), f"--kubeconfig={self.server.folder / 'kubeconfig'}", "get", *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("api")
    server = ApiServer.written(folder)
    asyncio.run(fill(server))
    plane = plane_server.served(folder)
    threading.Thread(target=plane.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{plane.server_address[1]}"
    made = Place(server, plane, {"HOME": str(folder), **plane_server.environment(folder, url)})
    first = made.product(NAME, "namespaces", kubectl=True)  # nothing was measured: the ordinary way, which measures
    assert first.returncode == 0 and "shop" in first.stdout, first.stderr
    yield made
    plane.shutdown()
    server.stop()


async def fill(server: ApiServer) -> None:
    maker = Maker(server, time.time() - 90_000)
    await maker.namespaces(("shop", "kitchen", "many"))
    await maker.node("edge-1", gpus=2)
    for name, state, restarts in (
        ("till-0", "Running", 0),
        ("till-1", "CrashLoopBackOff", 0),
        ("a-long-name-0", "Pending", 0),
    ):
        await maker.pod("shop", name, "edge-1" if state != "Pending" else "", state, restarts)
    await maker.pod("kitchen", "oven-0", "edge-1")
    await asyncio.gather(*(maker.pod("many", f"web-{at:04d}", "edge-1") for at in range(MANY)))
    service = {"metadata": {"name": "till"}, "spec": {"ports": [{"port": 80}], "selector": {"app": "till"}}}
    await maker.send("POST", "/api/v1/namespaces/shop/services", service)
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "main", "image": "x:1"}]}}
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    await maker.send("POST", "/apis/apps/v1/namespaces/shop/deployments", {"metadata": {"name": "x"}, "spec": spec})
    event = {
        "metadata": {"name": "odd"}, "involvedObject": {"kind": "Pod", "name": "till-0", "namespace": "shop"},
        "reason": "Odd", "message": "first line\nsecond line", "type": "Warning", "count": 3,
    }  # fmt: skip
    await maker.send("POST", "/api/v1/namespaces/shop/events", event)
    await maker.aclose()


ASKED = (
    "pods -n shop",
    "po -n shop -o wide",
    "pods -A",
    "pods -A -o wide",
    "pods -n many",
    "pods -n shop --no-headers",
    "pods --namespace=shop -l app=till",
    "pods -n shop --field-selector spec.nodeName=edge-1",
    "pods -nshop till-0",
    "nodes",
    "no edge-1 -owide",
    "ns",
    "svc -n shop",
    "deploy -n shop -o wide",
    "events -n shop",
    "configmaps -A",
    "jobs -A",
    "pvc",
    "netpol -n nowhere",
)


def ageless(text: str) -> str:
    """Return a table with a sign for each character of an age, which goes on between two calls."""
    return re.sub(r"\b(\d+[smhd])+\b", lambda age: "#" * len(age[0]), text)


@pytest.mark.parametrize("words", ASKED)
def test_the_quick_way_prints_what_kubectl_prints(place: Place, words: str) -> None:
    """Without a kubectl on PATH, so nothing else can have printed it; the plane is asked twice."""
    kind, *options = words.split()
    place.plane.asked.clear()
    for _ in range(4):  # an age may become a character longer between two calls
        theirs, ours = place.kubectl(kind, *options), place.product(NAME, kind, "--", *options)
        if ageless(ours.stdout) == ageless(theirs.stdout):
            break
    assert (ours.returncode, ours.stderr) == (theirs.returncode, theirs.stderr)
    assert ageless(ours.stdout) == ageless(theirs.stdout)
    assert set(place.plane.asked) == {f"POST {wire.SEARCH}", f"GET {wire.KUBECONFIG_CLIENT.format(uid='c-workloads')}"}


@pytest.mark.parametrize(
    "words", ["pods,services -n shop", "pods -n shop -o name", "crd", "pods -n shop till-0 till-1"]
)
def test_kubectl_does_the_rest(place: Place, words: str) -> None:
    """What is no plain table goes the ordinary way, where kubectl is needed."""
    kind, *options = words.split()
    theirs, ours = place.kubectl(kind, *options), place.product(NAME, kind, "--", *options, kubectl=True)
    assert (ours.returncode, ageless(ours.stdout)) == (theirs.returncode, ageless(theirs.stdout)), ours.stderr
    without = place.product(NAME, kind, "--", *options)
    assert without.returncode and "kubectl is not on PATH" in without.stderr


def test_what_is_not_there_is_explained_as_ever(place: Place) -> None:
    gone = place.product(NAME, "pods", "--", "-n", "shop", "nothing", kubectl=True)
    assert gone.returncode == 1 and 'pods "nothing" not found' in gone.stderr, gone.stderr
    assert "kubectl get ended with code 1" in gone.stderr
    unknown = place.product("another", "pods", kubectl=True)
    assert "There is no cluster another" in unknown.stderr, unknown.stderr


def test_an_api_that_does_not_answer_is_explained_as_ever(place: Place) -> None:
    """The ordinary way finds no direct route, and says what became of the relay."""
    document = place.plane.RequestHandlerClass.document
    ours = document["status"]["edgewright"]
    before, ours["endpoint"] = ours["endpoint"], "127.0.0.9"
    try:
        lost = place.product(NAME, "pods", kubectl=True)
    finally:
        ours["endpoint"] = before
    assert lost.returncode and "Traceback" not in lost.stderr, lost.stderr
    assert not lost.stdout
