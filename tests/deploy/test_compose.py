"""`deploy/compose` for real: PostgreSQL, two hubs and the proxy in containers; an agent and a console use them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy import images
from tests.deploy.composed import Composed, filled
from tests.e2e.console import Console
from tests.e2e.fleet import command_environment, product, until
from tests.e2e.forge.image_place import _free_address, _registry
from tests.support import ROOT, missing

COMPOSE = ROOT / "deploy" / "compose"
NEEDED = ("podman", "runc", "skopeo", "docker-registry", "tmux", "openssl", "nsenter", "ip")


def test_variables_are_replaced_as_docker_compose_does() -> None:
    assert filled("a ${X:-b} $${y} $$@", {}) == "a b ${y} $@"
    assert filled("${X:?needed}/${Y}", {"X": "1", "Y": "2"}) == "1/2"
    with pytest.raises(KeyError, match="X: needed"):
        filled("${X:?needed}", {})


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Run the services of the compose file, started by the commands in its head."""
    if os.getuid():
        missing("deploy", "containers need root")
    for program in NEEDED:
        if shutil.which(program) is None:
            missing("deploy", f"{program} is not installed: apt-get install {program}")
    room = tmp_path_factory.mktemp("compose")
    (room / "home").mkdir()
    here = room / "compose"
    shutil.copytree(COMPOSE, here)
    variables = {"HUB_IMAGE": "", "HUB_NAME": "127.0.0.1"}
    registry = _free_address()
    variables |= {"POSTGRES_IMAGE": "localhost/database:test", "PROXY_IMAGE": "localhost/proxy:test"}
    variables["HUB_IMAGE"] = f"{registry}/edgewright/hub:test"
    _secrets(here, variables)
    composed = Composed(here / "compose.yaml", variables, room / "podman")
    try:
        composed.prepare()
        with _registry(room, registry, ""):
            base = images.base_of_hub(room)
            words = ("forge", "hub-image", "--base", f"root:{base}", "--push", variables["HUB_IMAGE"], "--yes")
            done = product(command_environment(room / "home"), *words, timeout=600)
            assert done.returncode == 0, done.stderr
            layout = f"oci-archive:{room / 'hub.tar'}"
            command = ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{variables['HUB_IMAGE']}", layout]
            subprocess.run(command, check=True)
        loaded = composed.podman("load", "-i", str(room / "hub.tar")).split()[-1]
        composed.podman("tag", loaded, variables["HUB_IMAGE"])
        archive, script = images.parts_image()
        composed.podman("import", "-q", str(archive), "localhost/parts:test", timeout=300)
        _image(composed, room, variables["POSTGRES_IMAGE"], "database", script)
        _image(composed, room, variables["PROXY_IMAGE"], "proxy", "")
        composed.up()
        yield composed
        for name in composed.services:  # shown where a test fails
            print(name, composed.logs(name)[-3000:])
    finally:
        composed.down()


def _secrets(folder: Path, variables: dict[str, str]) -> None:
    """Run the commands that the head of the compose file gives, but for the last one, which starts everything."""
    head = [line[4:] for line in (folder / "compose.yaml").read_text().splitlines() if line.startswith("#   ")]
    assert head[-1].endswith("docker compose up -d") and len(head) == 6
    script = "\n".join(line.replace("sudo ", "") for line in head[:-1])
    subprocess.run(["sh", "-ec", script], cwd=folder, check=True)
    assert (folder / "secrets/secret.key").stat().st_uid == 10001
    assert set(variables) >= {word.partition("=")[0] for word in head[-1].split() if "=" in word}


