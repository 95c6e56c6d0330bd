"""What release 0.1.0 wrote is read by this one.

Hub database, agent data, console cache, answer files, recording, key map, contexts; settings and view states too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from edgewright.commands.kernel.bindings import bindings, load_keymap
from edgewright.config import contexts, settings
from edgewright.config.viewstate import ViewStateFile
from edgewright.core.installer.answers import complete
from edgewright.forge.answers import read_answers
from edgewright.store.engine import cache
from tests import forked
from tests.core.installer import samples
from tests.hub_fixture import RunningHub
from tests.support import ROOT
from tui.screens.hosts.choice import HostsChoice

from .conftest import Release


def edgewright(release: Release, *words: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEWRIGHT_HOME": str(home or release.folder / "home")}
    return forked.run([sys.executable, "-m", "edgewright", *words], env=environment)


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
    then = {key: value for key, value in samples.ALL[name].items() if not key.startswith("link.")}  # asked since 0.2.0
    assert found.answers == complete({**named, **then})


@pytest.fixture
def preferences(release: Release, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(release.preferences()))
    return release.folder / "preferences"


def test_every_id_of_the_key_map_is_known_and_every_default_key_is_free(preferences: Path) -> None:
    written = json.loads((preferences / "keys.json").read_text())
    ids = {each.id for each in bindings()}
    assert set(written) <= ids, "an id of 0.1.0 is gone: a key map that names it is refused"
    keymap = load_keymap()
    assert [problem.message for problem in keymap.problems] == []
    assert len(keymap.changes) == len((preferences / "config" / "keymap.toml").read_text().splitlines()) > 90
    assert (keymap.changes["host-delete"], keymap.changes["theme"]) == ("ctrl+x", "")


def test_contexts_keep_their_keys_projects_and_authorities(preferences: Path) -> None:
    known = contexts.load()
    shops, palette = known.get("shops"), known.get("palette")
    assert known.choose("", {}) == shops and shops.api_key() == palette.api_key() == "an-api-key-of-nothing"
    assert shops.ca_path() == preferences / "config" / "ca" / "shops.crt" and not shops.read_only
    assert (palette.url, palette.project, palette.read_only) == ("https://palette.example.com", "Shops", True)


def test_settings_are_read(preferences: Path) -> None:
    found = settings.load()
    for name, value in tomllib.loads((preferences / "config" / "settings.toml").read_text()).items():
        assert getattr(found, name) == value, name


def test_columns_and_order_of_a_view_are_read(preferences: Path) -> None:
    choice = HostsChoice(ViewStateFile(), {})
    assert (choice.column_ids, choice.sort_by, choice.reverse) == (("name", "health", "site"), "site", True)


def test_the_command_line_works_with_them(release: Release, preferences: Path) -> None:
    assert edgewright(release, "config", "validate", home=preferences).returncode == 0
    listed = edgewright(release, "context", "list", "-o", "json", home=preferences)
    assert {row["name"] for row in json.loads(listed.stdout)} == {"shops", "palette"}


def test_a_context_of_the_console_reaches_its_hub(release: Release, hub: RunningHub) -> None:
    home = release.folder / "home"
    file = home / "config" / "contexts.toml"
    file.write_text(re.sub("https://127.0.0.1:[0-9]+", hub.url, file.read_text()).replace("HOME", str(home)))
    done = edgewright(release, "host", "list", "-o", "name")
    assert done.returncode == 0, done.stderr
    assert {"berlin-01", "berlin-02", "oslo-01"} <= set(done.stdout.split())
