"""The hub's own certificate authority and server certificate.

Both carry the extensions that a strict verifier wants (RFC 5280: key usage, key identifiers), since Python 3.13
checks them by default.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edgewright.core import times
from edgewright.core.certificate_clock import BUILT, clock_text
from edgewright.core.errors import Failed
from edgewright.hub.process.files import PUBLIC, write_atomically

CA_DAYS = 3650
LEAF_DAYS = 397
RENEW_DAYS = 30
"""A server certificate that ends within these days is renewed."""
BACK = datetime.timedelta(days=365)
"""How long before its issue a certificate begins, so that a host whose clock is months behind (no battery, no time
server yet) still reaches the hub. With `LEAF_DAYS` it stays under the 825 days that some TLS stacks allow."""

CA_CERT, CA_KEY, SERVER_CERT, SERVER_KEY = "ca.crt", "ca.key", "server.crt", "server.key"
_ALWAYS = ("localhost", "127.0.0.1", "::1")


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _now() -> datetime.datetime:
    return _moment(times.now())


def _latest(moments: Iterable[datetime.datetime]) -> datetime.datetime:
    """Return the latest of some moments, never before this version was built: validity runs from there at least."""
    return max(_moment(BUILT), *moments)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Return names and addresses as subject alternative names, each once, unspecified addresses left out."""
    result: list[x509.GeneralName] = []
    for name in dict.fromkeys((*_ALWAYS, *names)):
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            result.append(x509.DNSName(name.encode("idna").decode("ascii") if not name.isascii() else name))
        else:
            if not address.is_unspecified:
                result.append(x509.IPAddress(address))
    return result


def make_ca(data: Path) -> None:
    """Write a new CA, in place of one that is there."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Edgewright hub CA")])
    now = _now()
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK)
        .not_valid_after(_latest([now]) + datetime.timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_atomically(data / CA_KEY, _pem_key(key))
    write_atomically(data / CA_CERT, certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)


def _cause(error: ValueError | OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{Path(str(error.filename)).name} is missing"
    if isinstance(error, OSError):
        return str(error.strerror)
    return str(error) if "belong" in str(error) else "one of them is not complete"


def _load(data: Path, cert_name: str, key_name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return a pair from disk; raises `ValueError` or `OSError` when it is torn or does not belong together."""
    certificate = x509.load_pem_x509_certificate((data / cert_name).read_bytes())
    key = serialization.load_pem_private_key((data / key_name).read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"{key_name} does not belong to {cert_name}")
    return certificate, key


def _make_leaf(data: Path, names: list[x509.GeneralName], moments: Sequence[datetime.datetime] = ()) -> None:
    """Issue a server certificate that is valid now and at `moments`, within the validity of the CA."""
    ca, ca_key = _load(data, CA_CERT, CA_KEY)
    key = ec.generate_private_key(ec.SECP256R1())
    moments = (_now(), *moments)
    end = min(_latest(moments) + datetime.timedelta(days=LEAF_DAYS), ca.not_valid_after_utc)
    ca_identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Edgewright hub")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(min(moments) - BACK, ca.not_valid_before_utc))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_identifier), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    # The certificate goes last: a cut between the two leaves a pair that does not match, and that is created again.
    write_atomically(data / SERVER_KEY, _pem_key(key))
    # The CA goes along in the handshake, so that a user who has only the address can compare its fingerprint.
    chain = certificate.public_bytes(serialization.Encoding.PEM) + (data / CA_CERT).read_bytes()
    write_atomically(data / SERVER_CERT, chain, PUBLIC)


def _leaf_is_good(data: Path, names: list[x509.GeneralName], moments: Sequence[datetime.datetime]) -> bool:
    try:
        leaf, _ = _load(data, SERVER_CERT, SERVER_KEY)
        ca, _ = _load(data, CA_CERT, CA_KEY)
        leaf.verify_directly_issued_by(ca)
        in_leaf = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # noqa: BLE001,RUF100 - whatever is wrong with the pair, a new one is the answer
        return False
    if min(moments) < leaf.not_valid_before_utc:
        return False  # issued by a clock that was ahead: every host and console refuses it until that day
    soon = max(moments) + datetime.timedelta(days=RENEW_DAYS)
    if leaf.not_valid_after_utc < min(soon, ca.not_valid_after_utc):
        return False  # a certificate cannot outlast its CA, so one that ends with it is as good as a new one
    return set(in_leaf) == set(names)


