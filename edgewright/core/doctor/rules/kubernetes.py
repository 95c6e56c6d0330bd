"""Rules about kubelet, container runtime, CNI, nodes and pods."""

from __future__ import annotations

import re
from typing import List, Optional, Tuple

from edgewright.core.doctor.facts import Facts
from edgewright.core.doctor.findings import (
    DESTRUCTIVE,
    LIKELY,
    SAFE,
    SURE,
    UNSURE,
    Evidence,
    Finding,
    Fix,
    word,
)
from edgewright.core.doctor.repairs import fix_of
from edgewright.core.doctor.rules.reading import match, quote, telling
from edgewright.core.doctor.unit_names import KUBELETS, RUNTIMES

_LOGS = Fix("read the kubelet's log", "journalctl -u {kubelet} -b -n 50 --no-pager", SAFE)
_RUNTIME_LOGS = Fix("read the runtime's log", "journalctl -u {runtime} -b -n 50 --no-pager", SAFE)
_KUBELET: Tuple[Tuple[str, str, str, str, Tuple[Fix, ...]], ...] = (
    (
        "swap-on",
        r"running with swap on is not supported|/proc/swaps contained|fail-swap-on flag",
        "The kubelet ends since swap is on.",
        "Switch swap off, also in /etc/fstab.",
        (fix_of("swap-off"),),
    ),
    (
        "cgroup-mismatch",
        (
            r"cgroup driver.{0,60}different from|configured to not run on a host using cgroup v1|cgroup v1 support"
            r"|expected cgroupsPath to be of format"
        ),
        "The kubelet's cgroup settings do not fit the host.",
        "Give kubelet and container runtime the same cgroup driver, for the cgroup version of the host.",
        (_LOGS,),
    ),
    (
        "selinux-denied",
        r"kubeadm-flags\.env.{0,80}permission denied|permission denied.{0,80}kubeadm-flags\.env",
        "The kubelet may not read kubeadm-flags.env.",
        "Restore the SELinux label of the file, then restart the kubelet.",
        (fix_of("flags-label-restore"),),
    ),
    (
        "kubelet-settings",
        (
            r"failed to load kubelet config file|cannot unmarshal .{0,80}KubeletConfiguration|error converting YAML"
            r"|unable to load bootstrap kubeconfig|unable to read client-cert"
            r"|/var/lib/kubelet/config\.yaml.{0,40}no such file|failed to parse kubelet flag|unknown flag"
            r"|failed to validate kubelet (configuration|flags)|strict decoding error|no kind .{0,40}is registered"
            r"|failed to decode|invalid configuration|error loading config file|unable to load client ca"
        ),
        "The kubelet has no usable settings.",
        "This host has not joined, or its files were removed: join it again, or restore the files.",
        (_LOGS,),
    ),
    (
        "certificate-expired",
        r"certificate has expired or is not yet valid",
        "The kubelet meets a certificate that has expired.",
        "Look at the dates of all certificates, and at the clock.",
        (Fix("show the dates", "kubeadm certs check-expiration", SAFE),),
    ),
    (
        "certificate-broken",
        (
            r"kubelet.{0,200}certificate signed by unknown authority|failed to .{0,80}(node|lease).{0,120}x509"
            r"|attempting to register node.{0,200}x509"
        ),
        "The kubelet does not trust the API server's certificate.",
        "Compare the CA in kubelet.conf with /etc/kubernetes/pki/ca.crt.",
        (_LOGS,),
    ),
    (
        "vip-dns-loop",
        r"lookup kubernetes(\.| on |:).{0,60}no such host",
        "kube-vip asks for the name kubernetes, which only a running cluster resolves.",
        "Restart the container of kube-vip.",
        (fix_of("kube-vip-restart"),),
    ),
    (
        "kine-down",
        r"kine.{0,120}connection refused|failed to (dial|connect to) kine",
        "The database of a cluster of two nodes (kine) is not reached.",
        "Look which of the two nodes leads, and at the log of k3s on that one.",
        (_LOGS,),
    ),
    (
        "runtime-down",
        (
            r"validate (cri|service) (connection|v1)|unable to determine runtime api version"
            r"|containerd\.sock.{0,60}(no such file|connection refused)"
            r"|container runtime is down|runtime connect using default endpoints"
        ),
        "The kubelet does not reach the container runtime.",
        "Read the log of the container runtime, then restart it.",
        (_RUNTIME_LOGS, fix_of("unit-restart", "{runtime}", "restart it")),
    ),
    (
        "cni-missing",
        (
            r"cni plugin not initialized|cni config uninitialized|no networks evidence in /etc/cni/net\.d"
            r"|failed to find plugin"
        ),
        "The CNI is not there: no pod gets an address.",
        "Look whether the pods of the CNI run, and at /etc/cni/net.d and /opt/cni/bin.",
        (Fix("list its files", "ls -la /etc/cni/net.d /opt/cni/bin", SAFE),),
    ),
    (
        "apparmor",
        r"apparmor.{0,80}(unsupported|not (enabled|loaded)|denied)",
        "AppArmor ends a container of the CNI.",
        "Set the AppArmor annotation of the DaemonSet to unconfined.",
        (_LOGS,),
    ),
)
"""Symptom, pattern in the kubelet's log, text, next step, fixes."""
SOCKET = "/run/containerd/containerd.sock"


