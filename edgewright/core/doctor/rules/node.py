"""Rules about a kubelet that runs and does not get to its cluster, and about static pods, evictions and the CRI."""

from __future__ import annotations

import re
from typing import List, Sequence

from edgewright.core.doctor.facts import Facts, LogLine
from edgewright.core.doctor.findings import LIKELY, SAFE, SURE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.repairs import fix_of
from edgewright.core.doctor.rules.reading import match, quote, telling, unread_manifests
from edgewright.core.doctor.unit_names import KUBELETS, RUNTIMES
from edgewright.core.text import clip

_LOGS = Fix("read the kubelet's log", "journalctl -u {kubelet} -b -n 50 --no-pager", SAFE)
_REGISTER = (
    r"unable to register node|failed to ensure lease exists|error updating node status|error getting node"
    r"|is not allowed to modify node|node \\?\"[^\"]{1,120}\\?\" not found|failed to contact api server"
    r"|unable to update node status|nodes? .{0,80}is forbidden"
)
_WAY = {
    "refused": "refuses connections",
    "silent": "does not answer",
    "no-route": "cannot be reached: no route",
    "name": "has a name that does not resolve",
}
_REFUSED = r"unauthorized|forbidden|not allowed|x509|certificate"
_SERVERS = {"kube-apiserver": "api-down", "etcd": "etcd-down"}
_SILENT = {
    "api-down": ("kubernetes.api", "127.0.0.1:6443 does not answer"),
    "etcd-down": ("etcd.health", "no answer on 127.0.0.1:2381"),
}
_EVICTION = (
    r"eviction manager: (must evict|attempting to reclaim|eviction criteria)|imagegcfailed|freediskspacefailed"
    r"|failed to garbage collect required amount|evictionthresholdmet"
)


def rules(facts: Facts) -> List[Finding]:
    """Return why the node of this host is not one of its cluster."""
    lines = telling(facts, facts.kubelet_log, KUBELETS)
    return [
        *_server(facts, lines),
        *_manifests(facts),
        *_evictions(facts, lines),
        *_pods_by_log(facts, lines),
        *_cri(facts),
        *_removed(facts),
        *_pods(facts),
    ]


def _ready(facts: Facts) -> bool:
    own = next((node.status for node in facts.nodes or () if node.name == facts.hostname), "")
    return own.startswith("Ready")


def _runs(facts: Facts) -> bool:
    return any(name in facts.units and facts.units[name].active == "active" for name in KUBELETS)


def _server(facts: Facts, lines: Sequence[LogLine]) -> List[Finding]:
    """Return that the kubelet does not get to its API server, by the port itself, or by its log."""
    server = facts.kubelet_server
    line = match(lines, _REGISTER)
    if _ready(facts) or not _runs(facts):
        return []
    if server is not None and server.state in _WAY:
        text = f"The kubelet does not reach its API server {server.host}:{server.port}, which {_WAY[server.state]}."
        rows = [Evidence("kubernetes.server", f"{server.host}:{server.port} {server.state}")]
        rows += [quote("kubernetes.kubelet", line)] if line is not None else []
        place = word(f"https://{server.host}:{server.port}/healthz")
        fix = Fix("ask it from the host", f"curl -k --connect-timeout 5 {place}", SAFE)
        step = "Check that the control plane or its VIP is there, and that kubelet.conf names the right address."
        return [Finding("node-not-ready", text, tuple(rows), step, LIKELY, facts.hostname, (fix, _LOGS))]
    if line is None:
        return []
    refused = match([line], _REFUSED) is not None
    what = "is not accepted by its API server" if refused else "cannot register or report its node"
    text = f"The kubelet {what}: {clip(_message(line.text), 110)}."
    step = (
        "Compare name, certificate and CA of kubelet.conf with the cluster." if refused else "Look at the API server."
    )
    return [
        Finding("node-not-ready", text, (quote("kubernetes.kubelet", line),), step, LIKELY, facts.hostname, (_LOGS,))
    ]


def _message(text: str) -> str:
    """Return the message of a line of klog, without what is before it."""
    text = re.sub(r"^[IWEF]\d{4} \S+ +\d+ \S+\] ", "", text.strip())
    error = re.search(r'err="(.*)"', text)
    return (error[1] if error else text).replace('\\"', '"').rstrip(". ")


def _manifests(facts: Facts) -> List[Finding]:
    """Return static pods that the kubelet cannot read: what they should run is not there."""
    findings = []
    for name, (line, path) in list(unread_manifests(facts).items())[:3]:
        symptom = _SERVERS.get(name, "pods-fail")
        text = f"The kubelet cannot read the static pod {name or 'of a file'}: {clip(_message(line.text), 110)}."
        fix = Fix("show the file", f"cat -n {word(path)}", SAFE) if path else _LOGS
        step = f"Correct {path}." if path else "Correct the file of the static pod."
        rows = [quote("kubernetes.kubelet", line)]
        down = {"api-down": facts.api, "etcd-down": facts.etcd}.get(symptom) == "silent"
        rows += [Evidence(*_SILENT[symptom])] if down else []
        findings.append(Finding(symptom, text, tuple(rows), step, SURE if down else LIKELY, name, (fix,)))
    return findings