def _image(composed: Composed, room: Path, name: str, kind: str, script: str) -> None:
    """Make an image of the parts, with the entry point that the official one has."""
    context = room / kind
    context.mkdir()
    run = context / "start"
    run.write_text(script or '#!/bin/sh\nexec haproxy -W -db -f /usr/local/etc/haproxy/haproxy.cfg "$@"\n')
    run.chmod(0o755)
    user = "--change=USER=haproxy" if kind == "proxy" else "--change=USER=root"
    made = f"make-{secrets.token_hex(2)}"
    composed.podman("create", "--name", made, "localhost/parts:test", "/start")
    composed.podman("cp", str(run), f"{made}:/start")
    composed.podman("commit", "-q", user, '--change=ENTRYPOINT=["/start"]', "--change=CMD=[]", made, name)
    composed.podman("rm", made)


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_an_agent_and_a_console_work_through_it_while_a_hub_ends(plane: Composed, tmp_path: Path) -> None:
    for name in ("hub-1", "hub-2"):
        until(f"{name} is healthy", 90, lambda name=name: plane.healthy(name))  # type: ignore[misc]
    state = "/var/lib/edgewright/hub"
    keys = [name for name in ("hub-1", "hub-2") if "admin-api-key" in _list(plane, name, state)]
    assert len(keys) == 1, "the hub that made the tables has the first key"
    for name in ("admin-api-key", "ca.crt"):
        (tmp_path / name).write_text(plane.podman("exec", plane.container(keys[0]), "cat", f"{state}/{name}"))
    (tmp_path / "admin-api-key").chmod(0o600)
    env = command_environment(tmp_path / "home")
    (tmp_path / "home").mkdir()
    prefix = plane.inside

    def cli(*words: str) -> str:
        command = [*prefix, sys.executable, "-m", "edgewright", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    add = ["context", "add", "lab", "--url", "https://127.0.0.1:8443", "--ca", str(tmp_path / "ca.crt")]
    cli(*add, "--api-key-file", str(tmp_path / "admin-api-key"), "--no-keyring")
    token = json.loads(cli("token", "create", "t", "--yes", "-o", "json"))
    (tmp_path / "token").write_text(json.loads(cli("token", "show", "t", "--reveal", "-o", "json"))["spec"]["token"])
    assert token
    agent = [*prefix, sys.executable, "-m", "edgewright.agent", "run", "--endpoint", "https://127.0.0.1:8443"]
    agent += ["--token-file", str(tmp_path / "token"), "--ca", str(tmp_path / "ca.crt"), "--console", ""]
    agent += ["--data", str(tmp_path / "agent"), "--interval", "2"]
    with (tmp_path / "agent.out").open("wb") as out:
        process = subprocess.Popen(agent, env=env, cwd=ROOT, stdout=out, stderr=out)
    console = None
    try:
        until("the agent is healthy", 60, lambda: _health(cli) == "healthy")
        console = Console(
            tmp_path / "console",
            "https://127.0.0.1:8443",
            tmp_path / "ca.crt",
            tmp_path / "admin-api-key",
            120,
            30,
            prefix,
        )
        console.wait("live", patience=40)
        console.write(b"2")
        console.wait("Hosts", "healthy", patience=20)
        for name in ("hub-1", "hub-2"):
            began = time.monotonic()
            plane.podman("stop", "-t", "45", plane.container(name))
            print(f"{name} ended {time.monotonic() - began:.1f} s after the order")
            assert _exit(plane, name) == 0
            until("the command line works", 20, lambda: _health(cli) == "healthy")
            time.sleep(6)
            shown = console.screen()
            assert "live" in shown and "Hosts" in shown, shown
            assert _health(cli) == "healthy"
            plane.podman("start", plane.container(name))
            until(f"{name} is healthy again", 60, lambda name=name: plane.healthy(name))  # type: ignore[misc]
        plane.podman("stop", plane.container("database"))
        console.wait("cannot store", patience=40)
        assert "Hosts" in console.screen()
        plane.podman("start", plane.container("database"))
        console.wait("live", patience=60)
        until("the host is healthy", 30, lambda: _health(cli) == "healthy")
        events = json.loads(cli("event", "list", "-o", "json"))
        assert "HostUnhealthy" not in str(events)
    finally:
        process.terminate()
        process.wait(20)
        if console is not None:
            console.close()
    for name in ("hub-1", "hub-2"):
        assert '"level":"info"' in plane.logs(name) and "Traceback" not in plane.logs(name)


def _list(plane: Composed, service: str, folder: str) -> list[str]:
    return plane.podman("exec", plane.container(service), "ls", folder).split()


def _exit(plane: Composed, service: str) -> int:
    return int(plane.podman("inspect", "--format", "{{.State.ExitCode}}", plane.container(service)))


def _health(cli: object) -> str:
    assert callable(cli)
    try:
        items = json.loads(cli("host", "list", "-o", "json"))
    except AssertionError:
        return ""
    return str(items[0]["status"]["health"].get("state")) if items else ""
