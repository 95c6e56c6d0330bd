"""A kubeconfig for a user: k3s has no command for it, so the cluster's own API signs a certificate (CSR)."""

from __future__ import annotations

import base64
import secrets

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.k3s.settings import url
from edgewright.agent.clusters.kube.api import admin
from edgewright.core.errors import Failed

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
WAIT = 20.0
_TEXT = """\
apiVersion: v1
kind: Config
clusters:
- name: {cluster}
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {user}
  context:
    cluster: {cluster}
    user: {user}
current-context: {user}
"""


def make(context: Context, user: str, days: float) -> str:
    """Return a kubeconfig whose certificate names a user and lasts some days. Raises `EdgewrightError`."""
    host, api = context.host, admin(context.host)
    key = host.must(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    request = host.must(["openssl", "req", "-new", "-key", "/dev/stdin", "-subj", f"/CN={user}"], data=key.encode())
    name = f"edgewright-{secrets.token_hex(8)}"
    signer = "kubernetes.io/kube-apiserver-client"
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "request": _data(request), "signerName": signer, "usages": ["client auth"],
            "expirationSeconds": int(days * 86_400),
        },
    }  # fmt: skip
    made = api.post(PATH, body)
    try:
        condition = {
            "type": "Approved",
            "status": "True",
            "reason": "Edgewright",
            "message": "kubeconfig for the plane",
        }
        api.put(f"{PATH}/{name}/approval", {**made, "status": {"conditions": [condition]}})
        until, certificate = host.uptime() + WAIT, ""
        while not certificate:
            if host.uptime() > until:
                raise Failed(f"The certificate of {user} is not signed.", "Look at the controller manager.")
            host.sleep(0.5)
            certificate = str((api.get(f"{PATH}/{name}").get("status") or {}).get("certificate") or "")
    finally:
        api.delete(f"{PATH}/{name}")
    ca = host.text(f"{paths.KUBERNETES}/pki/ca.crt") + "\n"
    return _TEXT.format(
        cluster=context.document.name, server=url(context.document), ca=_data(ca), user=user,
        certificate=certificate, key=_data(key),
    )  # fmt: skip


def _data(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
