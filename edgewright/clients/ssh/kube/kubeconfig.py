"""From the files of a host to what is asked of its API: address, CA and one credential, nothing else.

A kubeconfig may name programs (`exec`, `auth-provider`), files and proxies of the machine that reads it. This one comes
from a host that may be broken or hostile: only certificates, keys and tokens are taken, and the kubeconfig that kubectl
gets here is made of these.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from edgewright.clients.ssh.kube.reading import ADMIN, KUBELET, MAX_FILE, HostFiles
from edgewright.clients.ssh.target import check_host
from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.yamltext.documents import read_one

PORT = 6443
_NODE = "system:node:"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\Z")
_VALID = re.compile(r"[\x21-\x7e]{1,16384}\Z")


@dataclass(frozen=True)
class HostKubeconfig:
    """What one kubeconfig of a host gives. `certificate`, `key` and `authority` are base64 of PEM, as files have them.

    `node` is the name of the node whose kubelet it belongs to, empty for one with the rights of an admin.
    """

    path: str
    host: str
    port: int
    authority: str = field(repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)
    server_name: str = ""
    node: str = ""

    def document(self) -> dict[str, Any]:
        """Return a kubeconfig of these values alone."""
        user = {"token": self.bearer}
        if self.certificate:
            user = {"client-certificate-data": self.certificate, "client-key-data": self.key}
        server = f"https://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "host", "cluster": {"server": server, "certificate-authority-data": self.authority}}],
            "users": [{"name": "host", "user": user}],
            "contexts": [{"name": "host", "context": {"cluster": "host", "user": "host"}}],
            "current-context": "host",
        }

    def authority_keys(self) -> frozenset[bytes]:
        """Return the public keys (DER) of the CA, which a renewed certificate has too; of a broken one its text."""
        pem = base64.b64decode(self.authority)
        try:
            keys = [each.public_key() for each in x509.load_pem_x509_certificates(pem)]
            form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            return frozenset(key.public_bytes(*form) for key in keys)
        except (ValueError, UnsupportedAlgorithm):
            return frozenset({pem.strip()})


def kubeconfig_of(files: HostFiles) -> HostKubeconfig:
    """Return the kubeconfig of a host. Raises `NotFound` where it has none, `Failed` for one that cannot be used."""
    path = next((each for each in (*ADMIN, *KUBELET) if each in files.content), "")
    if not path:
        seen = f"{', '.join(files.closed)} cannot be read" if files.closed else "the host is in no cluster yet"
        looked = f"Looked at {', '.join(ADMIN)}."
        raise NotFound(f"There is no kubeconfig on this host: {seen}.", looked, "NoKubeconfig")
    try:
        document = read_one(files.content[path], path, MAX_FILE)
        cluster, user = _current(document)
        host, port = _server(cluster, path)
        authority = _pem(cluster, "certificate-authority", files, path)
        certificate, key = (_pem(user, name, files, path) for name in ("client-certificate", "client-key"))
    except InvalidInput as error:
        raise Failed(f"The kubeconfig of this host cannot be used: {error.message}", error.hint) from None
    bearer = user.get("token")
    bearer = bearer if not certificate and isinstance(bearer, str) and _VALID.match(bearer) else ""
    if not (certificate and key) and not bearer:
        what = "a program" if {"exec", "auth-provider"} & set(user) else "no certificate, key or token"
        hint = "A program that a host names is never run here." if what == "a program" else "Open a shell on the host."
        raise Failed(f"{path} has {what} as its credential.", hint, "NoCredential")
    if not authority:
        raise Failed(f"{path} has no CA, so the API could not be verified.", "Open a shell on the host.", "NoAuthority")
    name = cluster.get("tls-server-name")
    name = name if isinstance(name, str) and _NAME.match(name) else ""
    node = _node_of(certificate) if path in KUBELET else ""
    return HostKubeconfig(path, host, port, authority, certificate, key, bearer, name, node)


def _current(document: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return cluster and user of the current context, of the first one where none is named."""
    if not isinstance(document, dict):
        raise InvalidInput("it is not a map.", "Open a shell on the host.")
    contexts = _named(document, "contexts", "context")
    context = contexts.get(str(document.get("current-context"))) or next(iter(contexts.values()), {})
    clusters, users = _named(document, "clusters", "cluster"), _named(document, "users", "user")
    cluster = clusters.get(str(context.get("cluster"))) or next(iter(clusters.values()), {})
    return cluster, users.get(str(context.get("user"))) or next(iter(users.values()), {})


def _named(document: Mapping[str, Any], plural: str, single: str) -> dict[str, Mapping[str, Any]]:
    entries = document.get(plural)
    listed = entries[:50] if isinstance(entries, list) else []
    pairs = [(entry.get("name"), entry.get(single)) for entry in listed if isinstance(entry, dict)]
    return {name: value for name, value in pairs if isinstance(name, str) and isinstance(value, dict)}


def _server(cluster: Mapping[str, Any], path: str) -> tuple[str, int]:
    """Return host and port of the API. Raises `InvalidInput`."""
    try:
        url = urlsplit(str(cluster.get("server") or ""))
        host, port = check_host(url.hostname or ""), url.port or 443
    except ValueError:
        raise InvalidInput(f"{path} names no valid address of the API.", "Open a shell on the host.") from None
    if url.scheme != "https":
        raise InvalidInput(f"{path} names an API without TLS.", "Open a shell on the host.")
    return host, port


def _pem(part: Mapping[str, Any], name: str, files: HostFiles, path: str) -> str:
    """Return what an entry contains, or the file that it names, as base64; "" for none. Raises `InvalidInput`."""
    data = part.get(f"{name}-data")
    if isinstance(data, str) and data:
        try:
            return base64.b64encode(base64.b64decode("".join(data.split()), validate=True)).decode()
        except (binascii.Error, ValueError):
            raise InvalidInput(f"{name}-data of {path} is not base64.", "Open a shell on the host.") from None
    text = files.content.get(str(part.get(name) or ""), "")
    return base64.b64encode(text.encode()).decode() if text else ""


def _node_of(certificate: str) -> str:
    """Return the node that a kubelet's certificate is for. Raises `Failed` for another certificate."""
    try:
        subject = x509.load_pem_x509_certificate(base64.b64decode(certificate)).subject
        name = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    except (ValueError, IndexError):
        name = ""
    node = name.removeprefix(_NODE)
    if not name.startswith(_NODE) or not _NAME.match(node):
        raise Failed("The certificate of this host's kubelet cannot be read.", "Open a shell on the host.")
    return node
