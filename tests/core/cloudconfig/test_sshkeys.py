"""SSH public keys: whole ones of every type pass; every cut is found, by a line wrap too."""

from __future__ import annotations

import base64

import pytest

from edgewright.core.cloudconfig.sshkeys import TYPES, key_problem
from edgewright.core.installer.checks import ssh_key

CURVES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}


def field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def blob(kind: str, rsa_bits: int = 2048) -> bytes:
    """Return a well-formed key of a type; its numbers mean nothing."""
    head = field(kind.encode())
    if kind == "ssh-rsa":
        return head + field(b"\x01\x00\x01") + field(b"\0" + b"\xb5" * (rsa_bits // 8))
    if kind == "ssh-ed25519":
        return head + field(b"\x42" * 32)
    if kind.startswith("sk-ssh"):
        return head + field(b"\x42" * 32) + field(b"ssh:")
    curve = kind.split("-sha2-")[1].split("@")[0]
    body = head + field(curve.encode()) + field(b"\x04" + b"\x42" * (CURVES[curve] - 1))
    return body + field(b"ssh:") if kind.startswith("sk-") else body


GOOD = [kind for kind in TYPES if kind != "ssh-dss"]


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("form", ["{key}", "{key} ops@example.com", 'no-pty,command="ls" {key} x'])
def test_a_whole_key_passes(kind: str, form: str) -> None:
    line = form.format(key=f"{kind} {base64.b64encode(blob(kind)).decode()}")
    assert key_problem(line) == "" and ssh_key(line) == ""


@pytest.mark.parametrize("kind", GOOD)
def test_every_cut_is_found(kind: str) -> None:
    text = base64.b64encode(blob(kind)).decode()
    for end in range(len(text) - 1, 8, -1):
        assert key_problem(f"{kind} {text[:end]}"), (kind, end)
        assert ssh_key(f"{kind} {text[:end]} ops@example.com"), (kind, end)


@pytest.mark.parametrize("kind", GOOD)
def test_a_line_wrap_is_named(kind: str) -> None:
    text = base64.b64encode(blob(kind)).decode()
    at = len(text) // 2
    assert "line wrap: join" in key_problem(f"{kind} {text[:at]} {text[at:]} ops@example.com")


def test_the_wrap_behind_the_exponent_of_an_rsa_key_is_found() -> None:
    text = base64.b64encode(blob("ssh-rsa")).decode()
    at = 24  # AAAAB3NzaC1yc2EAAAADAQAB, as the first line of many a mail ends
    assert "line wrap" in key_problem(f"ssh-rsa {text[:at]} {text[at:]} ops")
    assert "copied completely" in key_problem(f"ssh-rsa {text[:at]}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ssh-rsa " + base64.b64encode(blob("ssh-ed25519")).decode(), "do not agree"),
        ("ssh-rsa " + base64.b64encode(blob("ssh-rsa", 512)).decode(), "copied completely"),
        ("ssh-ed25519 “AAAA”", "not base64"),
        ("ssh-ed25519", "no key behind"),
        ("ops@example.com", "not an SSH public key"),
        ("", "empty"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        ("ssh-ed25519 AAAA\nssh-ed25519 AAAA", "several lines"),
    ],
)
def test_what_is_no_key(line: str, words: str) -> None:
    assert words in key_problem(line)
