"""Rules about pods that do not run and what they wait for: volumes, settings, secrets; and about admission webhooks."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence, Tuple

from edgewright.core import times
from edgewright.core.doctor.facts import Claim, Facts, Pod, Waiting
from edgewright.core.doctor.findings import CONFIRM, LIKELY, SAFE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.rules.reading import match, quote, telling
from edgewright.core.doctor.unit_names import KUBELETS
from edgewright.core.text import amount, clip

PROBE = "kubernetes.waits"
OVER = ("Completed", "Succeeded", "Terminating")
STARTING = ("ContainerCreating", "PodInitializing")
NEW = 10.0
"""Seconds for which a pod may wait for what is made together with it."""
SLOW = 60.0
"""Seconds in which a provisioner has made a volume."""
LATE_LOG = 200.0
"""Seconds within which a kubelet has tried again what a pod waits for."""
_ABSENT = (
    r"(configmap|secret|serviceaccount|persistentvolumeclaim)s? \\?\"?([a-z0-9./-]{1,200}?)\\?\"? (?:is )?not found"
)
_KEY = (
    r"(?:couldn't find key|references non-existent (?:config|secret) key:?) ?(\S{0,120})"
    r"(?: in (ConfigMap|Secret) (\S{1,200}))?"
)
_KINDS = {
    "configmap": "ConfigMap",
    "secret": "Secret",
    "serviceaccount": "ServiceAccount",
    "persistentvolumeclaim": "PersistentVolumeClaim",
}


def rules(facts: Facts) -> List[Finding]:
    """Return pods that do not run, claims that are not bound, webhooks that do not answer."""
    return [*_pods(facts), *_by_log(facts), *_claims(facts), *_webhooks(facts)]


def _absent(reasons: Sequence[str]) -> "Tuple[str, str]":
    """Return what is not there, as kind and name (or key and its place), by the first message that names it."""
    for text in reasons:
        result = re.search(_ABSENT, text, re.IGNORECASE)
        if result is not None:
            return _KINDS[result[1].lower()], result[2]
        key = re.search(_KEY, text, re.IGNORECASE)
        if key is not None:
            return f"key {clip(key[1], 60)}" + (f" of the {key[2]}" if key[2] else ""), key[3] or ""
    return "", ""


def _pods(facts: Facts) -> List[Finding]:
    stuck = [
        (pod, _why(facts, pod))
        for pod in facts.pods or ()
        if pod.status not in OVER and (pod.status not in STARTING or _absent(_reasons(facts, pod))[0])
    ]
    if not stuck:
        return []
    stuck.sort(key=lambda each: not _absent(_reasons(facts, each[0]))[0])
    pod, why = stuck[0]
    name = f"{pod.namespace}/{pod.name}"
    state = f"not ready ({pod.ready})" if pod.status == "Running" else pod.status
    text = f"{amount(len(stuck), 'pod')} {'does' if len(stuck) == 1 else 'do'} not run: {name} is {state}{why}."
    rows = [Evidence("kubernetes.pods", f"{p.namespace}/{p.name} {p.ready} {p.status}") for p, _ in stuck[:3]]
    rows += [Evidence(PROBE, f"{name}: {clip(reason, 200)}") for reason in _reasons(facts, pod)[:2]]
    claim = _unbound(facts, pod)
    rows += _claim_rows(facts, claim) if claim is not None else []
    fix = Fix("show why", f"kubectl describe pod -n {word(pod.namespace)} {word(pod.name)}", SAFE)
    kind, absent = _absent(_reasons(facts, pod))
    young = _young(facts, facts.waiting.get(name))
    certainty = UNSURE if young or (pod.status == "Pending" and not kind and claim is None) else LIKELY
    step, fixes = _claim_reason(facts, claim)[1] if claim is not None else "Read the events of the pod.", [fix]
    if kind:
        step = (
            f"Make the {kind} {absent}".rstrip() + f" in the namespace {pod.namespace}; the pod starts by itself then."
        )
        if kind in _KINDS.values():
            show = f"kubectl get {kind.lower()} -n {word(pod.namespace)}"
            fixes.insert(0, Fix(f"list what is there of {kind}", show, SAFE))
    lost = [p.name for p, _ in stuck if p.status == "Unknown" and p.name.startswith("kube-vip-")]
    if lost:
        step = "Delete the pod of kube-vip, which is made again: its state is from before the boot."
        fixes.insert(0, Fix("delete it", f"kubectl delete pod -n kube-system {word(lost[0])}", CONFIRM))
    return [Finding("pods-fail", text, tuple(rows), step, certainty, "", tuple(fixes))]


def _reasons(facts: Facts, pod: Pod) -> "Tuple[str, ...]":
    result = facts.waiting.get(f"{pod.namespace}/{pod.name}")
    if result is None:
        return ()
    now = facts.clock
    return (*result.reasons, *(e for at, e in result.events if at is None or now is None or now - at <= LATE_LOG))


def _why(facts: Facts, pod: Pod) -> str:
    """Return `: REASON` for the sentence, "" where nothing is known."""
    kind, absent = _absent(_reasons(facts, pod))
    if kind:
        return f": it waits for the {kind} {absent}".rstrip() + ", which is not there"
    if (claim := _unbound(facts, pod)) is not None:
        return f": its claim {claim.name} has no volume, {_claim_reason(facts, claim)[0]}"
    reasons = _reasons(facts, pod)
    return f": {clip(reasons[0].rstrip('. '), 110)}" if reasons else ""


def _young(facts: Facts, result: Optional[Waiting]) -> bool:
    """Return whether a pod has just been made: what it needs may be there in a moment."""
    if result is None or result.made is None or facts.clock is None:
        return False
    return 0 <= facts.clock - result.made < NEW


def _by_log(facts: Facts) -> List[Finding]:
    """Return what a pod of this node waits for by the kubelet's word, where the cluster was not asked."""
    if facts.pods is not None:
        return []
    lines = telling(facts, facts.kubelet_log, KUBELETS)
    lines = [line for line in lines if line.at is None or facts.clock is None or facts.clock - line.at <= LATE_LOG]
    line = match(lines, f"(?:MountVolume|CreateContainerConfigError|couldn't find key).*(?:{_ABSENT}|{_KEY})")
    if line is None:
        return []
    kind, absent = _absent([line.text])
    pod = re.search(r'pod[ =]\\?"([a-z0-9./-]{1,200})', line.text)
    text = f"A pod of this node{' (' + pod[1] + ')' if pod else ''} waits for the {kind} {absent}".rstrip()
    step = f"Make the {kind} {absent}".rstrip() + "; the pod starts by itself then."
    fix = Fix("read the kubelet's log", "journalctl -u {kubelet} -b -n 50 --no-pager", SAFE)
    row = quote("kubernetes.kubelet", line)
    return [Finding("pods-fail", f"{text}, which is not there.", (row,), step, LIKELY, "", (fix,))]