def rules(facts: Facts) -> List[Finding]:
    """Return what is wrong with Kubernetes on this host, as far as it is one of a cluster."""
    return [
        *_kubelet(facts),
        *_settings(facts),
        *_runtime(facts),
        *_files(facts),
        *_steps(facts),
        *_cluster(facts),
    ]


def _dead(facts: Facts, names: "frozenset[str]") -> bool:
    states = [facts.units[name].active for name in names if name in facts.units]
    return bool(states) and "active" not in states


def _kubelet(facts: Facts) -> List[Finding]:
    lines = telling(facts, facts.kubelet_log[-80:], KUBELETS)
    if _own_node(facts) == "Ready" and not _dead(facts, KUBELETS):
        return []  # what its log still shows is over
    findings = []
    for symptom, pattern, text, step, fixes in _KUBELET:
        line = match(lines, pattern)
        if line is None:
            continue
        if symptom == "cni-missing" and (facts.cni_configs or ()) and "failed to find plugin" not in line.text:
            continue
        if symptom == "runtime-down" and facts.runtime_answers:
            if not _dead(facts, KUBELETS) or facts.cri_disabled or facts.cri_error:
                continue
            symptom, text = "kubelet-settings", "The kubelet asks for the container runtime in the wrong place."
            step = "Compare containerRuntimeEndpoint in its settings and flags with the socket of the runtime."
        evidence = (quote("kubernetes.kubelet", line),)
        findings.append(
            Finding(symptom, text, evidence, step, LIKELY, "kubelet" if symptom.startswith("cert") else "", fixes)
        )
    return findings


def _settings(facts: Facts) -> List[Finding]:
    """Return settings that a kubelet does not start with, known without its log."""
    kubelet = facts.units.get("kubelet")
    if kubelet is None or kubelet.active == "active" or kubelet.load != "loaded":
        return []
    findings = []
    lines = telling(facts, facts.kubelet_log[-80:], KUBELETS)
    if match(lines, r"failed to load kubelet config file") is not None:
        return []  # it reads none of them
    if facts.swap and facts.kubelet_settings and facts.kubelet_settings.get("failSwapOn") != "false":
        evidence: Tuple[Evidence, ...] = (
            Evidence("units.memory", "swap is on"),
            Evidence("kubernetes.settings", "failSwapOn is not false"),
        )
        fix = fix_of("swap-off")
        text = "Swap is on, and the kubelet refuses it."
        findings.append(Finding("swap-on", text, evidence, "Switch swap off, also in /etc/fstab.", LIKELY, "", (fix,)))
    settings = facts.kubelet_settings
    if facts.cgroup == "v1" and settings and settings.get("failCgroupV1", "true") != "false":
        evidence = (Evidence("kubernetes.settings", "cgroup v1"),)
        text = "The host has cgroup v1, which this kubelet may refuse."
        findings.append(
            Finding("cgroup-mismatch", text, evidence, "Boot with systemd.unified_cgroup_hierarchy=1.", UNSURE, "v1")
        )
    driver = settings.get("cgroupDriver", "")
    if (
        facts.systemd_cgroup is not None
        and driver in ("systemd", "cgroupfs")
        and facts.systemd_cgroup != (driver == "systemd")
    ):
        evidence = (
            Evidence("kubernetes.settings", f"kubelet: cgroupDriver {driver}"),
            Evidence("kubernetes.settings", f"containerd: SystemdCgroup {str(facts.systemd_cgroup).lower()}"),
        )
        text = "Kubelet and containerd have different cgroup drivers."
        step = "Give both the driver systemd, then restart containerd and kubelet."
        findings.append(Finding("cgroup-mismatch", text, evidence, step, LIKELY, "driver", (_LOGS,)))
    return findings


