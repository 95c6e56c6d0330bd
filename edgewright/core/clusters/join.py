"""Join material that both sides derive, so that nothing secret crosses the network of a site and no plane is needed.

The author of the cluster makes the cluster secret S (32 bytes). Control planes have S, a worker only its own secret:
it can derive its bootstrap token, but no certificate key and no token of another host. A higher `join_epoch` of a
member gives other values. HMAC is HMAC-SHA-256; ids are UTF-8.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

SECRET_BYTES = 32
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID, _SECRET = 6, 16
TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}", re.ASCII)
"""A bootstrap token of Kubernetes: public id, dot, secret."""


class BootstrapToken(NamedTuple):
    """A bootstrap token; `id` is public, `secret` is not. Its `repr` covers the secret."""

    id: str
    secret: str

    @property
    def text(self) -> str:
        """Return the token as kubeadm expects it."""
        return f"{self.id}.{self.secret}"

    def __repr__(self) -> str:
        return f"BootstrapToken(id={self.id!r}, secret='********')"


def new_secret() -> bytes:
    """Return a fresh cluster secret."""
    return secrets.token_bytes(SECRET_BYTES)


def host_secret(cluster_secret: bytes, host_uid: str) -> bytes:
    """Return the secret of a host. Raises `ValueError` for a cluster secret of another length."""
    return _hmac(cluster_secret, f"host|{host_uid}")


def bootstrap_token(secret_of_host: bytes, join_epoch: int) -> BootstrapToken:
    """Return the token by which a host joins: 22 base-36 digits of one HMAC, the lowest digit first.

    Raises `ValueError` for a secret of another length.
    """
    number = int.from_bytes(_hmac(secret_of_host, f"token|{join_epoch}"), "big")
    text = ""
    for _ in range(_ID + _SECRET):
        number, digit = divmod(number, len(_ALPHABET))
        text += _ALPHABET[digit]
    return BootstrapToken(text[:_ID], text[_ID:])


def certificate_key(cluster_secret: bytes, host_uid: str, join_epoch: int) -> str:
    """Return the key (64 hex digits) that encrypts the certificates which a joining control plane downloads.

    Raises `ValueError` for a cluster secret of another length.
    """
    return _hmac(cluster_secret, f"certkey|{host_uid}|{join_epoch}").hex()


def cluster_token(cluster_secret: bytes) -> str:
    """Return `token` of a k3s cluster, which servers share; fixed for the cluster. Raises `ValueError`."""
    return _hmac(cluster_secret, "k3s|token").hex()


def agent_token(cluster_secret: bytes) -> str:
    """Return `agent-token` of a k3s cluster, by which agents alone join. Raises `ValueError`."""
    return _hmac(cluster_secret, "k3s|agent-token").hex()


def _hmac(key: bytes, message: str) -> bytes:
    if len(key) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes, this one {len(key)}")
    return hmac.new(key, message.encode("utf-8"), hashlib.sha256).digest()