NEW_CA = "start once with --new-ca for a new CA, which every host and console must then be given"


def _check_dates(data: Path, ca: x509.Certificate, last_seen: float | None) -> None:
    """Raise `Failed` when the CA is outside its validity by this machine's clock: no host accepts what it signs."""
    now = times.now()
    begins, ends = ca.not_valid_before_utc.timestamp(), ca.not_valid_after_utc.timestamp()
    if begins <= now < ends:
        return
    early = now < begins
    state = f"is valid from {clock_text(begins)} on only" if early else f"ended at {clock_text(ends)}"
    message = f"The hub's own CA in {data} {state}, and the clock of this machine shows {clock_text(now)}"
    clock_first = "If that clock is wrong, set it and start the hub again"
    if now < BUILT:
        message += ": that clock is wrong, it is before this version was built"
        clock_first = "Set the clock of this machine, or let it reach a time server, and start the hub again"
    elif last_seen is not None and abs(now - last_seen) > times.DAY:
        side = "later" if now > last_seen else "earlier"
        message += f", which is {times.duration(abs(now - last_seen))} {side} than when this hub last ran"
    raise Failed(
        f"{message}.",
        f"{clock_first}; if it is right, {NEW_CA}.",
        code="CANotYetValid" if early else "CAExpired",
    )


def ca_ends(data: Path) -> float | None:
    """Return when the hub's CA ends, epoch seconds UTC; `None` when it cannot be read."""
    try:
        return x509.load_pem_x509_certificate((data / CA_CERT).read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return None


def certificates(data: Path) -> list[dict[str, Any]]:
    """Return the hub's own certificates for readers: `name`, `ends` (RFC 3339), `renewed` (by the hub itself)."""
    matches = []
    for name, file, renewed in (("server", SERVER_CERT, True), ("ca", CA_CERT, False)):
        try:
            ends = _ends(data / file, (data / file).stat().st_mtime_ns)
        except (OSError, ValueError):
            continue  # it is being replaced, or cannot be read: then the log has the reason
        matches.append({"name": name, "ends": times.rfc3339(ends), "renewed": renewed})
    return matches


@lru_cache(maxsize=16)
def _ends(path: Path, _modified: int) -> float:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()


def ca_fingerprint(data: Path) -> str:
    """Return the SHA-256 of the hub's CA certificate in hex; empty when it cannot be read."""
    try:
        return x509.load_pem_x509_certificate((data / CA_CERT).read_bytes()).fingerprint(hashes.SHA256()).hex()
    except (OSError, ValueError):
        return ""


def ensure_certificates(
    data: Path,
    names: Iterable[str],
    also_at: float | None = None,
    last_seen: float | None = None,
    *,
    first_start: bool = True,
) -> bool:
    """Create what is missing: CA at the first start, server certificate when names changed or its dates do not fit.

    The server certificate is valid now and, while the clock is in doubt, at `also_at`, the other time that it may be
    (epoch seconds). `last_seen` is when this hub last ran, by its clock of then.

    Returns whether the server certificate is new. Raises `Failed` when the CA on disk is damaged, has expired, is not
    valid yet, or is missing and this is not the first start: a silent new CA would lock out every host and console that
    trusts the old one.
    """
    if first_start and not (data / CA_CERT).exists() and not (data / CA_KEY).exists():
        make_ca(data)
    elif (
        first_start and (data / CA_KEY).exists() and not (data / CA_CERT).exists() and not (data / SERVER_CERT).exists()
    ):
        make_ca(data)  # the first start was cut between the two files; this CA was not used yet
    try:
        ca, _ = _load(data, CA_CERT, CA_KEY)
    except (ValueError, OSError) as error:
        raise Failed(
            f"The hub's own CA in {data} is damaged ({CA_CERT}, {CA_KEY}): {_cause(error)}.",
            f"Restore both from a backup (edgewright hub restore), or {NEW_CA}.",
            code="DamagedCA",
        ) from None
    _check_dates(data, ca, last_seen)
    wanted = general_names(names)
    moments = [_now()]
    if also_at is not None:
        moments.append(min(max(_moment(also_at), ca.not_valid_before_utc), ca.not_valid_after_utc))
    if _leaf_is_good(data, wanted, moments):
        return False
    _make_leaf(data, wanted, moments)
    return True
