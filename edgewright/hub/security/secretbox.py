"""Secrets: how they are made, hashed, encrypted at rest and signed with.

The key of the box encrypts registration tokens and, through a derived key, signs session tokens (JWT). It is in the
database, wrapped by the one key file (`secret.key`, see `plane_keys.py`).
API keys and host credentials carry 256 random bits, so a plain SHA-256 is enough to store them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from edgewright.core.errors import Failed
from edgewright.hub.process.files import write_atomically
from edgewright.wire import protocol

KEY_FILE = "secret.key"
SESSION_SECONDS = 900.0
"""Lifetime of a session token, Palette's default of 15 minutes."""


def digest(secret: str) -> str:
    """Return the hash under which a random secret is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_uid() -> str:
    """Return 24 random hex digits, the form of Palette's uids."""
    return secrets.token_hex(protocol.UID_LENGTH // 2)


def new_secret(prefix: str) -> str:
    """Return a secret of 256 random bits behind its prefix."""
    return prefix + secrets.token_urlsafe(32)


def new_host_credential(uid: str) -> str:
    """Return a host credential (rule P10)."""
    return f"{protocol.HOST_CREDENTIAL_PREFIX}{digest(uid)[:8]}_{secrets.token_urlsafe(32)}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SecretBox:
    """Encrypts and signs with the hub's own key."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)
        self.key = key
        self._check = hmac.digest(key, b"edgewright key check", "sha256").hex()
        self._signing = hashlib.sha256(b"edgewright session\0" + key).digest()

    @classmethod
    def open(cls, data: Path) -> SecretBox:
        """Read the key file, or make it at the first start; raises `Failed` when it is damaged.

        Whether this is the first start, `key_match.check` decides before.
        """
        path = data / KEY_FILE
        if not path.exists():
            write_atomically(path, Fernet.generate_key() + b"\n")
        try:
            return cls(path.read_bytes().strip())
        except (ValueError, binascii.Error):
            raise Failed(
                f"{path} is damaged: it does not contain a key of 32 bytes.",
                "Restore it from a backup; without it the registration tokens cannot be read.",
                code="DamagedKey",
            ) from None

    @property
    def key_check(self) -> str:
        """Return what distinguishes this key from another one and nothing else about it."""
        return self._check

    def mark(self, text: str) -> str:
        """Return 64 hex digits that are the same for equal texts, and that only this plane can compute."""
        return hmac.digest(self._signing, b"mark\0" + text.encode("utf-8", "surrogatepass"), "sha256").hex()

    def seal(self, text: str) -> str:
        """Return an encrypted text."""
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Return the text again; empty when another key sealed it."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return ""

    def sign_session(self, key_uid: str, user_uid: str, now: float) -> str:
        """Return a session token (JWT, HS256) for the API key that logged in."""
        head = _b64(b'{"alg":"HS256","typ":"JWT"}')
        claims = {"sub": user_uid, "key": key_uid, "iat": int(now), "exp": int(now + SESSION_SECONDS)}
        body = head + "." + _b64(msgspec.json.encode(claims))
        return body + "." + _b64(hmac.digest(self._signing, body.encode(), "sha256"))

    def read_session(self, token: str, now: float) -> dict[str, Any] | None:
        """Return the claims of a session token that this hub signed and that has not ended; else `None`."""
        body, _, signature = token.rpartition(".")
        try:
            given = _unb64(signature)
            if not hmac.compare_digest(given, hmac.digest(self._signing, body.encode(), "sha256")):
                return None
            claims: dict[str, Any] = msgspec.json.decode(_unb64(body.partition(".")[2]))
        except (ValueError, binascii.Error, msgspec.DecodeError):
            return None
        # One that was issued while the clock was ahead would otherwise last until that day.
        return claims if claims.get("iat", 0) - SESSION_SECONDS <= now < claims.get("exp", 0) else None
