"""An installer made headless from an answer file, as the wizard writes one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.core.installer.samples import LEAST
from tests.e2e.forge.forge_base import base_iso
from tests.e2e.forge.proof_rig import Rig


class Installer:
    """One installer by an answer file (with `more` answers), and a copy of it for each way to boot it."""

    def __init__(self, rig: Rig, name: str, token: str, ca: str = "", more: Mapping[str, Any] | None = None) -> None:
        self.rig, self.name, self.token, self.ca, self.more = rig, name, token, ca, dict(more or {})
        self.folder = rig.folder / name
        self.folder.mkdir()
        self.iso = self.folder / f"{name}.iso"

    def apply(self) -> None:
        """Make it headless from an answer file, as the wizard's is replayed."""
        answers = {
            **LEAST,
            "plane.endpoint": self.rig.url,
            "plane.ca": self.ca or self.rig.ca(),
            "token.text": self.token,
            "uid.rule": "name",
            "uid.name": f"box-{self.name}",
            "site.name": "berlin",
            "site.tags": {"line": "3"},
            "base.path": str(base_iso()),
            "output.name": self.name,
            "output.folder": str(self.folder),
            **self.more,
        }
        document = {
            "apiVersion": "edgewright/v1",
            "kind": "Installer",
            "metadata": {"name": self.name},
            "answers": answers,
        }
        path = self.folder / "answers.yaml"
        path.touch(0o600)
        path.write_text(yaml.safe_dump(document))
        done = self.rig.product("apply", "-f", str(path), timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert self.iso.is_file(), done.stdout

    def copy(self, way: str) -> Path:
        """Return a copy with its manifest, so that two proofs do not write into one."""
        target = self.folder / f"{way}.iso"
        for end in ("", ".manifest.json"):
            shutil.copyfile(f"{self.iso}{end}", f"{target}{end}")
        return target
