"""What tests of the forge share: small installers, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forge.isos import kairos_iso


@pytest.fixture(scope="session")
def base_iso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installer of Kairos's layout with a placeholder for the config; never changed by a test."""
    return kairos_iso(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def plain_iso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with a config of CanvOS's place and another beside it, and no placeholder."""
    configs = {
        "/files-iso/config.yaml": b"#cloud-config\ninstall:\n  device: auto\n",
        "/extra/more.yml": b"## template: jinja\n#cloud-config\nname: more\n",
        "/notes.yaml": b"only: notes\n",
    }
    return kairos_iso(tmp_path_factory.mktemp("plain"), configs=configs, placeholder=False)
