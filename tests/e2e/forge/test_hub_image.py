"""The image of the hub for real: built, pushed, pulled by another program, and run until an agent registers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.fleet import Plane, command_environment, product, until
from tests.e2e.forge.image_place import _free_address, _registry
from tests.support import ROOT, missing

pytestmark = pytest.mark.e2e
BASE = os.environ.get("EDGEWRIGHT_HUB_BASE", "")
"""The root of a Debian with this machine's Python version; made by mmdebstrap when it is not given."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.getuid():
        missing("e2e", "this test needs root")
    for program in ("docker-registry", "skopeo", "umoci", *([] if BASE else ["mmdebstrap"])):
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed: apt-get install {program}")
    if BASE:
        return Path(BASE)
    root = tmp_path_factory.mktemp("base") / "root"
    command = ["mmdebstrap", "--variant=minbase", "--include=python3,ca-certificates", "bookworm", str(root)]
    subprocess.run(command, check=True, capture_output=True, timeout=900)
    return root


@contextmanager
def _running(bundle: Path, address: str) -> Iterator[None]:
    """Run the image's own entry point as its own user, in the unpacked root, on another address."""
    root, config = bundle / "rootfs", json.loads((bundle / "config.json").read_text())
    process = config["process"]
    assert (process["user"]["uid"], process["user"]["gid"]) == (10001, 10001)
    words = [address if word.startswith("0.0.0.0:") else word for word in process["args"]]
    for name in ("null", "urandom", "random"):
        (root / "dev" / name).touch()
    mounts = f"mount -t proc proc {root}/proc; mount -t tmpfs tmpfs {root}/tmp; "
    mounts += "".join(f"mount --bind /dev/{name} {root}/dev/{name}; " for name in ("null", "urandom", "random"))
    start = ["chroot", "--userspec=10001:10001", str(root), "env", "-i", *process["env"], *words]
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", mounts + 'exec "$@"', "sh", *start]
    with (bundle / "out").open("wb") as out:
        hub = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(hub.pid, signal.SIGTERM)
        hub.wait(40)


def test_the_image_is_pushed_pulled_run_and_an_agent_registers(base: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    env, registry = command_environment(tmp_path / "home"), _free_address()
    with _registry(tmp_path, registry, ""):
        digests = []
        for tag in ("one", "two"):
            words = ("forge", "hub-image", "--base", f"root:{base}", "--push", f"{registry}/edgewright/hub:{tag}")
            done = product(env, *words, "--yes", "-o", "json", timeout=600)
            assert done.returncode == 0, done.stderr
            document = json.loads(done.stdout)
            digests.append(document["digest"])
        assert digests[0] == digests[1], "the same inputs give the same image"
        inspect = ["skopeo", "inspect", "--tls-verify=false", "--raw"]
        tag = digests[0].replace(":", "-") + ".sbom"
        bill = subprocess.run([*inspect, f"docker://{registry}/edgewright/hub:{tag}"], capture_output=True, check=True)
        assert json.loads(bill.stdout)["subject"]["digest"] == digests[0]
        layout = f"oci:{tmp_path / 'layout'}:hub"
        source = f"docker://{registry}/edgewright/hub:one"
        subprocess.run(["skopeo", "copy", "-q", "--src-tls-verify=false", source, layout], check=True)
        command = ["umoci", "unpack", "--image", f"{tmp_path / 'layout'}:hub", str(tmp_path / "bundle")]
        subprocess.run(command, check=True, capture_output=True)
    address, data = _free_address(), tmp_path / "bundle/rootfs/var/lib/edgewright/hub"
    with _running(tmp_path / "bundle", address):
        until("the hub writes its key", 60, lambda: (data / "admin-api-key").exists())
        plane = Plane(f"https://{address}", data / "ca.crt", (data / "admin-api-key").read_text().strip())

        def ready() -> bool:
            try:
                return plane.ask("GET", "/readyz")[1]["ready"] is True
            except OSError:
                return False

        until("the hub is ready", 60, ready)
        project = plane.ask("GET", "/v1/dashboard/projects/metadata")[1]["items"][0]["metadata"]["uid"]
        body = {"metadata": {"name": "t"}, "spec": {"defaultProjectUid": project}}
        uid = plane.ask("POST", "/v1/edgehosts/tokens", body)[1]["uid"]
        (tmp_path / "token").write_text(plane.ask("GET", f"/v1/edgehosts/tokens/{uid}")[1]["spec"]["token"])
        agent = [sys.executable, "-m", "edgewright.agent", "run", "--endpoint", f"https://{address}"]
        agent += ["--token-file", str(tmp_path / "token"), "--ca", str(data / "ca.crt"), "--console", ""]
        agent += ["--data", str(tmp_path / "agent"), "--interval", "1"]
        with (tmp_path / "agent.out").open("wb") as out:
            process = subprocess.Popen(agent, env=env, cwd=ROOT, stdout=out, stderr=out)
        try:
            until("an agent is healthy", 60, lambda: _healthy(plane))
        finally:
            process.terminate()
            process.wait(20)
    assert '"level":"info"' in (tmp_path / "bundle/out").read_text(), "the log is JSON on stderr"


def _healthy(plane: Plane) -> bool:
    status, document = plane.ask("GET", "/edgewright/v1/status")
    return status == 200 and document["hosts"]["healthy"] == 1
