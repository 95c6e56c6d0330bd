"""Certificates of a user-data: their dates, and whether they are an authority."""

from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from edgewright.core.cloudconfig.pem import certificates, pem_problem
from edgewright.forge.userdata.certificates import check_certificates, pem_of

NOW = 1_800_000_000.0
DAY = 86400.0


def pem(begins: float = -DAY, ends: float = 365 * DAY, authority: bool = True) -> str:
    """Return a certificate valid from `begins` to `ends` seconds after NOW."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])

    def moment(offset: float) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(NOW + offset, datetime.UTC)

    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(moment(begins)).not_valid_after(moment(ends))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def document(*texts: str) -> dict[str, object]:
    return {"stylus": {"site": {"caCerts": list(texts)}}}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (pem(), []),
        (base64.b64encode(pem().encode()).decode(), []),
        (pem() + pem(), []),
        (pem(-20 * DAY, -DAY), ["CertificateExpired"]),
        (pem(DAY, 365 * DAY), ["CertificateNotYetValid"]),
        (pem(ends=10 * DAY), ["CertificateEnds"]),
        (pem(authority=False), ["NoAuthority"]),
        ("nonsense", []),
        ("-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n", ["Certificate"]),
    ],
    ids=["pem", "base64", "two", "expired", "future", "soon", "server", "nonsense", "damaged"],
)
def test_what_a_certificate_says_is_told(text: str, codes: list[str]) -> None:
    found = check_certificates(document(text), NOW)
    assert [one.code for one in found] == codes
    assert all(one.path == "stylus.site.caCerts[0]" for one in found)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ((pem(-20 * DAY, -DAY), pem()), [("warning", "CertificateExpired")]),
        ((pem() + pem(-20 * DAY, -DAY),), [("warning", "CertificateExpired")]),
        ((pem(ends=10 * DAY), pem()), []),
        ((pem(ends=10 * DAY), pem(ends=20 * DAY)), [("warning", "CertificateEnds")] * 2),
        ((pem(), pem(DAY, 365 * DAY)), [("warning", "CertificateNotYetValid")]),
        (
            (pem(-20 * DAY, -DAY), pem(DAY, 365 * DAY)),
            [("error", "CertificateExpired"), ("error", "CertificateNotYetValid")],
        ),
    ],
    ids=["expired", "expired last", "soon", "both soon", "future", "none now"],
)
def test_an_old_one_beside_its_successor_is_no_error(texts: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    assert [(one.severity, one.code) for one in check_certificates(document(*texts), NOW)] == found


def test_those_of_a_registry_are_looked_at_too() -> None:
    registry = {"domain": "r", "certificates": [pem(-20 * DAY, -DAY)]}
    (found,) = check_certificates({"stylus": {"externalRegistries": {"registries": [registry]}}}, NOW)
    assert found.path == "stylus.externalRegistries.registries[0].certificates[0]"


def test_several_texts_become_one_pem_and_broken_ones_are_left_out() -> None:
    made = pem_of([pem(), "nonsense", base64.b64encode(pem().encode()).decode(), 5])
    assert made.count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("!!", "neither PEM nor base64"),
        (base64.b64encode(b"hello").decode(), "not of a PEM"),
        (base64.b64encode(certificates(pem())[0]).decode(), "BEGIN and END lines are missing"),
        (pem()[:-30], "copied completely"),
        (pem().replace("M", "*", 3), "not base64"),
        (pem() + "-----BEGIN CERTIFICATE-----\n" + pem(), "copied completely"),
        ("-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----", "private key"),
        ("-----BEGIN X-----" * 50_000, "copied completely"),
    ],
    ids=range(9),
)
def test_what_is_wrong_with_the_text_is_told(text: str, words: str) -> None:
    assert words in pem_problem(text)
