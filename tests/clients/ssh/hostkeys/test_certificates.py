"""Certificates of hosts, signed by ssh-keygen: who may be shown for whom, and when."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Protocol

import pytest

from edgewright.clients.ssh.hostkeys.certificates import problem_of, read_certificate
from edgewright.clients.ssh.hostkeys.keys import HostKey, key_of_blob, key_of_text
from edgewright.clients.ssh.hostkeys.known_hosts import Entry, Known
from edgewright.clients.ssh.hostkeys.verdict import algorithms, judge
from edgewright.clients.ssh.transport import HOST_KEY_ALGORITHMS
from tests.clients.ssh.sshd import make_key, sign

NOW = time.time()


class Certify(Protocol):
    """Signs the public key of a host with options of ssh-keygen."""

    def __call__(self, *options: str, kind: str = ..., authority: Path | None = ...) -> HostKey: ...


def key_in(path: Path) -> HostKey:
    kind, text = path.read_text().split()[:2]
    return key_of_text(kind, text)


def public(path: Path) -> HostKey:
    return key_in(path.with_name(path.name + ".pub"))


@pytest.fixture
def certify(key_files: dict[str, Path], tmp_path: Path) -> Certify:
    def make(*options: str, kind: str = "ed25519", authority: Path | None = None) -> HostKey:
        copy = tmp_path / f"{kind}.pub"
        shutil.copy(key_files[f"host-{kind}"].with_name(f"host-{kind}.pub"), copy)
        return key_in(sign(authority or key_files["authority"], copy, "edge1 certificate", *options))

    return make


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_is_read(kind: str, certify: Certify, key_files: dict[str, Path]) -> None:
    certificate = read_certificate(certify("-h", "-n", "edge1,edge1.example", "-z", "7", "-V", "-1d:+1d", kind=kind))
    assert certificate.key == public(key_files[f"host-{kind}"])
    assert certificate.authority == public(key_files["authority"])
    assert (certificate.principals, certificate.serial) == (("edge1", "edge1.example"), 7)
    assert (certificate.name, certificate.signed_with) == ("edge1 certificate", "ssh-ed25519")
    assert problem_of(certificate, "edge1.example", NOW) == ""


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("-h", "-n", "edge2"), "is for edge2, not for edge1"),
        (("-h", "-n", "a,b,c,d,e"), "is for a, b, c, d, ..., not for edge1"),
        (("-h",), "names no host"),
        (("-n", "edge1"), "is one of a user, not of a host"),
        (("-h", "-n", "edge1", "-V", "20200101:20200102"), "expired on 2020-01-02T"),
        (("-h", "-n", "edge1", "-V", "20400101:20400102"), "is valid from 2040-01-01T"),
        (
            ("-h", "-n", "edge1", "-O", "critical:unknown@example=x"),
            "has critical options that are not known: unknown@ex",
        ),
        (("-h", "-n", "edge*"), ""),
        (("-h", "-n", "EDGE1"), ""),
        (("-h", "-n", "edge1", "-V", "always:forever"), ""),
    ],
)
def test_whom_a_certificate_is_for(options: tuple[str, ...], problem: str, certify: Certify) -> None:
    found = problem_of(read_certificate(certify(*options)), "edge1", NOW)
    assert found.startswith(problem) and bool(found) == bool(problem)


def test_a_changed_byte_breaks_the_signature(certify: Certify) -> None:
    shown = certify("-h", "-n", "edge1")
    for position in (shown.blob.index(b"edge1"), len(shown.blob) - 1):
        blob = bytearray(shown.blob)
        blob[position] ^= 1
        assert (
            problem_of(read_certificate(key_of_blob(bytes(blob))), "edge1", NOW) == "has a signature that is not valid"
        )


@pytest.mark.parametrize(
    ("algorithm", "accepted"), [("rsa-sha2-256", True), ("rsa-sha2-512", True), ("ssh-rsa", False)]
)
def test_an_rsa_authority_signs_with_sha2(algorithm: str, accepted: bool, certify: Certify, tmp_path: Path) -> None:
    authority = make_key(tmp_path / "rsa-authority", "rsa")
    certificate = read_certificate(certify("-h", "-n", "edge1", "-t", algorithm, authority=authority))
    assert certificate.signed_with == algorithm
    problem = problem_of(certificate, "edge1", NOW)
    assert (problem == "") if accepted else ("ssh-rsa, which is not accepted" in problem)


def entry(key: HostKey, marker: str = "", place: str = "known_hosts line 3") -> Entry:
    return Entry(marker, "edge1", key, place)


def test_every_verdict(certify: Certify, key_files: dict[str, Path]) -> None:
    plain, other, authority = (public(key_files[name]) for name in ("host-ed25519", "other", "authority"))
    good, late = certify("-h", "-n", "edge1"), certify("-h", "-n", "edge1", "-V", "20200101:20200102")

    def status(shown: HostKey, *entries: Entry) -> str:
        return judge(shown, Known(entries), "edge1", NOW).status

    assert status(plain) == "unknown"
    assert status(plain, entry(plain)) == status(plain, entry(other), entry(plain)) == "known"
    assert status(plain, entry(other)) == "changed"
    assert status(plain, entry(plain), entry(plain, "@revoked")) == "revoked"
    assert status(plain, entry(plain), entry(other, "@revoked")) == "known"
    assert status(plain, entry(plain, "@cert-authority")) == "unknown"
    assert status(good, entry(authority, "@cert-authority")) == "authority"
    assert status(good, entry(other, "@cert-authority")) == "unknown"
    assert status(good, entry(other, "@cert-authority"), entry(plain)) == "known"
    assert status(good, entry(authority)) == "changed"
    assert status(late, entry(authority, "@cert-authority")) == "certificate"
    assert status(late, entry(authority, "@cert-authority"), entry(plain)) == "known"
    assert status(good, entry(authority, "@cert-authority"), entry(authority, "@revoked")) == "revoked"
    assert status(good, entry(authority, "@cert-authority"), entry(plain, "@revoked")) == "revoked"


def test_a_name_without_its_port_counts_where_nothing_else_is_known(key_files: dict[str, Path]) -> None:
    plain, other = public(key_files["host-ed25519"]), public(key_files["other"])

    def status(*entries: Entry, without: tuple[Entry, ...]) -> str:
        return judge(plain, Known(entries, (), Known(without)), "edge1", NOW).status

    assert status(without=(entry(plain),)) == "known"
    assert status(without=(entry(other),)) == "unknown"
    assert status(entry(other), without=(entry(plain),)) == "changed"
    assert status(without=(entry(plain, "@revoked"),)) == "revoked"


def test_the_algorithms_begin_with_what_can_be_compared(key_files: dict[str, Path]) -> None:
    rsa, authority = public(key_files["host-rsa"]), public(key_files["authority"])
    assert algorithms(Known(), HOST_KEY_ALGORITHMS) == HOST_KEY_ALGORITHMS
    assert algorithms(Known((entry(rsa),)), HOST_KEY_ALGORITHMS)[:2] == ("rsa-sha2-512", "rsa-sha2-256")
    first = algorithms(Known((entry(rsa), entry(authority, "@cert-authority"))), HOST_KEY_ALGORITHMS)
    assert first[0] == "ssh-ed25519-cert-v01@openssh.com" and first[6] == "rsa-sha2-512"
