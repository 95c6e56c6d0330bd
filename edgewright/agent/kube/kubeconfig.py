"""Reading a kubeconfig as kubeadm writes it: one cluster, one user, certificates inline."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from typing import Any, List, Mapping, NamedTuple
from urllib.parse import urlsplit

from edgewright.core.errors import Failed
from edgewright.core.yaml import subset
from edgewright.core.yaml.scalars import YamlError

MOST = 64 * 1024
"""Bytes of a kubeconfig that are read at most."""


class Kubeconfig(NamedTuple):
    """Where a cluster's API is, and what this host proves itself with."""

    host: str
    port: int
    ca: str
    """PEM of the CA."""
    certificate: str
    """PEM of the client certificate, with what it is signed by."""
    key: str
    """PEM of its private key: never in a log, an argument or a file that others can read."""
    server_name: str = ""
    """Name that the server's certificate must contain where it is not `host`."""


def read_kubeconfig(path: str) -> Kubeconfig:
    """Return the current context of a kubeconfig. Raises `Failed` naming the file and what it lacks."""
    try:
        with open(path, "rb") as file:
            data = file.read(MOST + 1)
        if len(data) > MOST:
            raise Failed(f"{path} is larger than {MOST // 1024} KiB: it is not a kubeconfig of this cluster.")
        document = subset.load(data.decode("utf-8"))
    except OSError as error:
        raise Failed(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except (UnicodeDecodeError, YamlError):
        raise Failed(f"{path} cannot be read as YAML.", "Let kubeadm write it again.") from None
    try:
        return _current(document)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        what = error.args[0] if error.args else "?"
        raise Failed(f"{path} is not a usable kubeconfig: {what}.", "Let kubeadm write it again.") from None


def _current(document: Any) -> Kubeconfig:
    if not isinstance(document, dict):
        raise ValueError("it is not a mapping")
    context = _named(document, "contexts", document["current-context"])["context"]
    cluster = _named(document, "clusters", context["cluster"])["cluster"]
    user = _named(document, "users", context["user"])["user"]
    parts = urlsplit(cluster["server"])
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("its server is not an https address")
    return Kubeconfig(
        parts.hostname,
        parts.port or 443,
        _pem(cluster, "certificate-authority"),
        _pem(user, "client-certificate"),
        _pem(user, "client-key"),
        str(cluster.get("tls-server-name") or ""),
    )


def _named(document: Mapping[str, Any], group: str, name: str) -> Mapping[str, Any]:
    for entry in document[group]:
        if entry["name"] == name:
            matching: Mapping[str, Any] = entry
            return matching
    raise ValueError(f"its {group} have no {name}")


def _pem(holder: Mapping[str, Any], name: str) -> str:
    """Return a certificate or key that is inline, or in the file that is named (kubelet.conf names its own)."""
    if holder.get(name + "-data"):
        return base64.b64decode(holder[name + "-data"], validate=True).decode("ascii")
    place = holder[name]
    try:
        with open(place, encoding="ascii") as file:
            return file.read(MOST)
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{place} cannot be read") from None


def make_context(access: Kubeconfig) -> ssl.SSLContext:
    """Return a TLS context that trusts the cluster's CA alone and has the client certificate.

    The standard library reads a key from a file only: one in memory, which no directory has. Raises `Failed`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    memory = os.memfd_create("edgewright-client", os.MFD_CLOEXEC)
    try:
        pieces: List[str] = [access.certificate, access.key]
        os.write(memory, "\n".join(pieces).encode("ascii"))
        context.load_verify_locations(cadata=access.ca)
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    except (OSError, ValueError) as error:
        raise Failed(f"The certificates of the cluster's kubeconfig cannot be used: {_reason(error)}.") from None
    finally:
        os.close(memory)
    return context


def _reason(error: BaseException) -> str:
    return str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error).lower()
