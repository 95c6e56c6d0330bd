"""Signatures as cosign makes them with a key: made here, verified here, and accepted by `cosign verify --key`.

The payload is the simple-signing document; the signature (ECDSA P-256 with SHA-256) is in an annotation of an
image under the tag `sha256-DIGEST.sig`. Keys: cosign's own encrypted ones, and PKCS 8 or SEC 1 in PEM form.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edgewright.core.errors import Failed, InvalidInput, NotFound, Refused
from edgewright.oci import media, push
from edgewright.oci.reference import Reference
from edgewright.oci.registry import Registry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
ANNOTATION = "dev.cosignproject.cosign/signature"
_BOXED = re.compile(rb"-----BEGIN ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----(.*?)-----END", re.S)


class Signed(NamedTuple):
    """A signature at the registry: its tag, the manifest's digest, and the public key in PEM form."""

    tag: str
    digest: str
    public_key: str
    fresh: bool


def load_key(path: Path, password: Callable[[], bytes]) -> EllipticCurvePrivateKey:
    """Return the private key in a file; `password` is called only when it is encrypted.

    Raises `NotFound`, `InvalidInput` for what is not such a key, `Refused` for a wrong password.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"There is no key {path}.", "Make one with: cosign generate-key-pair") from None
    except OSError as error:
        raise Failed(f"The key {path} cannot be read: {error.strerror}.", "Check its rights.") from None
    boxed = _BOXED.search(raw)
    try:
        if boxed is not None:
            key = serialization.load_der_private_key(_unboxed(boxed.group(1), path, password()), None)
        elif b"ENCRYPTED" in raw:
            try:
                key = serialization.load_pem_private_key(raw, password())
            except ValueError:
                raise _wrong_password(path) from None
        else:
            key = serialization.load_pem_private_key(raw, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_key(path) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _no_key(path)
    return key


def _no_key(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{path} contains no private key that can sign here (ECDSA P-256).", "Make one with: cosign generate-key-pair"
    )


def _wrong_password(path: Path) -> Refused:
    return Refused(f"The password does not open the key {path}.", "Set COSIGN_PASSWORD or give --sign-password-file.")


def _unboxed(text: bytes, path: Path, password: bytes) -> bytes:
    """Open cosign's own form: a box of NaCl with a key made of the password by scrypt."""
    try:
        document = json.loads(base64.b64decode(text))
        kdf, cipher = document["kdf"], document["cipher"]
        if kdf["name"] != "scrypt" or cipher["name"] != "nacl/secretbox":
            raise _no_key(path)
        cost = {name: int(kdf["params"][letter]) for name, letter in (("n", "N"), ("r", "r"), ("p", "p"))}
        salt, nonce = base64.b64decode(kdf["salt"]), base64.b64decode(cipher["nonce"])
        sealed = base64.b64decode(document["ciphertext"])
        if cost["n"] * cost["r"] > 1 << 21:
            raise _no_key(path)  # 256 MB and more: no key of cosign's asks for that
        secret = hashlib.scrypt(password, salt=salt, dklen=32, maxmem=512 << 20, **cost)
    except (ValueError, KeyError, TypeError):
        raise _no_key(path) from None
    try:
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox
    except ImportError:  # comes with paramiko; a distribution may have split it
        raise Failed(
            f"The key {path} is in cosign's own form, which needs the Python package PyNaCl.", "Install PyNaCl."
        ) from None
    try:
        return bytes(SecretBox(secret).decrypt(sealed, nonce))
    except CryptoError:
        raise _wrong_password(path) from None
    except (ValueError, TypeError):
        raise _no_key(path) from None


def payload(reference: Reference, digest: str) -> bytes:
    """Return the document that is signed."""
    return media.canonical(
        {
            "critical": {
                "identity": {"docker-reference": f"{reference.registry}/{reference.repository}"},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    )


def sign(registry: Registry, reference: Reference, digest: str, key: EllipticCurvePrivateKey) -> Signed:
    """Sign a manifest and store the signature beside it; one that this key made already stays unchanged."""
    tag, what = tag_of(digest, "sig"), f"the signature of {reference}"
    public = key.public_key()
    layers = _layers(registry, tag, what)
    for layer in layers:
        if _verifies(registry, layer, public, digest, what):
            result = registry.digest(tag, what)
            return Signed(tag, result or "", pem(public), fresh=False)
    document = payload(reference, digest)
    signature = key.sign(document, ec.ECDSA(hashes.SHA256()))
    layers.append(
        {
            "mediaType": PAYLOAD_TYPE,
            "size": len(document),
            "digest": push.small(registry, document, what),
            "annotations": {ANNOTATION: base64.b64encode(signature).decode()},
        }
    )
    manifest = manifest_of(registry, layers, what)
    registry.put_manifest(tag, manifest, media.OCI_MANIFEST, what)
    return Signed(tag, "sha256:" + hashlib.sha256(manifest).hexdigest(), pem(public), fresh=True)


def verify(registry: Registry, digest: str, public: EllipticCurvePublicKey) -> bool:
    """Whether a signature at the registry was made with this key for this digest."""
    what = f"the signature of {digest}"
    layers = _layers(registry, tag_of(digest, "sig"), what)
    return any(_verifies(registry, layer, public, digest, what) for layer in layers)


def tag_of(digest: str, suffix: str) -> str:
    """Return the tag under which something that belongs to a manifest is."""
    return f"{digest.replace(':', '-')}.{suffix}" if suffix else digest.replace(":", "-")


def pem(public: EllipticCurvePublicKey) -> str:
    """Return a public key as cosign writes it."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def manifest_of(registry: Registry, layers: list[dict[str, Any]], what: str, **more: Any) -> bytes:
    """Return the manifest of a small image of these layers, its configuration stored."""
    nothing = "0001-01-01T00:00:00Z"
    config = {
        "architecture": "",
        "created": nothing,
        "history": [{"created": nothing} for _ in layers],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        "config": {},
    }
    raw = media.canonical(config)
    entry = {"mediaType": media.OCI_CONFIG, "size": len(raw), "digest": push.small(registry, raw, what)}
    return media.canonical(
        {"schemaVersion": 2, "mediaType": media.OCI_MANIFEST, **more, "config": entry, "layers": layers}
    )


def _layers(registry: Registry, tag: str, what: str) -> list[dict[str, Any]]:
    try:
        result = media.parsed(registry.manifest(tag, what).data, f"The manifest of {what}")
    except NotFound:
        return []
    return media.objects(result.get("layers"))


def _verifies(
    registry: Registry, layer: dict[str, Any], public: EllipticCurvePublicKey, digest: str, what: str
) -> bool:
    text = media.object_(layer.get("annotations")).get(ANNOTATION)
    if layer.get("mediaType") != PAYLOAD_TYPE or not isinstance(text, str):
        return False
    try:
        document = registry.small_blob(str(layer.get("digest")), what, 65536)
        public.verify(base64.b64decode(text), document, ec.ECDSA(hashes.SHA256()))
        return bool(json.loads(document)["critical"]["image"]["docker-manifest-digest"] == digest)
    except (InvalidSignature, NotFound, Failed, ValueError, KeyError, TypeError):
        return False
