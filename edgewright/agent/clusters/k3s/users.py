"""A kubeconfig for a user: k3s has no command for it, so the cluster's own API signs a certificate (CSR)."""

from __future__ import annotations

import base64

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.k3s.settings import url
from edgewright.agent.clusters.kube.signing import signed

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
    host = context.host
    key = host.must(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    request = host.must(["openssl", "req", "-new", "-key", "/dev/stdin", "-subj", f"/CN={user}"], data=key.encode())
    certificate = signed(host, request, user, int(days * 86_400), "kubeconfig for the plane")
    ca = host.text(f"{paths.KUBERNETES}/pki/ca.crt") + "\n"
    return _TEXT.format(
        cluster=context.document.name, server=url(context.document), ca=_data(ca), user=user,
        certificate=_data(certificate), key=_data(key),
    )  # fmt: skip


def _data(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
