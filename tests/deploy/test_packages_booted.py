"""The Debian packages where systemd runs: units started, both packages updated, removed and purged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edgewright.agent.install import archive
from tests.deploy.booted import Booted, booted
from tests.deploy.test_packages import package_builder
from tests.e2e.fleet import until
from tests.support import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
HUB, AGENT = "edgewright-hub.service", "edgewright-agent.service"
STATE = "/var/lib/edgewright-hub"
NEWER = "9.9.0"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    return package_builder()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Booted]:
    with booted(tmp_path) as made:
        yield made


def install(system: Booted, *built: Path) -> str:
    """Install packages as `apt install ./FILE` does."""
    (system.root / "root/debs").mkdir(exist_ok=True)
    for path in built:
        shutil.copy(path, system.root / "root/debs")
    return system.run("dpkg", "-i", *(f"/root/debs/{path.name}" for path in built), timeout=180)


def ready(system: Booted) -> bool:
    code = "import ssl,urllib.request as u;print(u.urlopen('https://127.0.0.1:8443/readyz',context=ssl._create_unverified_context()).status)"
    return system.run("python3", "-c", code, check=False).strip() == "200"


def newer(builder: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return both packages as a later release would have them."""
    tree = folder / "newer" / "edgewright"
    shutil.copytree(ROOT / "edgewright", tree, ignore=shutil.ignore_patterns("__pycache__"))
    text = (tree / "__init__.py").read_text()
    from edgewright import __version__

    assert __version__ in text
    (tree / "__init__.py").write_text(text.replace(__version__, NEWER))
    archive.build(str(folder / "newer.pyz"), str(tree))
    hub, agent = builder.hub_package(), builder.agent_package()
    changed = {"usr/lib/edgewright-hub/edgewright/__init__.py": ((tree / "__init__.py").read_bytes(), 0o644)}
    hub = hub._replace(files={**hub.files, **changed})
    program = (folder / "newer.pyz").read_bytes()
    agent = agent._replace(files={**agent.files, "usr/share/edgewright-agent/edgewright-agent.pyz": (program, 0o755)})
    monkeypatch.setattr(builder, "debian_version", lambda: NEWER)
    return [builder.build(package, folder / "debs2", builder.EPOCH) for package in (hub, agent)]


def test_units_are_started_updated_removed_and_purged(
    builder: ModuleType,
    system: Booted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = system.run("systemctl", "--failed", "--plain", "--no-legend")
    before = system.run("sh", "-c", "ls -A /etc /var/lib /usr/lib /etc/systemd/system; cut -d: -f1 /etc/passwd")
    built = [
        builder.build(make(), tmp_path / "debs", builder.EPOCH) for make in (builder.hub_package, builder.agent_package)
    ]
    install(system, *built)
    assert system.unit(HUB, "ActiveState") == "inactive", "a first installation starts nothing"
    system.run("systemctl", "enable", "--now", HUB)
    as_user = ("runuser", "-u", "edgewright-hub", "--", "edgewright-hub")
    system.run(*as_user, "configure", "--data", STATE, "--address", "127.0.0.1")
    system.run("systemctl", "restart", HUB)
    until("the hub is ready", 30, lambda: ready(system))
    assert (system.unit(HUB, "ActiveState"), system.unit(HUB, "NRestarts")) == ("active", "0")
    key = system.run("cat", f"{STATE}/admin-api-key").strip()
    project = ask(system, key, "GET", "/v1/dashboard/projects/metadata")["items"][0]["metadata"]["uid"]
    body = {"metadata": {"name": "t"}, "spec": {"defaultProjectUid": project}}
    token = ask(system, key, "POST", "/v1/edgehosts/tokens", body)["uid"]
    text = ask(system, key, "GET", f"/v1/edgehosts/tokens/{token}")["spec"]["token"]
    (system.root / "root/token").write_text(text)
    (system.root / "root/token").chmod(0o600)
    words = ("--endpoint", "https://127.0.0.1:8443", "--token-file", "/root/token", "--ca", f"{STATE}/ca.crt")
    system.run("edgewright-agent", "install", *words)
    until("the agent is healthy", 60, lambda: healthy(system, key))
    unit = system.run("cat", f"/etc/systemd/system/{AGENT}")
    processes = {name: system.unit(name, "MainPID") for name in (HUB, AGENT)}

    later = newer(builder, tmp_path, monkeypatch)
    install(system, *later)
    until("the new hub is ready", 60, lambda: ready(system))
    for name, pid in processes.items():
        assert system.unit(name, "ActiveState") == "active" and system.unit(name, "MainPID") != pid, name
    assert NEWER in system.run("edgewright-hub", "--version") and NEWER in system.run("edgewright-agent", "--version")
    assert system.run("cat", f"/etc/systemd/system/{AGENT}") == unit
    until("the updated agent reports", 60, lambda: version(system, key) == NEWER)
    assert system.run("cat", f"{STATE}/admin-api-key").strip() == key and healthy(system, key)

    system.run("dpkg", "--remove", "edgewright-agent", "edgewright-hub", timeout=120)
    for name in (HUB, AGENT):
        assert system.unit(name, "ActiveState") in ("inactive", "failed") and system.unit(name, "MainPID") == "0"
    assert "edgewright" not in system.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "edgewright*")
    assert (system.root / "var/lib/edgewright-hub/hub.db").exists() and (system.root / "var/lib/edgewright").exists()
    install(system, *later)
    system.run("systemctl", "enable", "--now", HUB)
    until("the hub is ready again, with its data", 60, lambda: ready(system))
    assert len(ask(system, key, "POST", "/v1/dashboard/edgehosts/search?limit=5", {"filter": {}})["items"]) == 1
    system.run("dpkg", "--purge", "edgewright-agent", "edgewright-hub", timeout=120)
    after = system.run("sh", "-c", "ls -A /etc /var/lib /usr/lib /etc/systemd/system; cut -d: -f1 /etc/passwd")
    left = set(after.split()) - set(before.split())
    assert left <= {"passwd-", "group-", "shadow-", "gshadow-", "machine-id"}, left
    assert system.run("systemctl", "--failed", "--plain", "--no-legend") == failed


_ASK = """
import json, ssl, sys, urllib.request
key, method, path, body = sys.argv[1:5]
request = urllib.request.Request("https://127.0.0.1:8443" + path, body.encode() or None, method=method)
request.add_header("ApiKey", key); request.add_header("Content-Type", "application/json")
print(urllib.request.urlopen(request, context=ssl._create_unverified_context()).read().decode())
"""


def ask(system: Booted, key: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    text = "" if body is None else json.dumps(body)
    answered = json.loads(system.run("python3", "-c", _ASK, key, method, path, text))
    assert isinstance(answered, dict)
    return answered


def healthy(system: Booted, key: str) -> bool:
    return bool(ask(system, key, "GET", "/edgewright/v1/status")["hosts"]["healthy"] == 1)


def version(system: Booted, key: str) -> str:
    items = ask(system, key, "POST", "/v1/dashboard/edgehosts/search?limit=5", {"filter": {}})["items"]
    return NEWER if NEWER in json.dumps(items) else json.dumps(items)  # the version is one of the host's facts
