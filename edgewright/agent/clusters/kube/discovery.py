"""`cluster-info` through the endpoint: read without credentials, trusted by the signature of this host's own token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
import ssl

from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.api import Link
from edgewright.agent.clusters.kube.certificate import spki_sha256
from edgewright.core.clusters import join
from edgewright.core.clusters.join import BootstrapToken
from edgewright.core.clusters.model import Member
from edgewright.core.errors import Failed, InvalidInput

PATH = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
_CA = re.compile(r"certificate-authority-data:\s*(\S+)")


def own_token(context: Context) -> BootstrapToken:
    """Return the token by which this host joins. Raises `InvalidInput` when its part of the document has no secret."""
    sealed = context.slice.sealed
    if sealed.host_secret:
        return join.bootstrap_token(bytes.fromhex(sealed.host_secret), context.me.join_epoch)
    return member_token(context, context.me)


def member_token(context: Context, member: Member) -> BootstrapToken:
    """Return the token of a member, as a control plane derives it. Raises `InvalidInput`."""
    secret = join.host_secret(cluster_secret(context), member.host_uid)
    return join.bootstrap_token(secret, member.join_epoch)


def cluster_secret(context: Context) -> bytes:
    """Return S. Raises `InvalidInput` on a host that does not have it."""
    text = context.slice.sealed.cluster_secret
    if not text:
        raise InvalidInput(
            "This host does not have the secret of the cluster.", "The plane gives it to control planes."
        )
    return bytes.fromhex(text)


def verified(text: str, signature: str, token: BootstrapToken) -> bool:
    """Return whether a detached JWS (RFC 7515, appendix F; HS256) of a token is that of a text."""
    head, _, rest = signature.partition(".")
    middle, _, value = rest.partition(".")
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        return False
    if middle or not isinstance(header, dict) or header.get("alg") != "HS256" or header.get("kid") != token.id:
        return False
    payload = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    digest = hmac.new(token.secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).decode().rstrip("="), value)


def cluster_ca(context: Context) -> str:
    """Return the SPKI of the cluster's CA as `cluster-info` has it, empty while it has no signature of our token.

    Raises `Unreachable`, `Failed`.
    """
    endpoint = context.document.endpoint
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE  # the signature below is what is trusted
    link = Link(endpoint.host, endpoint.port, 4.0, made, endpoint.host)
    try:
        status, body = link.exchange("GET", PATH, None, {}, 1 << 20)
        data = json.loads(body).get("data") or {} if status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        raise Failed(f"{endpoint.host}:{endpoint.port} does not answer: {error}.") from None
    finally:
        link.close()
    token, text = own_token(context), str(data.get("kubeconfig") or "")
    signature = data.get(f"jws-kubeconfig-{token.id}")
    if not isinstance(signature, str) or not verified(text, signature, token):
        return ""
    match = _CA.search(text)
    pem = base64.b64decode(match.group(1)).decode() if match else ""
    return spki_sha256(pem)