def _unbound(facts: Facts, pod: Pod) -> Optional[Claim]:
    """Return a claim that a pod uses and that gets no volume, for a reason that is known."""
    result = facts.waiting.get(f"{pod.namespace}/{pod.name}")
    for claim in facts.claims or ():
        used = result is not None and claim.name in result.claims and claim.namespace == pod.namespace
        if used and _claim_reason(facts, claim)[0]:
            return claim
    return None


def _claim_reason(facts: Facts, claim: Claim) -> "Tuple[str, str]":
    """Return why a claim is not bound and the next step, or two empty texts where it may be bound in a moment."""
    name = claim.storage_class
    if name is None:
        return (
            "since it names no storage class and no default one is there",
            "Install a provisioner with a default storage class, or name one in the claim.",
        )
    if name == "":
        return "and it is to be bound to a volume made manually", "Make a volume that fits it."
    if name not in facts.storage_classes:
        return f"since its storage class {name} is not there", f"Make the storage class {name}, or correct the claim."
    provisioner, mode = facts.storage_classes[name]
    if provisioner == "kubernetes.io/no-provisioner":
        return f"since {name} has no provisioner: volumes are made manually", "Make a volume that fits it."
    begun = mode != "WaitForFirstConsumer" or bool(claim.node)
    old = claim.made is None or facts.clock is None or facts.clock - claim.made > SLOW
    if begun and old:
        age = f" for {times.duration(facts.clock - claim.made)}" if facts.clock and claim.made else ""
        return (
            f"which the provisioner {provisioner} has not made{age}",
            f"Look whether the pods of {provisioner} run, and at their log.",
        )
    return "", ""


