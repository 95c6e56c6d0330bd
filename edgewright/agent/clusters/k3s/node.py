"""Steps of a node of k3s that differ from those of kubeadm: its files, its images, its start, its end."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any, Dict, List, Tuple

from edgewright.agent.clusters import ledger as ledgers
from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks.peer import close_ports
from edgewright.agent.clusters.content.fetch import find_store, image_digest
from edgewright.agent.clusters.content.store import complete
from edgewright.agent.clusters.context import Context, Looked
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.k3s import admission, settings
from edgewright.agent.clusters.kube.discovery import cluster_secret
from edgewright.agent.clusters.kube.init import Init
from edgewright.agent.clusters.kube.joining import READY, Join, until_ready
from edgewright.agent.clusters.machine import units
from edgewright.agent.clusters.machine.activate import Activate
from edgewright.agent.clusters.machine.runtime import Preload, Runtime, write_archive
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.errors import Failed, InvalidInput

IMAGES = paths.K3S + "/agent/images"
"""k3s imports the archives of this folder when it starts, and pins them."""
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")
ALIASES = ("ctr", "kubectl", "crictl")
"""Programs that k3s is by the name of the link that it is called by."""


class K3sActivate(Activate):
    """The tree and the unit of k3s; containerd and the CNI plug-ins are part of its program."""

    units = (paths.IMAGES_UNIT, paths.K3S_UNIT)
    content = (*Activate.content, "/etc/rancher")

    def components(self, context: Context, programs: Dict[str, str]) -> Dict[str, str]:
        """See `Activate.components`."""
        return {**dict.fromkeys(ALIASES, programs["k3s"]), **programs}

    def boot_files(self, context: Context, applied: Dict[str, Any]) -> Dict[str, str]:
        """See `Activate.boot_files`."""
        template = context.host.text(f"{context.tree_folder}/templates/k3s.service")
        if not template:
            raise Failed("The tree has no template k3s.service.", "Build and push the tree again.", "BadTree")
        role = "server" if context.control_plane else "agent"
        values = {"ROLE": role, "CONFIG": paths.K3S_CONFIG, "BIN": paths.LINKS, "STATE": paths.K3S}
        files = {f"{paths.UNITS}/{paths.K3S_UNIT}": units.fill(template + "\n", values)}
        files[f"{paths.UNITS}/{paths.IMAGES_UNIT}"] = units.images_unit(context.program)
        return {name[len("/run/") :]: text for name, text in files.items()}

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        super().act(context)
        link(context.host, paths.SOCKET, paths.K3S_SOCKET)
        link(context.host, paths.BOOT + paths.SOCKET[len("/run") :], paths.K3S_SOCKET, paths.SOCKET)


class K3sRuntime(Runtime):
    """The local registry alone: containerd runs as part of k3s."""

    services = (paths.IMAGES_UNIT,)

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        if context.host.run(["systemctl", "is-active", "--quiet", paths.IMAGES_UNIT]).code != 0:
            return Seen.NOT_DONE, f"{paths.IMAGES_UNIT} does not run"
        return Seen.DONE, "the local registry runs; containerd is part of k3s"


class K3sPreload(Preload):
    """Archives beside k3s until it runs; afterwards as with every containerd."""

    def state(self, context: Context) -> Tuple[List[str], List[str]]:
        """See `Preload.state`."""
        if context.host.has(paths.SOCKET):
            return super().state(context)
        return [ref for ref, path in self._archives(context).items() if not context.host.has(path)], []

    def waits_for(self, context: Context) -> str:
        """See `StepKind.waits_for`: archives of the tree are on the disk already."""
        return super().waits_for(context) if context.host.has(paths.SOCKET) else ""

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        host = context.host
        if host.has(paths.SOCKET):
            super().act(context)
            return
        host.folder(IMAGES, 0o700)
        wanted = context.images()
        for ref, path in self._archives(context).items():
            if host.has(path):
                continue
            fresh = f"{paths.K3S}/agent/image.new"
            own = f"{context.tree_folder}/images/{path.rpartition('/')[2]}"
            host.report(f"archive {ref}")
            if host.has(own):
                shutil.copyfile(host.path(own), host.path(fresh))
            else:
                digest = image_digest(context, ref, wanted[ref])
                with open(host.path(fresh), "wb") as file:
                    write_archive(file, find_store(context, digest), {ref: digest})
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(host.path(fresh), host.path(path))

    def _archives(self, context: Context) -> Dict[str, str]:
        """Return the archive of each image by its name: its own, or one that the tree has for many."""
        many = [name for name in context.host.names(f"{context.tree_folder}/images") if name.endswith(ARCHIVES)]
        result = {}
        for ref, digest in context.images().items():
            own = image_digest(context, ref, digest)
            if many and not complete(context.stores(), own):
                result.update({f"{ref} and others": f"{IMAGES}/{name}" for name in many})
            else:
                result[ref] = f"{IMAGES}/{own[7:]}.tar"
        return result


class K3sInit(Init):
    """`k3s server` with `cluster-init`; a start after a crash continues with what is there."""

    def form(self, context: Context, attempt: int) -> None:
        """See `Init.form`."""
        write_settings(context, settings.server(context.document, context.me, cluster_secret(context)))
        start(context)
        until_ready(context, True, ready=False)


class K3sJoin(Join):
    """k3s with the address of the API and a token that names the CA."""

    def authority(self, context: Context) -> str:
        """See `Join.authority`."""
        return admission.authority(context)

    def launch(self, context: Context, authority: str) -> None:
        """See `Join.launch`."""
        host, document, me = context.host, context.document, context.me
        named = admission.ca_hash(context)
        if self.control_plane:
            body = settings.server(document, me, cluster_secret(context), named)
        else:
            token = context.slice.sealed.agent_token
            if not token:
                raise InvalidInput("This host has no agent token of k3s.", "The plane gives it to workers.")
            body = settings.agent(document, me, token, named)
        write_settings(context, body)
        start(context)
        until = host.uptime() + READY
        while not host.has(paths.KUBELET_CONF):
            if host.uptime() > until:
                raise Failed(
                    f"k3s has no credentials of the cluster after {READY:.0f} s.",
                    f"See: journalctl -u {paths.K3S_UNIT}",
                )
            host.sleep(2.0)


class K3sJoinControlPlane(K3sJoin):
    """See `kube.joining.JoinControlPlane`."""

    name = "join-control-plane"
    limit = 600.0
    control_plane = True


class K3sJoinWorker(K3sJoin):
    """See `kube.joining.JoinWorker`."""

    name = "join-worker"
    limit = 360.0


def write_settings(context: Context, body: Dict[str, Any]) -> None:
    """Write what k3s reads at each start, and the links to its files."""
    host = context.host
    host.write(settings.REGISTRIES, json.dumps(settings.registries()).encode(), 0o600)
    for name, target in settings.LAYOUT.items():
        link(host, name, target)
    host.write(paths.K3S_CONFIG, json.dumps(body, sort_keys=True, indent=1).encode(), 0o600)


def start(context: Context) -> None:
    """Start k3s without waiting for it: what it leads to is observed."""
    host = context.host
    close_ports(context)
    context.ledger.note(ledgers.UNIT, paths.K3S_UNIT)
    host.run(["systemctl", "reset-failed", paths.K3S_UNIT])
    host.must(["systemctl", "restart", "--no-block", paths.K3S_UNIT])
    until = host.uptime() + READY
    plugins = f"{paths.K3S}/data/current/bin/cni"  # one program, which looks at the name that it is called by
    while settings.own_cni(context.document):
        if host.has(plugins):
            before = context.ledger.content(paths.CNI_BIN)
            for name in settings.PLUGINS:
                if name not in before:
                    link(host, f"{paths.CNI_BIN}/{name}", plugins)
            break
        if host.uptime() > until:
            raise Failed(
                f"k3s has not unpacked its programs after {READY:.0f} s.", f"See: journalctl -u {paths.K3S_UNIT}"
            )
        host.sleep(1.0)


def complete_settings(context: Context) -> bool:
    """Return whether the settings on this disk have the networks and the address of the document."""
    stored, document = context.host.json(paths.K3S_CONFIG), context.document
    wanted = (document.network.pod_cidr, document.network.service_cidr)
    return (stored.get("cluster-cidr"), stored.get("service-cidr")) == wanted and document.endpoint.host in (
        stored.get("tls-san") or []
    )


def link(host: Host, name: str, target: str, seen_from: str = "") -> None:
    """Let a path lead to another one, relative so that both may be below another root."""
    host.link(name, os.path.relpath(target, os.path.dirname(seen_from or name)))
