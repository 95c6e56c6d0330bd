"""Whether an object has become what it declares: what a layer waits for before the next one begins."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Tuple


def readiness(value: Mapping[str, Any]) -> Tuple[bool, str]:
    """Return whether an object is ready, and what it waits for otherwise ("1 of 3 replicas available").

    A kind without a rule is ready as soon as it exists.
    """
    metadata = value.get("metadata") or {}
    status = value.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return False, "it is being deleted"
    generation, observed = metadata.get("generation"), status.get("observedGeneration")
    if isinstance(generation, int) and isinstance(observed, int) and observed < generation:
        return False, "its controller has not seen the newest version yet"
    rule = _RULES.get(str(value.get("kind", "")))
    return rule(value.get("spec") or {}, status) if rule else (True, "")


def condition(status: Mapping[str, Any], kind: str) -> Tuple[str, str]:
    """Return status and message of a condition; `Unknown` where it is absent."""
    entries: List[Any] = status.get("conditions") or []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("type") == kind:
            return str(entry.get("status", "Unknown")), str(entry.get("message") or entry.get("reason") or "")
    return "Unknown", ""


def _needs(kind: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Tuple[bool, str]]:
    def rule(_spec: Mapping[str, Any], status: Mapping[str, Any]) -> Tuple[bool, str]:
        state, text = condition(status, kind)
        return state == "True", "" if state == "True" else text or f"its condition {kind} is {state.lower()}"

    return rule


def _number(holder: Mapping[str, Any], name: str, otherwise: int = 0) -> int:
    value = holder.get(name, otherwise)
    return value if isinstance(value, int) else otherwise


def _replicas(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Tuple[bool, str]:
    wanted = _number(spec, "replicas", 1)
    for name, text in (("updatedReplicas", "updated"), ("availableReplicas", "available")):
        count = _number(status, name)
        if count < wanted:
            return False, f"{count} of {wanted} replicas {text}"
    extra = _number(status, "replicas") - wanted
    return (True, "") if extra <= 0 else (False, f"{extra} old replicas are still there")


def _stateful(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Tuple[bool, str]:
    wanted = _number(spec, "replicas", 1)
    count = min(_number(status, "readyReplicas"), _number(status, "updatedReplicas", wanted))
    return count >= wanted, "" if count >= wanted else f"{count} of {wanted} replicas ready"


def _daemons(_spec: Mapping[str, Any], status: Mapping[str, Any]) -> Tuple[bool, str]:
    wanted = _number(status, "desiredNumberScheduled")
    if "observedGeneration" not in status:
        return False, "its controller has not seen it yet"
    for name, text in (("updatedNumberScheduled", "updated"), ("numberAvailable", "available")):
        count = _number(status, name)
        if count < wanted:
            return False, f"{count} of {wanted} pods {text}"
    return True, ""


def _job(_spec: Mapping[str, Any], status: Mapping[str, Any]) -> Tuple[bool, str]:
    if condition(status, "Complete")[0] == "True":
        return True, ""
    failed, text = condition(status, "Failed")
    return False, f"it failed: {text}" if failed == "True" else f"{_number(status, 'succeeded')} pods have succeeded"


def _phase(wanted: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Tuple[bool, str]]:
    def rule(_spec: Mapping[str, Any], status: Mapping[str, Any]) -> Tuple[bool, str]:
        phase = str(status.get("phase", "unknown"))
        return phase == wanted, "" if phase == wanted else f"its phase is {phase}"

    return rule


_RULES: Dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Tuple[bool, str]]] = {
    "Deployment": _replicas,
    "StatefulSet": _stateful,
    "DaemonSet": _daemons,
    "Job": _job,
    "CustomResourceDefinition": _needs("Established"),
    "APIService": _needs("Available"),
    "Node": _needs("Ready"),
    "Pod": _needs("Ready"),
    "Namespace": _phase("Active"),
}
