"""A diagnosis as a document, for `-o json` and for screens."""

from __future__ import annotations

from typing import Any, Dict

from edgewright.core import times
from edgewright.core.doctor.depths import as_documents, depths
from edgewright.core.doctor.facts import Facts
from edgewright.core.doctor.findings import UNSURE, Diagnosis, Finding
from edgewright.core.doctor.symptoms import SYMPTOMS


def is_fault(diagnosis: Diagnosis) -> bool:
    """Return whether something is wrong: a finding that is sure or likely."""
    return any(finding.certainty != UNSURE for finding in diagnosis.findings)


def document(target: str, facts: Facts, diagnosis: Diagnosis, *, root: str, seconds: float) -> Dict[str, Any]:
    """Return everything that was found; `root` is how the probes became root (`root`, `sudo`, `refused`, `missing`).

    `seconds` is the time of the run. Unknown values are empty texts or `null`.
    """
    return {
        "target": target,
        "host": {
            "name": facts.hostname,
            "uid": facts.agent.uid,
            "system": facts.system,
            "kernel": facts.kernel,
            "slot": facts.slot,
            "uptimeSeconds": facts.uptime,
        },
        "readAt": times.rfc3339(facts.at),
        "seconds": round(seconds, 1),
        "root": root,
        "probes": {"read": len(facts.read), "total": len(facts.read) + len(facts.not_read)},
        "depths": as_documents(depths(facts, root)),
        "fault": is_fault(diagnosis),
        "findings": [_finding(finding) for finding in diagnosis.findings],
        "starting": sorted(unit.name for unit in facts.units.values() if unit.active == "activating"),
        "healthy": list(diagnosis.fine),
        "notRead": [{"reason": reason, "probes": sorted(probes)} for reason, probes in diagnosis.not_read.items()],
        "changed": False,
    }


def _finding(finding: Finding) -> Dict[str, Any]:
    return {
        "symptom": finding.symptom,
        "object": finding.object,
        "title": SYMPTOMS[finding.symptom],
        "text": finding.text,
        "certainty": finding.certainty,
        "followsFrom": list(finding.explained_by),
        "evidence": [{"probe": line.probe, "text": line.text} for line in finding.evidence],
        "nextStep": finding.next_step,
        "fixes": [fix._asdict() for fix in finding.fixes],
    }
