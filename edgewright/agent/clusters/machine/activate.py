"""Step `activate`: the tree on the persistent disk, a link for each component, and what a boot writes into /run."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Tuple

from edgewright.agent.clusters import ledger as ledgers
from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content.sweep import stored_manifest
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.machine import units
from edgewright.agent.clusters.machine.unpack import is_complete, unpack
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters.tree import Tree, read_tree
from edgewright.core.errors import Failed, InvalidInput

MODULES = ("overlay", "br_netfilter")
SYSCTL = {
    "net.ipv4.ip_forward": "1",
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
}
"""What kubeadm asks for; a bridge setting only where the kernel has it."""
MADE_FOLDERS = (
    "/opt/cni", "/etc/cni", "/usr/libexec/kubernetes", "/usr/libexec/kubernetes/kubelet-plugins",
    "/usr/libexec/kubernetes/kubelet-plugins/volume", "/usr/libexec/kubernetes/kubelet-plugins/volume/exec",
    "/usr/lib/modules", "/opt/containerd", "/opt/containerd/bin", "/opt/containerd/lib", "/var/lib/snmp",
)  # fmt: skip
"""Folders that pods, containerd and keepalived make where they are not there."""
MADE_CONTENT = (paths.CNI_BIN, paths.CNI_CONF, "/var/lib/cni", "/var/log/pods", "/var/log/containers")
"""Folders in which the CNI and the kubelet write."""
INSTALLED = "/etc/systemd/system/edgewright-activate.service"
WANTED = "/etc/systemd/system/multi-user.target.wants/edgewright-activate.service"


class Activate(StepKind):
    """Makes the tree usable; the links of an older tree stay until its own upgrade step moves them."""

    name = "activate"
    limit = 900.0
    units: Tuple[str, ...] = (paths.CONTAINERD_UNIT, paths.IMAGES_UNIT, paths.KUBELET_UNIT)
    content: Tuple[str, ...] = MADE_CONTENT
    """Folders whose new entries belong to the cluster."""

    def components(self, context: Context, programs: Dict[str, str]) -> Dict[str, str]:
        """Return the program of each link; `programs` are those of the tree."""
        return programs

    def boot_files(self, context: Context, applied: Dict[str, Any]) -> Dict[str, str]:
        """Return the files of /run that activation writes. Raises `Failed`."""
        return boot_files(context, applied)

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        if not is_complete(context.host, context.tree_folder):
            return Seen.NOT_DONE, "the tree is not unpacked"
        applied = context.applied()
        if applied.get("tree") != context.document.tree.digest or applied.get("uid") != context.document.uid:
            return Seen.NOT_DONE, "the tree is not activated"
        wanted = self.boot_files(context, applied)
        for name, text in wanted.items():
            if context.host.data(f"/run/{name}") != text.encode():
                return Seen.NOT_DONE, f"/run/{name} is not as wanted"
        for name, target in components(applied).items():
            if _linked(context, name) != target:
                return Seen.NOT_DONE, f"the link of {name} is missing"
        if context.host.data(paths.ACTIVATE) != units.script(applied, context.node_config, context.node_unit).encode():
            return Seen.NOT_DONE, "what a boot does is not as wanted"
        return Seen.DONE, f"tree {context.document.tree.digest[:19]} is active"

    def waits_for(self, context: Context) -> str:
        """See `StepKind.waits_for`: an attempt on a disk without space would only fail."""
        manifest = None if is_complete(context.host, context.tree_folder) else stored_manifest(context)
        if manifest is None:
            return ""
        return context.host.short_of_space(paths.TREES, sum(layer.size for layer in manifest.layers))

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        host = context.host
        if not is_complete(host, context.tree_folder):
            manifest = stored_manifest(context)
            if manifest is None:
                raise Failed("The manifest of the tree is not in the store.", "Wait for `fetch`.")
            description = context.store.read(manifest.config.digest)
            check(context, read_tree(description))
            layers = [context.store.path(layer.digest) for layer in manifest.layers]
            try:
                unpack(
                    host, layers, context.tree_folder, description, lambda name: host.report(f"unpacked {name[:12]}")
                )
            except InvalidInput:
                damaged = [layer.digest[:19] for layer in manifest.layers if not context.store.intact(layer.digest)]
                if not damaged:
                    raise  # it was built like this
                text = f"Damaged on this disk, and removed: {', '.join(damaged)} of the tree."
                raise Failed(text, "It is fetched again by itself; check the disk if this repeats.") from None
        tree = context.tree()
        check(context, tree)
        for component in tree.components.values():
            if not os.access(host.path(f"{context.tree_folder}/{component.path}"), os.X_OK):
                raise Failed(f"The tree has no program {component.path}.", "Build and push the tree again.")
        applied = describe(context, tree)
        applied["components"] = self.components(context, applied["components"])
        self._kernel(context, applied)
        self._plugins(context, tree)
        self._boot(context, applied)
        host.write(paths.APPLIED, json.dumps(applied, sort_keys=True, indent=1).encode(), 0o600)
        host.must(["systemctl", "daemon-reload"])

    def _kernel(self, context: Context, applied: Dict[str, Any]) -> None:
        host = context.host
        for name in MODULES:
            if not host.has(f"/sys/module/{name}"):
                context.ledger.note(ledgers.MODULE, name)
                done = host.run(["modprobe", "-q", name])
                host.report(f"kernel module {name}: {'loaded' if done.code == 0 else 'built in, or not there'}")
        for name, value in SYSCTL.items():
            path = "/proc/sys/" + name.replace(".", "/")
            before = host.text(path)
            if not host.has(path):
                continue
            applied["sysctl"][name] = value
            if before != value:
                context.ledger.note(ledgers.SYSCTL, name, before)
                host.must(["sysctl", "-q", "-w", f"{name}={value}"])

    def _plugins(self, context: Context, tree: Tree) -> None:
        """Copy the CNI plug-ins: /opt/cni/bin stays a folder that pods of a CNI write to."""
        host = context.host
        for folder in MADE_FOLDERS:
            if not host.has(folder):
                context.ledger.note(ledgers.FOLDER, folder)
        for folder in self.content:
            context.ledger.note_content(folder)
        context.ledger.note_tables()
        host.folder(paths.CNI_BIN)
        before = context.ledger.content(paths.CNI_BIN)
        for name in host.names(f"{context.tree_folder}/cni"):
            source = f"{context.tree_folder}/cni/{name}"
            if not os.path.isfile(host.path(source)):
                continue
            target = f"{paths.CNI_BIN}/{name}"
            if name in before:
                continue  # the host's own plug-in stays as it is
            with open(host.path(source), "rb") as file:
                host.write(target, file.read(), 0o755, durable=False)

    def _boot(self, context: Context, applied: Dict[str, Any]) -> None:
        """Store what a boot copies to /run, and make it effective now."""
        host = context.host
        if not host.has(INSTALLED):
            context.ledger.note(ledgers.FILE, INSTALLED)
            host.write(INSTALLED, units.ACTIVATE_SERVICE.encode())
        if not os.path.lexists(host.path(WANTED)):
            context.ledger.note(ledgers.FILE, WANTED)
            host.link(WANTED, INSTALLED)
        for unit in self.units:
            context.ledger.note(ledgers.UNIT, unit)
        host.folder(paths.RUN)
        host.folder(paths.CONTAINERD_ROOT, 0o711)
        for name, text in self.boot_files(context, applied).items():
            host.write(f"{paths.BOOT}/{name}", text.encode())
            host.write(f"/run/{name}", text.encode(), durable=False)
        for name, target in components(applied).items():
            link = paths.component(name)
            host.link(f"{paths.BOOT}/{link[len('/run/') :]}", target)
            host.link(link, target)
        host.write(paths.ACTIVATE, units.script(applied, context.node_config, context.node_unit).encode(), 0o755)


def check(context: Context, tree: Tree) -> None:
    """Compare a tree with the document and the host. Raises `Failed`."""
    kubernetes = context.document.kubernetes
    if (tree.distribution, tree.version) != (kubernetes.distribution, kubernetes.version):
        raise Failed(
            f"The tree is {tree.distribution} {tree.version}, the cluster needs {kubernetes.distribution} "
            f"{kubernetes.version}.",
            "Name the tree of this version in the Kubernetes layer.",
            "WrongTree",
        )
    missing = missing_requirements(context, tree)
    if missing:
        raise Failed(f"This host lacks {', '.join(missing[:8])}.", "Install it, then retry.", "HostRequirement")


def missing_requirements(context: Context, tree: Tree) -> List[str]:
    """Return the libraries and programs that a tree needs and this host does not have."""
    needs = tree.requirements
    missing = [f"the program {name}" for name in needs.programs if not _has_program(context, name)]
    if needs.libraries:
        done = context.host.run(["ldconfig", "-p"])
        known = {line.split()[0] for line in done.output.splitlines() if line.split()}
        missing += [f"the library {name}" for name in needs.libraries if done.code == 0 and name not in known]
    return missing


def describe(context: Context, tree: Tree) -> Dict[str, Any]:
    """Return applied.json for the wanted tree."""
    pause = next((image.ref for image in tree.images if "/pause:" in image.ref), "")
    return {
        "uid": context.document.uid,
        "tree": context.document.tree.digest,
        "version": tree.version,
        "components": {
            name: f"{context.tree_folder}/{component.path}"
            for name, component in sorted(tree.components.items())
            if component.path.startswith("bin/")  # a CNI plug-in has the name of another program: bridge
        },
        "sandbox": pause,
        "sysctl": {},
        "modules": list(MODULES),
    }


def boot_files(context: Context, applied: Dict[str, Any]) -> Dict[str, str]:
    """Return the files of /run that activation writes."""
    names = ("containerd.service", "containerd.toml", "kubelet.service")
    templates = {name: context.host.text(f"{context.tree_folder}/templates/{name}") + "\n" for name in names}
    missing = [name for name, text in templates.items() if not text.strip()]
    if missing:
        raise Failed(f"The tree has no template {missing[0]}.", "Build and push the tree again.", "BadTree")
    return units.run_files(applied, templates, context.program)


def components(applied: Dict[str, Any]) -> Dict[str, str]:
    """Return the program of each component that is activated."""
    value = applied.get("components")
    return {str(name): str(path) for name, path in value.items()} if isinstance(value, dict) else {}


def _linked(context: Context, name: str) -> str:
    try:
        return os.readlink(context.host.path(paths.component(name)))
    except OSError:
        return ""


def _has_program(context: Context, name: str) -> bool:
    folders = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
    return any(context.host.has(f"{folder}/{name}") for folder in folders)