def _pods_by_log(facts: Facts, lines: Sequence[LogLine]) -> List[Finding]:
    """Return that pods do not start, by the kubelet's own word, where the cluster cannot be asked."""
    line = match(lines, r"error syncing pod|failed to (create|start|run) .{0,40}(sandbox|container)|crashloopbackoff")
    if line is None or facts.pods is not None or match([line], r"pull|resolve reference") is not None:
        return []
    text = f"Pods of this node do not start: {clip(_message(line.text), 110)}."
    fix = Fix("list its containers", "crictl ps -a | head -n 20", SAFE)
    step = "Read the log of the container and of the runtime."
    return [Finding("pods-fail", text, (quote("kubernetes.kubelet", line),), step, LIKELY, "", (fix, _LOGS))]


def _evictions(facts: Facts, lines: Sequence[LogLine]) -> List[Finding]:
    """Return that the kubelet evicts pods or cannot make room: for a disk, or for memory."""
    line = match(lines, _EVICTION)
    if line is None:
        return []
    memory = re.search(r"memory", line.text) is not None
    what = "memory" if memory else "disk space"
    text = f"The kubelet ends pods for want of {what}: {clip(_message(line.text), 100)}."
    step = "Free memory, or give pods limits." if memory else "Free space for images and pods: remove what is not used."
    fix = Fix("show the space", "df -h; crictl images", SAFE)
    symptom = "memory-low" if memory else "disk-full"
    return [Finding(symptom, text, (quote("kubernetes.kubelet", line),), step, LIKELY, "kubelet", (fix,))]


def _cri(facts: Facts) -> List[Finding]:
    """Return a containerd that runs without what kubelets ask."""
    if "containerd" not in facts.units or not KUBELETS & facts.units.keys():
        return []
    restart = fix_of("unit-restart", "{runtime}", "restart it")
    if facts.cri_disabled:
        text = "containerd runs with its CRI plugin switched off (disabled_plugins): no kubelet can use it."
        rows = (Evidence("kubernetes.settings", "containerd: disabled_plugins contains cri"),)
        step = "Remove cri from disabled_plugins in /etc/containerd/config.toml, then restart containerd."
        return [Finding("runtime-down", text, rows, step, SURE if not _runs(facts) else LIKELY, "cri", (restart,))]
    if facts.cri_error:
        text = "containerd runs without its CRI plugin, which could not be loaded: no kubelet can use it."
        rows = (Evidence("kubernetes.runtime", "plugin cri: error"),)
        fix = Fix("show its plugins", "ctr plugins ls | grep -v ' ok'", SAFE)
        step = "Read the log of containerd from its start, correct its settings or data, then restart it."
        return [Finding("runtime-down", text, rows, step, LIKELY, "cri", (fix, restart))]
    return []


def _removed(facts: Facts) -> List[Finding]:
    """Return that the CNI has no settings any more on a node that had them, whether it has joined or not."""
    broken = match(telling(facts, facts.runtime_log, RUNTIMES), r"cni config load failed|failed to load cni config")
    if facts.cni_configs and _runs(facts) and broken is not None and "no network config found" not in broken.text:
        text = f"The settings of the CNI in /etc/cni/net.d cannot be read: {facts.cni_configs[0]}."
        fix = Fix("show it", "cat /etc/cni/net.d/*", SAFE)
        step = "Correct the file, or let the pods of the CNI write it again."
        return [Finding("cni-missing", text, (quote("kubernetes.runtime", broken),), step, LIKELY, "", (fix,))]
    if facts.cni_configs != () or not _runs(facts) or "/etc/kubernetes/kubelet.conf" in (facts.kube_files or ()):
        return []
    line = match(list(reversed(facts.runtime_log)), r"fs change event\(\W*REMOVE")
    programs = bool(facts.cni_programs)
    if line is None and not programs:
        return []
    late = match(telling(facts, facts.runtime_log, RUNTIMES), r"no network config found in /etc/cni/net\.d")
    text = "The CNI has no configuration in /etc/cni/net.d: no pod gets an address."
    rows = [Evidence("kubernetes.files", "/etc/cni/net.d has no configuration")]
    rows += [quote("kubernetes.runtime", each) for each in (line or late,) if each is not None]
    fix = Fix("list its files", "ls -la /etc/cni/net.d /opt/cni/bin", SAFE)
    certainty = LIKELY if line is not None else UNSURE
    step = "Look whether the pods of the CNI run (they write it), or put the file there again."
    return [Finding("cni-missing", text, tuple(rows), step, certainty, "", (fix,))]


def _pods(facts: Facts) -> List[Finding]:
    """Return pods that the kernel ended for memory, and a node that takes no pods."""
    findings = []
    killed = [pod for pod in facts.pods or () if pod.status == "OOMKilled"]
    if killed:
        name = f"{killed[0].namespace}/{killed[0].name}"
        rows = tuple(Evidence("kubernetes.pods", f"{p.namespace}/{p.name} {p.status}") for p in killed[:3])
        show = f"kubectl describe pod -n {word(killed[0].namespace)} {word(killed[0].name)}"
        text = f"The kernel ended the pod {name} for memory."
        step = "Give the pod a higher limit, or find what uses its memory."
        findings.append(Finding("out-of-memory", text, rows, step, LIKELY, name, (Fix("show it", show, SAFE),)))
    own = [node for node in facts.nodes or () if node.name == facts.hostname and "SchedulingDisabled" in node.status]
    if own:
        text = "This node takes no new pods: it is cordoned."
        rows = (Evidence("kubernetes.nodes", f"{own[0].name} {own[0].status}"),)
        fix = Fix(
            "let it take pods", f"kubectl uncordon {word(own[0].name)}", SAFE, f"kubectl cordon {word(own[0].name)}"
        )
        step = "If no maintenance is under way, uncordon it."
        findings.append(Finding("node-not-ready", text, rows, step, UNSURE, "cordoned", (fix,)))
    return findings
