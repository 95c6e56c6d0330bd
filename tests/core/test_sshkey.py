"""An SSH key as a value: fingerprint as ssh-keygen prints it, size, comment, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from edgewright.core.sshkey import MAX_LINE, read_key
from tests.support import missing


def line(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, comment: str = "") -> str:
    encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return f"{key.public_key().public_bytes(encoding, form).decode()} {comment}".strip()


GOOD = line(ed25519.Ed25519PrivateKey.generate(), "ana@example.com")


@pytest.mark.parametrize(
    ("text", "kind", "bits"),
    [
        (GOOD, "ssh-ed25519", 256),
        (line(rsa.generate_private_key(65537, 2048)), "ssh-rsa", 2048),
        (line(ec.generate_private_key(ec.SECP384R1())), "ecdsa-sha2-nistp384", 384),
    ],
    ids=["ed25519", "rsa", "ecdsa"],
)
def test_a_key_is_what_ssh_keygen_prints(tmp_path: Path, text: str, kind: str, bits: int) -> None:
    key = read_key(text + "\n")
    assert (key.kind, key.bits) == (kind, bits)
    if shutil.which("ssh-keygen") is None:
        missing("e2e", "ssh-keygen is not installed")
    (tmp_path / "k.pub").write_text(text + "\n")
    printed = subprocess.run(["ssh-keygen", "-lf", tmp_path / "k.pub"], capture_output=True, text=True, check=True)
    assert printed.stdout.split()[:2] == [str(bits), key.fingerprint]


def test_the_comment() -> None:
    assert read_key(GOOD).comment == "ana@example.com"
    assert read_key(GOOD + " and more").comment == "ana@example.com and more"
    assert read_key(" ".join(GOOD.split()[:2])).comment == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("hello", "is not an SSH public key"),
        ("ssh-ed25519 !!!!", "is not base64"),
        (GOOD[:-40], ""),
        (GOOD.replace("ssh-ed25519", "ssh-rsa", 1), "do not agree"),
        (f'command="rm -rf /" {GOOD}', "options before the type"),
        ("github:ana", "options before the type"),
        ("{{ .key }}", "is not"),
        (f"{GOOD}\n{GOOD}", "several lines"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "is a private key"),
        (line(rsa.generate_private_key(65537, 1024)), "is an RSA key of 1024 bits"),
        (GOOD + "x" * 300, "has a comment of more than"),
        (GOOD + " " * MAX_LINE, "is longer than"),
        (GOOD + "\x1b[2J", "control characters"),
    ],
    ids=[f"case-{number}" for number in range(14)],
)
def test_what_is_refused(text: str, problem: str) -> None:
    if text == GOOD[:-40]:
        text = " ".join(GOOD.split()[:2])[:-8]
    with pytest.raises(ValueError, match=problem):
        read_key(text)