def _claims(facts: Facts) -> List[Finding]:
    """Return claims that get no volume; of those that no pod uses it is not known whether they are needed."""
    shown = [_unbound(facts, pod) for pod in facts.pods or ()]
    for claim in facts.claims or ():
        why, step = _claim_reason(facts, claim)
        key = f"{claim.namespace}/"
        users = [n for n, w in facts.waiting.items() if n.startswith(key) and claim.name in w.claims]
        if not why or claim in shown or (claim.storage_class == "" and not users):
            continue
        text = f"The claim {claim.namespace}/{claim.name} has no volume, {why}."
        rows = [*_claim_rows(facts, claim), *(Evidence(PROBE, f"used by {name}") for name in users[:2])]
        young = facts.clock is not None and claim.made is not None and 0 <= facts.clock - claim.made < NEW
        fix = Fix("show why", f"kubectl describe pvc -n {word(claim.namespace)} {word(claim.name)}", SAFE)
        certainty = LIKELY if users and not young else UNSURE
        return [Finding("pods-fail", text, tuple(rows), step, certainty, f"claim {claim.name}", (fix,))]
    return []


def _claim_rows(facts: Facts, claim: Claim) -> List[Evidence]:
    place = f"claim {claim.namespace}/{claim.name} Pending, class {claim.storage_class or '-'}"
    classes = ", ".join(list(facts.storage_classes)[:5]) or "none"
    return [Evidence(PROBE, place), Evidence(PROBE, f"storage classes: {classes}")]


def _webhooks(facts: Facts) -> List[Finding]:
    """Return webhooks with `failurePolicy: Fail` that no pod serves, or whose address does not answer."""
    states = {"refused": "refuses connections", "silent": "does not answer", "no-route": "is not reached: no route"}
    states["name"] = "has a name that does not resolve"
    findings: List[Finding] = []
    for hook in facts.webhooks:
        place, name = hook.port, clip(hook.target, 100)
        if hook.state == "no-endpoint":
            what, row = f"no pod serves it ({name})", f"{name}: no endpoint is ready"
        elif place is not None and place.state in states:
            what, row = f"{name} {states[place.state]}", f"{name}: {place.host}:{place.port} {place.state}"
        else:
            continue
        if any(hook.target in each.text for each in findings) or len(findings) == 2:
            continue
        text = (
            f"The admission webhook {hook.name} must answer, and {what}: the API server refuses what it is asked about."
        )
        namespace = word(hook.target.partition("/")[0])
        show = (
            f"kubectl get pods,endpointslices -n {namespace} -o wide"
            if "://" not in hook.target
            else "kubectl get events -A"
        )
        step = "Bring the pods of the webhook back; its settings list what it is asked about."
        fix = Fix("show its pods", show, SAFE)
        rows = (Evidence(PROBE, f"{hook.name}: failurePolicy Fail"), Evidence(PROBE, row))
        findings.append(Finding("webhook-down", text, rows, step, LIKELY, hook.name, (fix,)))
    return findings
