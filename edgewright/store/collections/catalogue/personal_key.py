"""The key of a personal kubeconfig: made here, it leaves this machine never; what leaves is a request for it."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def key_and_request(user: str, group: str) -> tuple[str, str]:
    """Return a new private key and a certificate request for it, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, user), x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)]
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    stored = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return stored.decode(), request.public_bytes(serialization.Encoding.PEM).decode()
