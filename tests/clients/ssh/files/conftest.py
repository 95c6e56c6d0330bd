"""A folder that stands for a host's file system, and each shell that hosts have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.clients.ssh.files.local_host import SHELLS, have


@pytest.fixture(
    params=[shell if shell[0] == "sh" else pytest.param(shell, marks=pytest.mark.e2e) for shell in SHELLS],
    ids=lambda shell: shell[0],
)
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    words: Sequence[str] = request.param
    have(words)
    return words


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    for name in ("var/log/pods", "oem", "etc", "opt/spectrocloud"):
        (root / name).mkdir(parents=True)
    (root / "var/log/syslog").write_text("".join(f"line {n}\n" for n in range(100)))
    (root / "oem/90_custom.yaml").write_text("#cloud-config\nstylus:\n  site:\n    edgeHostToken: canary-7f3a-token\n")
    (root / "etc/shadow").write_text("root:canary-shadow\n")
    return root


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of two blocks, so that small files have several."""
    monkeypatch.setattr("edgewright.clients.ssh.files.download.FIRST_PIECE", 131_072)
    monkeypatch.setattr("edgewright.clients.ssh.files.download.PIECE_SECONDS", 0.0)
