"""What release 0.1.0 wrote is read by this one: hub database, agent data, console cache, answer files, recording."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from edgewright.core.installer.answers import complete
from edgewright.forge.answers import read_answers
from edgewright.store import cache
from tests.core.installer import samples
from tests.hub_fixture import RunningHub
from tests.support import ROOT

from .conftest import Release


def edgewright(release: Release, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEWRIGHT_HOME": str(release.folder / "home")}
    return subprocess.run(
        [sys.executable, "-m", "edgewright", *words], capture_output=True, text=True, timeout=60, env=environment
    )


def test_a_hub_continues_with_its_hosts_tokens_keys_and_projects(release: Release, hub: RunningHub) -> None:
    facts, admin = release.facts, hub.client()
    assert hub.admin_key == facts["adminKey"]
    search = admin.post("/v1/dashboard/edgehosts/search", json={}).json()
    assert set(facts["hosts"]) <= {host["metadata"]["uid"] for host in search["items"]}
    token = admin.get(f"/v1/edgehosts/tokens/{facts['token']['uid']}").json()
    assert token["spec"]["token"] == facts["token"]["text"] and token["metadata"]["name"] == "shops"
    assert facts["project"] in {
        item["metadata"]["uid"] for item in admin.get("/v1/dashboard/projects/metadata").json()["items"]
    }
    viewer = hub.client(ApiKey=facts["viewerKey"])
    assert viewer.get("/v1/edgehosts/berlin-01").status_code == 200
    assert viewer.delete("/v1/edgehosts/berlin-01").status_code == 403
    before = facts["generations"]["berlin-01"]["status"]["edgewright"]
    after = admin.get("/v1/edgehosts/berlin-01").json()["status"]["edgewright"]
    assert after["generation"] >= before["generation"] > 1
    assert admin.get("/v1/audits").json()["listmeta"]["count"] >= facts["audits"]


def test_new_hosts_register_with_an_old_token(release: Release, hub: RunningHub) -> None:
    hub.host("kiel-01", release.facts["token"]["text"], registration="9" * 32)
    assert hub.client().get("/v1/edgehosts/kiel-01").json()["metadata"]["uid"] == "kiel-01"


def test_an_agent_keeps_its_identity_and_does_not_register_again(release: Release, hub: RunningHub) -> None:
    release.point_agent_at(hub.url)
    folder = release.folder / "agent"
    uid = next(h["metadata"]["uid"] for h in release.facts["hostList"] if h["metadata"]["uid"].startswith("edge-"))
    admin = hub.client()
    count = admin.get(f"/v1/edgehosts/{uid}").json()["status"]["edgewright"]["heartbeats"]
    registered = admin.get(f"/v1/edgehosts/{uid}").json()["status"]["edgewright"]["registeredAt"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "edgewright", "agent", "run", "--endpoint", hub.url, "--ca", str(hub.ca)),
            *("--observe", "--data", str(folder / "data"), "--root", str(folder / "root"), "--console", ""),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        for _ in range(150):
            status = admin.get(f"/v1/edgehosts/{uid}").json()["status"]["edgewright"]
            if status["heartbeats"] >= count + 2:
                break
            time.sleep(0.2)
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert status["heartbeats"] >= count + 2, errors
    assert status["registeredAt"] == registered


def test_the_cached_fleet_of_the_console_is_read(release: Release) -> None:
    loaded = cache.load(release.folder / "home" / "cache" / "fixture_all.fleet")
    assert loaded.problem == "" and loaded.model is not None
    assert {"berlin-01", "berlin-02", "oslo-01"} <= set(loaded.model.hosts)


def test_a_recording_is_read(release: Release) -> None:
    done = edgewright(release, "render", "hosts", "--size", "120x40", "--from", str(release.folder / "fleet.rec"))
    assert done.returncode == 0, done.stderr
    assert "berlin-01" in done.stdout


@pytest.mark.parametrize("name", samples.ALL)
def test_answer_files_are_read(release: Release, name: str) -> None:
    found = read_answers(release.folder / "answers" / f"{name}.yaml")
    assert found.name == name
    named = {"output.name": name}  # the fixture of `local` has no output.name: since then metadata.name is taken
    assert found.answers == complete({**named, **samples.ALL[name]})
