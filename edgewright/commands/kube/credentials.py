"""The TLS context that a kubeconfig of the plane gives: the cluster's CA, and the user's certificate."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING

from edgewright.config import locations
from edgewright.core.errors import Failed

if TYPE_CHECKING:
    from edgewright.commands.kube.route import Api


def client_context(api: Api) -> ssl.SSLContext:
    """Return a context that trusts the cluster's CA and shows the certificate of the kubeconfig. Blocking.

    Raises `Failed` for a kubeconfig without one.
    """
    context = api.trust()
    user = api.config["users"][0]["user"] if api.config.get("users") else {}
    names = ("client-certificate-data", "client-key-data")
    path = locations.ensure(locations.folder("run")) / f"ask-{api.row.uid}-{id(context):x}.pem"
    try:
        content = b"\n".join(base64.b64decode(str(user[name])) for name in names)
        locations.write_private(path, content.decode())
        context.load_cert_chain(path)
    except (KeyError, ValueError, ssl.SSLError):
        raise Failed(f"The kubeconfig of {api.row.name} has no usable certificate.", "Ask again in a minute.") from None
    finally:
        path.unlink(missing_ok=True)
    return context
