"""The TLS context that a kubeconfig of the plane gives: the cluster's CA, and the user's certificate."""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
from typing import TYPE_CHECKING

from edgewright.config import locations
from edgewright.core.errors import Failed

if TYPE_CHECKING:
    from edgewright.commands.kube.route import Api


def client_context(api: Api) -> ssl.SSLContext:
    """Return a context that trusts the cluster's CA and shows the certificate of the kubeconfig, unless it has a token.

    Blocking. Raises `Failed` for a kubeconfig without one.
    """
    context = api.trust()
    user = api.config["users"][0]["user"] if api.config.get("users") else {}
    if api.bearer:
        return context
    names = ("client-certificate-data", "client-key-data")
    try:
        show(context, *(base64.b64decode(str(user[name])) for name in names), name=api.row.uid)
    except (KeyError, ValueError, ssl.SSLError):
        raise Failed(f"The kubeconfig of {api.row.name} has no usable certificate.", "Ask again in a minute.") from None
    return context


def show(context: ssl.SSLContext, certificate: bytes, key: bytes, *, name: str) -> None:
    """Let a context show a certificate with its key, both PEM. Blocking. Raises `ssl.SSLError`, `Failed`.

    OpenSSL reads them from a file: of memory alone where the system has such, else one of the user that is removed.
    """
    content = certificate + b"\n" + key
    with contextlib.suppress(AttributeError, FileNotFoundError, PermissionError):  # not Linux, or no /proc
        handle = os.memfd_create("certificate")
        try:
            os.write(handle, content)
            context.load_cert_chain(f"/proc/self/fd/{handle}", password=_no_password)
        finally:
            os.close(handle)
        return
    path = locations.ensure(locations.folder("run")) / f"ask-{name}-{id(context):x}.pem"
    try:
        locations.write_private(path, content)
        context.load_cert_chain(path, password=_no_password)
    finally:
        path.unlink(missing_ok=True)


def _no_password() -> str:
    """Return none: without this, OpenSSL asks on the terminal for that of an encrypted key, and waits."""
    return ""