def _runtime(facts: Facts) -> List[Finding]:
    findings = []
    lines = telling(facts, facts.runtime_log, RUNTIMES)
    line = match(
        lines,
        r"failed to recover state|(meta|metadata)\.db.{0,80}(invalid|corrupt|failed)|invalid database|bolt.{0,60}panic",
    )
    if line is not None:
        logs = _RUNTIME_LOGS
        wipe = Fix(
            "remove the runtime's data (all images and containers of this host)",
            "systemctl stop {kubelet} {runtime}; rm -rf {runtime-data}; systemctl start {runtime} {kubelet}",
            DESTRUCTIVE,
        )
        text = "containerd cannot read its own data."
        step = "Read the log, make sure that images can be pulled again; then the runtime's data may be removed."
        findings.append(
            Finding("runtime-state", text, (quote("kubernetes.runtime", line),), step, LIKELY, "", (logs, wipe))
        )
    socket = _missing_socket(facts)
    if socket:
        text = f"containerd runs without its socket {socket}: nothing reaches it."
        evidence = (Evidence("kubernetes.files", f"{socket} is not there"),)
        restart = fix_of("unit-restart", "{runtime}", "restart it, which makes the socket again")
        step = "Restart containerd; containers keep running."
        findings.append(Finding("runtime-down", text, evidence, step, LIKELY, "", (restart, _RUNTIME_LOGS)))
    elif facts.runtime_answers is False and not _dead(facts, RUNTIMES):
        text = "The container runtime runs and does not answer."
        evidence = (Evidence("kubernetes.runtime", "silent on its socket"),)
        restart = fix_of("unit-restart", "{runtime}", "restart it")
        step = "Read its log, then restart it; containers keep running."
        findings.append(Finding("runtime-down", text, evidence, step, SURE, "", (_RUNTIME_LOGS, restart)))
    return findings


def _missing_socket(facts: Facts) -> str:
    """Return the socket of a containerd that runs, if it is not there; only root sees that for sure."""
    unit = facts.units.get("containerd")
    if unit is None or unit.active != "active" or unit.sub != "running" or facts.runtime_sockets is None:
        return ""
    known = "kubernetes.runtime" in facts.read
    return SOCKET if known and SOCKET not in facts.runtime_sockets else ""


