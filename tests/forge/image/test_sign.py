from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, Refused
from edgewright.forge.image import sign
from edgewright.forge.progress import Job
from edgewright.oci.reference import parse
from edgewright.oci.registry import Registry
from tests.oci.fake_registry import FakeRegistry

DIGEST = "sha256:" + "ab" * 32
TAG = "sha256-" + "ab" * 32 + ".sig"


def never() -> bytes:
    raise AssertionError("an open key needs no password")


@pytest.fixture
def there(registry: FakeRegistry) -> Iterator[Registry]:
    with Registry(registry.host, "edge/debian", Job(), write=True) as made:
        yield made


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def test_a_signature_is_what_cosign_expects(
    registry: FakeRegistry, there: Registry, key: ec.EllipticCurvePrivateKey
) -> None:
    reference = parse(f"{registry.host}/edge/debian:t")
    signed = sign.sign(there, reference, DIGEST, key)
    assert signed.tag == TAG and signed.fresh
    layer = registry.manifest("edge/debian", TAG)["layers"][0]
    assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    document = json.loads(registry.blobs["edge/debian", layer["digest"]])
    assert document["critical"]["image"] == {"docker-manifest-digest": DIGEST}
    assert document["critical"]["identity"] == {"docker-reference": f"{registry.host}/edge/debian"}
    signature = base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"])
    from cryptography.hazmat.primitives import hashes

    key.public_key().verify(signature, registry.blobs["edge/debian", layer["digest"]], ec.ECDSA(hashes.SHA256()))
    assert sign.verify(there, DIGEST, key.public_key())
    assert not sign.verify(there, DIGEST, ec.generate_private_key(ec.SECP256R1()).public_key())
    assert not sign.verify(there, "sha256:" + "cd" * 32, key.public_key())


def test_a_second_key_signs_beside_the_first(
    registry: FakeRegistry, there: Registry, key: ec.EllipticCurvePrivateKey
) -> None:
    reference, other = parse(f"{registry.host}/edge/debian:t"), ec.generate_private_key(ec.SECP256R1())
    sign.sign(there, reference, DIGEST, key)
    sign.sign(there, reference, DIGEST, other)
    assert not sign.sign(there, reference, DIGEST, key).fresh
    assert len(registry.manifest("edge/debian", TAG)["layers"]) == 2
    assert sign.verify(there, DIGEST, key.public_key()) and sign.verify(there, DIGEST, other.public_key())


def test_a_changed_payload_is_not_taken(
    registry: FakeRegistry, there: Registry, key: ec.EllipticCurvePrivateKey
) -> None:
    sign.sign(there, parse(f"{registry.host}/edge/debian:t"), DIGEST, key)
    layer = registry.manifest("edge/debian", TAG)["layers"][0]["digest"]
    blob = registry.blobs["edge/debian", layer]
    registry.blobs["edge/debian", layer] = blob.replace(b"abab", b"cdcd", 1)
    assert not sign.verify(there, DIGEST, key.public_key())


@pytest.mark.parametrize("form", ["pkcs8", "sec1", "pkcs8 with password"])
def test_keys_in_pem_form(tmp_path: Path, key: ec.EllipticCurvePrivateKey, form: str) -> None:
    kind = serialization.PrivateFormat.TraditionalOpenSSL if form == "sec1" else serialization.PrivateFormat.PKCS8
    guard: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if "password" in form:
        guard = serialization.BestAvailableEncryption(b"open")
    path = tmp_path / "key"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, guard))
    loaded = sign.load_key(path, (lambda: b"open") if "password" in form else never)
    assert loaded.private_numbers() == key.private_numbers()
    if "password" in form:
        with pytest.raises(Refused, match="does not open the key"):
            sign.load_key(path, lambda: b"wrong")


@pytest.mark.parametrize("word", ["COSIGN", "SIGSTORE"])
def test_keys_in_cosigns_own_form(tmp_path: Path, key: ec.EllipticCurvePrivateKey, word: str) -> None:
    from nacl.secret import SecretBox

    salt, nonce = bytes(32), bytes(24)
    secret = hashlib.scrypt(b"open", salt=salt, n=1024, r=8, p=1, dklen=32)
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    box = {
        "kdf": {"name": "scrypt", "params": {"N": 1024, "r": 8, "p": 1}, "salt": base64.b64encode(salt).decode()},
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(SecretBox(secret).encrypt(der, nonce).ciphertext).decode(),
    }
    text = base64.b64encode(json.dumps(box).encode()).decode()
    path = tmp_path / "cosign.key"
    path.write_text(
        f"-----BEGIN ENCRYPTED {word} PRIVATE KEY-----\n{text}\n-----END ENCRYPTED {word} PRIVATE KEY-----\n"
    )
    assert sign.load_key(path, lambda: b"open").private_numbers() == key.private_numbers()
    with pytest.raises(Refused, match="does not open the key"):
        sign.load_key(path, lambda: b"wrong")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, NotFound),
        (b"not a key", InvalidInput),
        (
            b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED COSIGN PRIVATE KEY-----",
            InvalidInput,
        ),
    ],
)
def test_what_is_no_key_is_told(tmp_path: Path, text: bytes | None, kind: type[EdgewrightError]) -> None:
    path = tmp_path / "key"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(kind) as caught:
        sign.load_key(path, lambda: b"")
    assert "cosign generate-key-pair" in caught.value.hint


def test_a_key_of_another_kind_is_told(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(InvalidInput, match="ECDSA P-256"):
        sign.load_key(path, never)
