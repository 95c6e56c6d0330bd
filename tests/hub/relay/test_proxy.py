"""`kube proxy` as a process: its port, its kubeconfig, and its end by one and by two Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import relay
from tests import forked
from tests.e2e.fleet import command_environment
from tests.forked import Forked
from tests.hub.clusters.plane import Site
from tests.hub.relay.rig import echo, host_side, until
from tests.hub_fixture import RunningHub
from tests.support import ROOT

pytestmark = pytest.mark.e2e
FILE = {
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1:6443", "certificate-authority-data": "eA=="}}],
    "users": [{"name": "u", "user": {"client-key-data": "a"}}],
}


@pytest.fixture(scope="module")
def environment(hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    site, folder = Site(hub, 1), tmp_path_factory.mktemp("proxy")
    uid, host = site.create(controls=1, name="shop"), site.hosts[0]
    files = {"client": json.dumps(FILE), "admin": json.dumps(FILE)}
    site.agents[host].put(protocol.path(wire.KUBECONFIGS, uid=uid), json=files).raise_for_status()
    key = folder / "key"
    key.write_text(hub.admin_key)
    key.chmod(0o600)
    env = command_environment(folder / "home")
    (folder / "home").mkdir()
    env |= {"EDGEWRIGHT_URL": hub.url, "EDGEWRIGHT_CA": str(hub.ca), "EDGEWRIGHT_API_KEY_FILE": str(key)}
    with echo() as port, host_side(site, host, {relay.API: port}):
        yield env


@contextlib.contextmanager
def proxy(environment: dict[str, str], path: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "edgewright", "kube", "proxy", "shop", "--kubeconfig", str(path), *words]
    process = Forked(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        until(lambda: path.exists() or process.poll() is not None, 30)
        yield process
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_it_in_good_order(environment: dict[str, str], tmp_path: Path, times: int) -> None:
    path = tmp_path / "kubeconfig"
    with proxy(environment, path, "--relay") as process:
        document = yaml.safe_load(path.read_text())
        assert path.stat().st_mode & 0o777 == 0o600 and document["current-context"] == "shop"
        entry = document["clusters"][0]["cluster"]
        assert entry["tls-server-name"] == "kubernetes" and entry["server"].startswith("https://127.0.0.1:")
        port = int(entry["server"].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 10) as link:
            link.settimeout(10)
            link.sendall(b"hello")
            assert link.recv(10) == b"hello"
            for _ in range(times):
                process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=20)
            assert link.recv(10) == b""
    assert process.returncode in ((0,) if times == 1 else (0, 130)), output
    assert "Traceback" not in output and not path.exists()
    if times == 1:
        assert "Ended: 1 connection, 5 bytes sent, 5 received." in output


def test_a_port_that_is_in_use_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with proxy(environment, tmp_path / "k", "--relay", "--port", port) as process:
            output, _ = process.communicate(timeout=20)
    assert process.returncode == 1 and "cannot be used" in output and "--port" in output


def test_without_kubectl_the_verb_names_it(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgewright", "kube", "get", "shop", "pods"]
    env = {**environment, "PATH": str(tmp_path)}
    done = forked.run(command, env=env, cwd=ROOT)
    assert done.returncode == 3 and "kubectl is not on PATH" in done.stderr


@pytest.mark.parametrize(("number", "group"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, False)])
def test_a_kubectl_that_is_ended_leaves_neither_a_process_nor_its_kubeconfig(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals, group: bool
) -> None:
    """Ctrl-C goes to both, a closed terminal or SIGTERM may reach this program alone."""
    kubectl, noted, temporary = tmp_path / "kubectl", tmp_path / "noted", tmp_path / "temporary"
    kubectl.write_text(f'#!/bin/sh\necho $$ > "{noted}.new" && mv "{noted}.new" "{noted}"\nexec sleep 60\n')
    kubectl.chmod(0o755)
    temporary.mkdir()
    env = {**environment, "PATH": f"{tmp_path}:{environment['PATH']}", "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "edgewright", "kube", "logs", "shop", "--relay", "pod", "--", "-f"]
    process = Forked(
        command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        until(lambda: noted.exists() or process.poll() is not None, 30)
        assert list(temporary.iterdir()), "the kubeconfig is there"
        if group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert "Traceback" not in output and "ended with code" not in output
    assert not list(temporary.iterdir())
    until(lambda: not Path(f"/proc/{noted.read_text().strip()}").exists(), 5)