def _files(facts: Facts) -> List[Finding]:
    """Return what is wrong with files: settings, CNI, blobs."""
    findings: List[Finding] = []
    files = facts.kube_files or frozenset()
    member = files & {
        "/etc/kubernetes/kubelet.conf",
        "/var/lib/edgewright/kubernetes/joined.json",
        "/var/lib/edgewright/kubernetes/formed.json",
    }
    if member and facts.files_complete and "/var/lib/kubelet/config.yaml" not in files:
        evidence: Tuple[Evidence, ...] = (Evidence("kubernetes.files", "/var/lib/kubelet/config.yaml is not there"),)
        text = "The kubelet's settings, /var/lib/kubelet/config.yaml, are not there."
        step = "Write them again from the cluster."
        fix = fix_of("kubelet-settings")
        findings.append(Finding("kubelet-settings", text, evidence, step, SURE, "", (fix,)))
    running = any(name in facts.units and facts.units[name].active == "active" for name in ("kubelet",))
    if member and running and facts.cni_configs == () and not any(f.symptom == "cni-missing" for f in findings):
        evidence = (Evidence("kubernetes.files", "/etc/cni/net.d has no configuration"),)
        text = "The CNI has no configuration in /etc/cni/net.d: no pod gets an address."
        step = "Look whether the pods of the CNI run; they write it."
        fix = Fix("look at its pods", "crictl ps -a | grep -E 'flannel|calico|cilium'", SAFE)
        findings.append(Finding("cni-missing", text, evidence, step, SURE, "", (fix,)))
    if member and running and facts.cni_programs == () and facts.cni_configs:
        evidence = (Evidence("kubernetes.files", "/opt/cni/bin is empty or not there"),)
        text = "The programs of the CNI are not in /opt/cni/bin."
        fix = Fix("list the folder", "ls -la /opt/cni/bin", SAFE)
        findings.append(
            Finding("cni-missing", text, evidence, "Install the programs of the CNI again.", SURE, "programs", (fix,))
        )
    if (member or running) and facts.cni_owner not in ("", "root"):
        evidence = (Evidence("kubernetes.files", f"/opt/cni/bin belongs to {facts.cni_owner}"),)
        text = f"/opt/cni/bin belongs to {facts.cni_owner}: the CNI cannot write its programs there."
        fix = fix_of("cni-owner", facts.cni_owner)
        findings.append(Finding("cni-owner", text, evidence, "Give /opt/cni/bin to root.", LIKELY, "", (fix,)))
    elif (member or running) and facts.cni_files_owner:
        evidence = (Evidence("kubernetes.files", f"a program in /opt/cni/bin belongs to {facts.cni_files_owner}"),)
        text = f"Programs in /opt/cni/bin belong to {facts.cni_files_owner}, as in their archive: root executes them."
        show = Fix("list them", "ls -la /opt/cni/bin", SAFE)
        step = "Give them to root: chown root:root /opt/cni/bin/*."
        findings.append(Finding("cni-owner", text, evidence, step, UNSURE, "programs", (show,)))
    if facts.unreadable and facts.selinux == "Enforcing":
        evidence = (Evidence("kubernetes.files", f"unreadable {facts.unreadable[0]}"),)
        fix = fix_of("label-restore", facts.unreadable[0])
        findings.append(
            Finding(
                "selinux-denied",
                f"SELinux denies {facts.unreadable[0]}.",
                evidence,
                "Restore its label.",
                LIKELY,
                "",
                (fix,),
            )
        )
    return findings


def _steps(facts: Facts) -> List[Finding]:
    line = match(facts.step_log, r"\[ERROR SystemVerification\]")
    kernel = re.match(r"Linux (\d+)\.(\d+)", facts.kernel)
    if kernel is not None and (int(kernel[1]), int(kernel[2])) < (4, 19) and line is not None:
        text = f"The kernel {facts.kernel} is too old for kubeadm."
        evidence = (Evidence("identity.host", facts.kernel), quote("kubernetes.steps", line))
        return [Finding("kernel-old", text, evidence, "Take a system with kernel 4.19 or later.", SURE)]
    return []


def _own_node(facts: Facts) -> Optional[str]:
    return next((node.status for node in facts.nodes or () if node.name == facts.hostname), None)


def _cluster(facts: Facts) -> List[Finding]:
    findings = []
    bad = [node for node in facts.nodes or () if not node.status.startswith("Ready")]
    if bad:
        own = [node for node in bad if node.name == facts.hostname]
        first = (own or bad)[0]
        text = f"{'This node' if own else f'The node {first.name}'} is {first.status}."
        evidence: Tuple[Evidence, ...] = tuple(
            Evidence("kubernetes.nodes", f"{node.name} {node.status}") for node in bad[:3]
        )
        fix = Fix("show why", f"kubectl describe node {word(first.name)}", SAFE)
        step = "Read the conditions of the node." if own else f"Run Doctor on {first.name}."
        findings.append(Finding("node-not-ready", text, evidence, step, SURE if own else LIKELY, first.name, (fix,)))
    return [*findings, *_versions(facts)]


def _versions(facts: Facts) -> List[Finding]:
    """Return a version of K3s that the makers of Palette ask to avoid."""
    bad = [node for node in facts.nodes or () if re.match(r"v1\.32\.[12]\+k3s", node.version)]
    if not bad:
        return []
    text = f"K3s {bad[0].version} is a version to avoid: upgrades to and from it fail."
    evidence = (Evidence("kubernetes.nodes", f"{bad[0].name} {bad[0].version}"),)
    return [Finding("version-avoided", text, evidence, "Take a later version for the next upgrade.", UNSURE)]
