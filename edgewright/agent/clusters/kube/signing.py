"""Certificates for clients of the cluster's API, signed by that API (CertificateSigningRequest).

The API refuses the group `system:masters` here, its own audit log has each certificate, and it is the same for kubeadm
and k3s.
"""

from __future__ import annotations

import base64
import secrets

from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.kube.api import admin
from edgewright.core.errors import Failed

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SIGNER = "kubernetes.io/kube-apiserver-client"
WAIT = 20.0


def signed(host: Host, request: str, user: str, seconds: int, purpose: str) -> str:
    """Return the certificate (PEM) of a certificate request (PEM). Raises `EdgewrightError`.

    `user` is named in errors, `purpose` is in the approval.
    """
    api, name = admin(host), f"edgewright-{secrets.token_hex(8)}"
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "request": base64.b64encode(request.encode()).decode(), "signerName": SIGNER, "usages": ["client auth"],
            "expirationSeconds": seconds,
        },
    }  # fmt: skip
    made = api.post(PATH, body)
    try:
        condition = {"type": "Approved", "status": "True", "reason": "Edgewright", "message": purpose}
        api.put(f"{PATH}/{name}/approval", {**made, "status": {"conditions": [condition]}})
        until, certificate, pause = host.uptime() + WAIT, "", 0.1
        while not certificate:
            if host.uptime() > until:
                raise Failed(f"The certificate of {user} is not signed.", "Look at the controller manager.")
            host.sleep(pause)
            pause = min(1.0, pause * 2)
            certificate = str((api.get(f"{PATH}/{name}").get("status") or {}).get("certificate") or "")
    finally:
        api.delete(f"{PATH}/{name}")
    return base64.b64decode(certificate).decode()
