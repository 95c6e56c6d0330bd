"""From facts to a diagnosis: all rules, what explains what, and the first cause."""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

from edgewright.core.doctor.facts import Facts
from edgewright.core.doctor.findings import CERTAINTIES, DANGERS, MACHINE, UNSURE, Diagnosis, Finding, Fix
from edgewright.core.doctor.fine import fine
from edgewright.core.doctor.rules import (
    agent,
    boot,
    control,
    host,
    images,
    kubernetes,
    limits,
    network,
    node,
    plane,
    reasons,
    starts,
    units,
    waiting,
)
from edgewright.core.doctor.rules.units import fitted
from edgewright.core.doctor.symptoms import LEADS_TO, RANK
from edgewright.core.doctor.unit_names import AGENTS, CORE, KUBELETS, NEEDED, PARTS, REMOTE, RUNTIMES, TIMES

IN_PART = "read in part, the rest needs sudo"
"""Why probes are listed as not read that gave something without root."""
MILD = frozenset({"certificate-soon", "unit-other-failed"})
"""Faults with which a host still works: never the cause of another one."""


def diagnose(facts: Facts) -> Diagnosis:
    """Return what is wrong, the first cause first, then what is apart from it, then what follows."""
    findings = _distinct(
        [
            *host.rules(facts),
            *boot.rules(facts),
            *limits.rules(facts),
            *network.rules(facts),
            *plane.rules(facts),
            *units.rules(facts),
            *reasons.rules(facts),
            *starts.rules(facts),
            *agent.rules(facts),
            *kubernetes.rules(facts),
            *node.rules(facts),
            *waiting.rules(facts),
            *images.rules(facts),
            *control.rules(facts),
        ]
    )
    explained = [
        finding._replace(explained_by=_causes(finding, findings), fixes=_safest_first(facts, finding))
        for finding in findings
    ]
    explained.sort(key=_order)
    unread: Dict[str, List[str]] = {}
    for probe, reason in facts.not_read.items():
        unread.setdefault(reason, []).append(probe)
    if facts.in_part:
        unread.setdefault(IN_PART, []).extend(facts.in_part)
    return Diagnosis(tuple(explained), fine(facts, explained), unread)


def leads(cause: Finding, effect: Finding) -> bool:
    """Return whether a finding explains another one of the same host."""
    if cause.key == effect.key or cause.certainty == UNSURE or cause.symptom in MILD:
        return False
    if effect.symptom not in LEADS_TO.get(cause.symptom, frozenset()):
        return False
    if cause.symptom.startswith("unit-"):
        return _unit_leads(cause, effect)
    if cause.symptom == "pids-full" and cause.object:  # of one unit alone
        return effect.object == cause.object or (cause.object in NEEDED and _unit_leads(cause, effect))
    if cause.symptom == "disk-full" and cause.object in ("/boot", "/boot/efi", "/efi", "/tmp"):
        return effect.symptom in ("upgrade-failed", "booted-passive", "unit-failed", "unit-other-failed")
    if effect.symptom == "unit-stopped" and cause.symptom not in (
        "start-hangs",
        "unit-masked",
        "unit-failed",
        "clock-wrong",
    ):
        return _ended(effect)
    return True


def _ended(effect: Finding) -> bool:
    """Return whether a unit that does not run ended by itself: one that was stopped in good order had no cause."""
    return any("exit status" in line.text or "result" in line.text for line in effect.evidence)


def _unit_leads(cause: Finding, effect: Finding) -> bool:
    """Return whether a fault of one unit explains another finding: by what the unit is for."""
    name, symptom = cause.object, effect.symptom
    if symptom.startswith("unit-"):
        return name in RUNTIMES and effect.object in KUBELETS
    if name in AGENTS:
        return symptom in ("agent-unregistered", "agent-silent")
    if name in KUBELETS and symptom == "runtime-down" and effect.object == "cri":
        return False
    if name in RUNTIMES | KUBELETS:
        return symptom not in (
            "agent-unregistered",
            "agent-silent",
            "dns-silent",
            "dns-missing",
            "name-unknown",
            "clock-wrong",
        )
    if name in TIMES:
        return symptom == "clock-wrong"
    if name in CORE | PARTS | REMOTE:
        return False
    if name == "systemd-resolved":
        return symptom in ("dns-silent", "dns-missing", "name-unknown")
    return symptom not in ("agent-unregistered", "agent-silent", "clock-wrong")


def _causes(finding: Finding, findings: Sequence[Finding]) -> Tuple[str, ...]:
    """Return the keys of the findings that explain this one, the deepest first; a circle explains nothing."""
    causes = [
        other
        for other in findings
        if leads(other, finding) and not (leads(finding, other) and _deep(finding) < _deep(other))
    ]
    return tuple(other.key for other in sorted(causes, key=_deep))


def _deep(finding: Finding) -> Tuple[int, str]:
    return (RANK[finding.symptom], finding.key)


def _order(finding: Finding) -> Tuple[int, int, int, int, int, str]:
    """Return the order of the answer: faults before what is unsure, causes before effects, deep before shallow."""
    mild = 2 if finding.object == MACHINE else 1 if finding.symptom in MILD else 0
    return (
        1 if finding.certainty == UNSURE else 0,
        mild,
        1 if finding.explained_by else 0,
        CERTAINTIES.index(finding.certainty),
        RANK[finding.symptom],
        finding.key,
    )


def _safest_first(facts: Facts, finding: Finding) -> Tuple[Fix, ...]:
    return tuple(sorted((fitted(facts, fix) for fix in finding.fixes), key=lambda fix: DANGERS.index(fix.danger) == 2))


def _distinct(findings: Sequence[Finding]) -> List[Finding]:
    """Return findings once by key; the surer one wins, with the evidence of both."""
    best: Dict[str, Finding] = {}
    for finding in findings:
        before = best.get(finding.key)
        if before is None:
            best[finding.key] = finding
            continue
        first, second = sorted((before, finding), key=lambda f: CERTAINTIES.index(f.certainty))
        evidence = tuple(dict.fromkeys((*first.evidence, *second.evidence)))
        best[finding.key] = first._replace(evidence=evidence)
    return list(best.values())
