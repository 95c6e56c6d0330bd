"""Personal kubeconfigs: what plane, hosts and clients must spell alike (rule P136). Standard library only, Python 3.9.

The private key never leaves the machine of its user: a client sends a certificate request, a control plane of the
cluster lets the cluster's own API sign it, and the plane carries the request and the certificate, which are no secrets.
"""

from __future__ import annotations

import re
from typing import Mapping

from edgewright.wire.protocol import PREFIX

PATH = PREFIX + "/clusters/{uid}/kubeconfig"
"""Whom a kubeconfig of the caller names (GET), and the request for one (POST)."""
VALID = 86_400.0
"""Seconds for which a certificate is valid at most."""
LEAST = 600.0
"""Seconds for which the Kubernetes API signs one at least."""
MAX_REQUEST = 4096
"""Characters of a certificate request."""
MAX_CERTIFICATE = 7168
"""Characters of a certificate, and of the CA: both fit into the result of an operation."""
GROUPS: Mapping[str, str] = {
    "viewer": "edgewright:viewers",
    "operator": "edgewright:operators",
    "admin": "edgewright:admins",
}
"""The group of each role: a ClusterRoleBinding gives it its rights, and can be removed. Never `system:masters`."""
E_REQUEST = "CertificateRequest"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,47}")
_USER = "edgewright:user:"


def user_name(name: str, uid: str) -> str:
    """Return the user as the audit log of a cluster has it: by name, by UID where the name cannot be in a subject."""
    return _USER + (name if _NAME.fullmatch(name) else uid)


def is_user(name: str) -> bool:
    """Return whether it is a name that `user_name` makes."""
    return name.startswith(_USER) and bool(_NAME.fullmatch(name[len(_USER) :]))


def subject(user: str, role: str) -> str:
    """Return the subject of a certificate request as RFC 2253 writes it: the group of the role, and the user."""
    return f"O={GROUPS[role]},CN={user}"
