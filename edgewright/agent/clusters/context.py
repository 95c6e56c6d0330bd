"""What a step works with: the document, the host's slice of it, this host's entry, the store, the API."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional, Tuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content.store import ContentStore
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.ledger import Ledger
from edgewright.agent.plane.blobs import FOLDER as BLOBS
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.addresses import same
from edgewright.core.clusters.host_slice import HostSlice
from edgewright.core.clusters.model import CONTROL_PLANE, K3S, VIP, ClusterDocument, Member
from edgewright.core.clusters.tree import Tree, read_tree
from edgewright.core.errors import EdgewrightError, Failed, NotFound, Refused

SLICES = "cluster-slices"
"""Folder below the data folder of the agent with the secrets of each cluster (mode 0600)."""
Looked = Tuple[Seen, str]


class Context:
    """One cluster on this host. `argument` is what a step is about beside this host: a member's UID, a layer's name.

    `node` is the name of that member's Node: the document may not list the member any more.
    """

    def __init__(
        self,
        host: Host,
        document: ClusterDocument,
        part: HostSlice,
        host_uid: str,
        data: str,
        argument: str = "",
        program: Optional[List[str]] = None,
        node: str = "",
    ) -> None:
        self.host, self.document, self.slice, self.host_uid = host, document, part, host_uid
        self.data, self.argument, self.node = data, argument, node
        self.program = program or ["/usr/bin/edgewright-agent"]
        self.store = ContentStore(host)
        self.ledger = Ledger(host)

    @property
    def me(self) -> Member:
        """Return this host's entry. Raises `NotFound` when the document has none."""
        member = self.document.member(self.host_uid)
        if member is None:
            raise NotFound(f"The cluster {self.document.name} has no member {self.host_uid}.", "Look at its document.")
        return member

    @property
    def control_plane(self) -> bool:
        """Whether this host is to be a control plane."""
        return self.me.role == CONTROL_PLANE

    @property
    def init_host(self) -> bool:
        """Whether this host forms the cluster."""
        return self.document.bootstrap.init_host_uid == self.host_uid

    @property
    def has_vip(self) -> bool:
        """Whether the control planes serve the address of the API themselves."""
        return self.document.endpoint.kind == VIP

    @property
    def nic(self) -> str:
        """Return the interface of the VIP: of the member, else of the endpoint, else the one with its address."""
        return self.me.nic or self.document.endpoint.nic or nic_of(self.host, self.me.address)

    @property
    def k3s(self) -> bool:
        """Whether the distribution is k3s, otherwise kubeadm."""
        return self.document.kubernetes.distribution == K3S

    @property
    def node_unit(self) -> str:
        """Return the unit that makes this host a node."""
        return paths.K3S_UNIT if self.k3s else paths.KUBELET_UNIT

    @property
    def node_config(self) -> str:
        """Return the file that this unit needs before it can run."""
        return paths.K3S_CONFIG if self.k3s else f"{paths.KUBELET}/config.yaml"

    @property
    def tree_folder(self) -> str:
        """Return the folder of the wanted tree."""
        return paths.tree(self.document.tree.digest)

    def tree(self) -> Tree:
        """Return the description of the wanted tree, from its folder. Raises `Failed`, `InvalidDocument`."""
        data = self.host.data(f"{self.tree_folder}/tree.json")
        if not data:
            raise Failed(f"The tree {self.document.tree.digest[:19]} is not on this host.", "Wait for `activate`.")
        return read_tree(data)

    def stores(self) -> List[ContentStore]:
        """Return where images are: the store, and the layout that the tree brought."""
        return [self.store, ContentStore(self.host, f"{self.tree_folder}/images")]

    def images(self) -> Dict[str, str]:
        """Return the manifest's digest of each image that must be here, by its complete name."""
        wanted = {image.ref: image.digest for image in self.tree().images}
        wanted.update({image.ref: image.digest for image in self.document.images})
        return wanted

    def blob(self, digest: str) -> bytes:
        """Return content: secret text of this host's part, else what the link fetched (P101). Raises `Failed`."""
        masked = self.slice.sealed.masked_values.get(digest)
        if masked is not None:
            return masked.encode()
        path = os.path.join(self.data, BLOBS, digest)
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError:
            raise Failed(f"The content {digest[:12]} is not on this host yet.", "The link fetches it.") from None

    def has_blob(self, digest: str) -> bool:
        """Return whether such content is here."""
        return digest in self.slice.sealed.masked_values or os.path.isfile(os.path.join(self.data, BLOBS, digest))

    def owner(self) -> str:
        """Return the uid of the cluster that this host belongs to, empty when it belongs to none."""
        return str(self.host.json(paths.OWNER).get("uid") or "")

    def claim(self) -> None:
        """Let this host belong to the cluster. Raises `Refused` when it belongs to another one."""
        owner = self.owner()
        if owner == self.document.uid:
            return
        if owner:
            raise Refused(f"This host belongs to the cluster {owner}.", "Release it there first.", "HostInUse")
        self.host.write(paths.OWNER, json.dumps({"uid": self.document.uid}).encode(), 0o600)

    def applied(self) -> Dict[str, Any]:
        """Return what was activated on this host."""
        return self.host.json(paths.APPLIED)

    def path_of(self, component: str) -> str:
        """Return the program of a component: its link, else its name, to be looked up in PATH."""
        link = paths.component(component)
        return self.host.path(link) if self.host.has(link) else component


class StepKind:
    """A kind of step: what it looks at, what it waits for, and what its program does."""

    name = ""
    limit = 600.0
    """Seconds that one attempt may take."""

    def seen(self, context: Context) -> Looked:
        """Look whether its effect is there; cheap, read only. An `EdgewrightError` means that it cannot be observed."""
        raise NotImplementedError

    def waits_for(self, context: Context) -> str:
        """Return what it waits for, empty when it may start."""
        return ""

    def act(self, context: Context) -> None:
        """Do the work, in a process of its own. Raises `EdgewrightError`."""
        raise NotImplementedError

    def percent(self, context: Context) -> Optional[int]:
        """Return how far it is, `None` when that is not known."""
        return None


def looked(kind: StepKind, context: Context) -> Looked:
    """Return what a kind observes; an error is not "not done"."""
    try:
        return kind.seen(context)
    except EdgewrightError as error:
        return Seen.UNKNOWN, error.message


def nic_of(host: Host, address: str) -> str:
    """Return the interface that has an address, empty when none has."""
    for line in host.run(["ip", "-o", "address", "show"]).output.splitlines():
        fields = line.split()
        if len(fields) > 3 and same(fields[3], address):
            return fields[1].partition("@")[0]
    return ""
