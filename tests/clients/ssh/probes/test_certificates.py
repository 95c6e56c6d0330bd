"""Certificates of a host: dates, who signed them, an old certificate of a CA beside the renewed one."""

from __future__ import annotations

import base64
import datetime
import random
import re
import shutil
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgewright.clients.ssh.probes.parsing import certificates
from edgewright.clients.ssh.probes.probe import Probe
from edgewright.clients.ssh.probes.sets import CATALOGUE
from tests.clients.ssh.probes.shells import PRESENT, run


def _certificate(
    issuer: str, key: ec.EllipticCurvePrivateKey, own: ec.EllipticCurvePrivateKey, ca: bool, days: int = 30
) -> list[str]:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name("kubernetes" if ca else "leaf"))
        .issuer_name(name(issuer))
        .public_key(own.public_key())
        .serial_number(random.getrandbits(64) | 1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca, None), True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode().splitlines()


def test_certificates_are_checked_against_the_ca_beside_them() -> None:
    authority, other, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca = _certificate("kubernetes", authority, authority, True)
    good, bad = _certificate("kubernetes", authority, leaf, False), _certificate("kubernetes", other, leaf, False)
    pki = "/etc/kubernetes/pki/"
    lines = [
        f"file {pki}ca.crt",
        *ca,
        f"file {pki}apiserver.crt",
        *good,
        f"file {pki}apiserver-kubelet-client.crt",
        *bad,
        f"file {pki}front-proxy-client.crt",
        "unreadable",
        f"file {pki}etcd/server.crt",
        *good[:4],
    ]
    found = {c.place: c for c in certificates.certificates(lines, [f"differs {pki}apiserver.crt"])["certificates"]}
    assert found[f"{pki}ca.crt"].authority and found[f"{pki}ca.crt"].fault == ""
    assert found[f"{pki}apiserver.crt"].fault == "key"
    assert found[f"{pki}apiserver-kubelet-client.crt"].fault == "issuer"
    assert found[f"{pki}etcd/server.crt"].fault == "unreadable"
    assert f"{pki}front-proxy-client.crt" not in found, "what may not be read is unknown"
    assert found[f"{pki}ca.crt"].ends == datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC).timestamp()


def test_an_old_certificate_of_a_ca_beside_the_renewed_one() -> None:
    """What counts is the last end of those that signed what this host shows; a CA of the same name with another key
    signed nothing of it."""
    authority, other, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    old, new = (_certificate("kubernetes", authority, authority, True, days) for days in (3, 300))
    foreign = _certificate("kubernetes", other, other, True, 900)
    good, theirs = _certificate("kubernetes", authority, leaf, False), _certificate("kubernetes", other, leaf, False)
    place, shown = "/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/apiserver.crt"

    def days(*bundle: list[str], leaf: list[str] = good) -> tuple[float, str]:
        lines = [f"file {place}", *(row for each in bundle for row in each), f"file {shown}", *leaf]
        found = {c.place: c for c in certificates.certificates(lines, [])["certificates"]}
        assert found[place].authority and found[place].fault == ""
        begins, ends = found[place].begins, found[place].ends
        return ((ends or 0) - (begins or 0)) / 86_400, found[shown].fault

    assert days(old, new) == days(new, old) == days(foreign, old, new) == (300, "")
    assert days(foreign, old) == days(old, foreign) == (3, ""), "the other one signed nothing here"
    assert days(old, foreign, leaf=theirs) == (900, "")
    assert days(old, new, leaf=theirs) == (300, "issuer")
    assert days(old, new, leaf=[]) == (300, "unreadable")


def test_the_keys_of_the_cluster_s_ca_are_those_of_every_certificate_of_it(tmp_path: Path) -> None:
    """A renewed one has the same key; that of etcd's CA is none of them. By files, an agent of k3s, a kubeconfig."""
    authority, other, etcd = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    old, new = (_certificate("kubernetes", authority, authority, True, days) for days in (3, 300))
    foreign, of_etcd = (_certificate("kubernetes", key, key, True) for key in (other, etcd))
    pki = "/etc/kubernetes/pki"

    def keys(*lines: str) -> frozenset[str]:
        result: frozenset[str] = certificates.certificates(lines, [])["cluster_authorities"]
        return result

    own = keys(f"file {pki}/ca.crt", *old)
    assert len(own) == 1 and own == keys(f"file {pki}/ca.crt", *new, f"file {pki}/etcd/ca.crt", *of_etcd)
    assert own < keys(f"file {pki}/ca.crt", *foreign, *new) and keys(f"file {pki}/ca.crt", "unreadable") == frozenset()
    assert keys("authority-data AAAA", "authority x,y") == frozenset()
    script = next(each for each in CATALOGUE if each.id == "certificates.files").script
    for path in ("var/lib/rancher/k3s/agent/server-ca.crt", "etc/kubernetes/kubelet.conf"):
        root = tmp_path / path.partition("/")[0]
        place, text = tmp_path / path, "\n".join(new)
        place.parent.mkdir(parents=True)
        data = base64.b64encode(text.encode()).decode()
        place.write_text(f"    certificate-authority-data: {data}\n" if path.endswith(".conf") else text)
        here = re.sub(r"(?<=[ =])/(?=etc|var)", f"{tmp_path}/", script)
        for shell in PRESENT:
            lines = run([Probe("certificates.files", "", here, size=81920)], shell).readings["certificates.files"].lines
            assert certificates.certificates(lines, [])["cluster_authorities"] == own, (path, shell, lines)
        shutil.rmtree(root)
