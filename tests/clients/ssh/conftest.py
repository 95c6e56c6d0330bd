"""Keys of every kind, made once by ssh-keygen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.clients.ssh.sshd import make_key
from tests.support import missing

KINDS = ("ed25519", "ecdsa", "rsa")


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Private keys by name: `host-ed25519`, `host-ecdsa`, `host-rsa`, `other`, `user`, `authority`, `locked`."""
    if shutil.which("ssh-keygen") is None:
        missing("e2e", "openssh-client is not installed")
    folder = tmp_path_factory.mktemp("keys")
    keys = {f"host-{kind}": make_key(folder / f"host-{kind}", kind) for kind in KINDS}
    for name in ("other", "user", "authority"):
        keys[name] = make_key(folder / name)
    keys["locked"] = make_key(folder / "locked", passphrase="pass-canary-7f3a")
    return keys
