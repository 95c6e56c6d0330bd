"""What earlier releases wrote, as copies that a test may change."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT


class Release(NamedTuple):
    """A private copy of a release's files: `folder` has hub/, agent/, home/, preferences/, answers/ and fleet.rec."""

    folder: Path
    facts: dict[str, Any]

    def preferences(self) -> Path:
        """Return the home of the user who changed everything, with the paths of this copy in its files."""
        home = self.folder / "preferences"
        contexts = home / "config" / "contexts.toml"
        contexts.write_text(contexts.read_text().replace("HOME", str(home)))
        return home

    def point_agent_at(self, url: str) -> None:
        """Write another port into the agent's registration: the fixture's own may be in use here."""
        path = self.folder / "agent" / "data" / "registration.json"
        body = json.loads(path.read_text())["body"].replace(
            json.loads(json.loads(path.read_text())["body"])["endpoint"], url
        )
        digest = hashlib.sha256(body.encode()).hexdigest()
        path.write_text(json.dumps({"sha256": digest, "body": body}))


@pytest.fixture
def release(tmp_path: Path) -> Release:
    source = ROOT / "tests" / "fixtures" / "v0_1_0"
    folder = tmp_path / "v0_1_0"
    shutil.copytree(source, folder)
    for path in [folder, *folder.rglob("*")]:  # git stores no modes
        path.chmod(0o700 if path.is_dir() else 0o600)
    return Release(folder, json.loads((folder / "facts.json").read_text()))


@pytest.fixture
def hub(release: Release) -> Iterator[RunningHub]:
    with running_hub("--heartbeat", "1", data=release.folder / "hub") as running:
        yield running
