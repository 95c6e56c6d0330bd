"""Rules about the agent: what our agent reports of itself, and what the log of a Palette agent shows."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

from edgewright.core import times
from edgewright.core.doctor.facts import Facts
from edgewright.core.doctor.findings import CONFIRM, LIKELY, NO_UNDO, SAFE, SURE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.rules.reading import match, quote, telling
from edgewright.core.doctor.unit_names import AGENTS

LATE = 3
"""Heartbeats that may be missing before the agent counts as not reaching its plane (as in `agent status`)."""


class _Code(NamedTuple):
    symptom: str
    text: str
    step: str


_TOKEN = "Make a new token on the plane and put it into the token file of the host; no restart is needed."  # noqa: S105 - a sentence
CODES: Dict[str, _Code] = {
    "UnknownCa": _Code(
        "wrong-ca",
        "The agent does not trust the plane: its CA file is of another CA.",
        "Copy the plane's ca.crt to the host (/etc/edgewright/ca.crt).",
    ),
    "BadCaFile": _Code(
        "wrong-ca",
        "The agent cannot read its CA file.",
        "Copy the plane's ca.crt to the host (/etc/edgewright/ca.crt).",
    ),
    "WrongHostName": _Code(
        "wrong-name",
        "The plane's certificate is not for the name that the agent uses.",
        "Use a name that is in the certificate, or give the plane one with this name.",
    ),
    "CertificateExpired": _Code(
        "plane-certificate",
        "The plane's certificate has expired for this host.",
        "Compare the clock of the host with the dates of the plane's certificate.",
    ),
    "CertificateNotYetValid": _Code(
        "plane-certificate",
        "The plane's certificate is not valid yet for this host.",
        "Compare the clock of the host with the dates of the plane's certificate.",
    ),
    "NoRoute": _Code(
        "plane-unreachable",
        "There is no way from the host to the plane.",
        "Check the routes and the firewall of the host.",
    ),
    "ConnectionRefused": _Code(
        "plane-unreachable", "The plane refuses connections.", "Check that the plane runs and listens on this port."
    ),
    "ProxyUnreachable": _Code(
        "plane-unreachable", "The proxy on the way to the plane is not reached.", "Check that the proxy runs."
    ),
    "ProxyRefused": _Code(
        "plane-unreachable", "The proxy refuses the way to the plane.", "Look what the proxy allows."
    ),
    "DnsFailed": _Code("name-unknown", "The plane's name does not resolve.", "Check the name servers of the host."),
    "InvalidEdgeToken": _Code("token-refused", "The plane does not know the registration token of the host.", _TOKEN),
    "EdgeTokenExpired": _Code("token-refused", "The registration token of the host has expired.", _TOKEN),
    "EdgeTokenRevoked": _Code("token-refused", "The registration token of the host was revoked.", _TOKEN),
    "ProjectRequired": _Code(
        "token-refused",
        "The registration token has no default project, and the host names none.",
        "Set stylus.site.projectName, or give the token a default project.",
    ),
    "InvalidPairingKey": _Code(
        "token-refused", "The pairing key of the host is not the one that the plane expects.", "Compare both keys."
    ),
    "TooManyRequests": _Code(
        "token-refused",
        "The plane refuses this address after too many wrong registrations.",
        "Correct the token; the agent tries again by itself.",
    ),
    "DuplicateEdgeHostUid": _Code(
        "duplicate-uid",
        "Another registration already uses the UID of this host.",
        "Delete the old host on the plane if this machine was installed again; else give this one another UID.",
    ),
    "EdgeHostNotPreRegistered": _Code(
        "waits-for-approval", "The host waits for approval on the plane.", "Approve it: edgewright host register UID."
    ),
    "UnAuthorizedAccess": _Code(
        "credential-lost",
        "The plane does not know the credential of this host.",
        "The agent registers again by itself while its token is valid; else make a new token.",
    ),
    "HostGone": _Code(
        "credential-lost",
        "The plane has deleted this host.",
        "If that was wanted, stop the agent; else register the host again.",
    ),
}
"""Codes that our agent reports (docs/agent.md) to what they mean here."""
_LOG: Tuple[Tuple[str, str, str], ...] = (
    ("duplicate-uid", r"duplicate edge host|edge ?host .*already (exists|registered)", "Another host has this UID."),
    (
        "wrong-ca",
        r"x509: certificate signed by unknown authority|certificate signed by unknown authority",
        "The agent does not trust the plane's certificate.",
    ),
    (
        "wrong-name",
        r"x509: certificate is valid for .* not |doesn't contain any IP SANs|cannot validate certificate for",
        "The plane's certificate is for another name.",
    ),
    (
        "plane-certificate",
        r"certificate has expired or is not yet valid",
        "The dates of the plane's certificate do not fit the clock.",
    ),
    (
        "token-refused",
        (
            r"(invalid|expired|revoked).{0,24}(edge ?host )?token|token .{0,24}(invalid|expired|revoked)"
            r"|registration .*(401|unauthorized)"
        ),
        "The plane refuses the token.",
    ),
)


def rules(facts: Facts) -> List[Finding]:
    """Return what is wrong with the agent and its user-data."""
    agent = facts.agent
    findings = [*_user_data(facts), *_files(facts)]
    if not agent.unit:
        if facts.systemd and "agent.unit" in facts.read:
            text = "The host has no agent: no unit of Edgewright or Palette is there."
            fix = Fix(
                "install one",
                "edgewright-agent install --endpoint URL --token-file FILE --ca FILE",
                CONFIRM,
                "edgewright-agent uninstall",
            )
            evidence = (Evidence("agent.unit", "no unit of an agent"),)
            findings.append(
                Finding(
                    "agent-missing", text, evidence, "Install the agent if this is an edge host.", UNSURE, "", (fix,)
                )
            )
        return findings
    if agent.unit == "edgewright-agent":
        return findings + _ours(facts)
    return findings + _palette(facts)


def _ours(facts: Facts) -> List[Finding]:
    agent = facts.agent
    twice = _twice(facts)
    if not agent.phase or twice:
        return twice
    evidence = [Evidence("agent.status", f"phase {agent.phase}{', code ' + agent.code if agent.code else ''}")]
    if agent.message:
        evidence.append(Evidence("agent.status", agent.message))
    logs = Fix("read the agent's log", "journalctl -u edgewright-agent -b -n 50 --no-pager", SAFE)
    code = CODES.get(agent.code) if agent.phase != "registered" else None
    if code is not None and code.symptom in ("plane-unreachable", "name-unknown"):
        asked = facts.proxy is not None or (facts.plane is not None and facts.plane.state != "")
        code = None if asked or facts.plane_resolves is not None else code  # the probe is newer than the report
    if code is None and agent.phase != "registered":
        line = match(list(reversed(facts.agent_log)), r"the plane has deleted this host|registered with the plane at")
        line = line if line is not None and "deleted" in line.text else None  # it stays so until it registers again
        code = CODES["HostGone"] if line is not None else None
        evidence += [quote("agent.log", line)] if line is not None else []
    if code is not None:
        return [
            Finding(code.symptom, code.text, tuple(evidence), code.step, SURE, agent.code, (logs,)),
            *_state(facts, evidence),
        ]
    return _state(facts, evidence)


def _twice(facts: Facts) -> List[Finding]:
    """Return that the agent ends since another one, started beside its unit, has its data folder."""
    name = facts.agent.unit
    line = match(telling(facts, facts.agent_log, AGENTS)[:12], r"another agent already runs on the data folder")
    unit = facts.units.get(name)
    if line is None or unit is None or unit.active == "active":
        return []
    text = f"{name} cannot run: another agent, started beside its unit, has its data folder."
    show = Fix("find it", "ps -eo pid,unit,args | grep '[e]dgewright-agent'", SAFE)
    step = "End the other agent (its unit, or the shell that started it); this one starts by itself then."
    rows = (quote("agent.log", line),)
    return [Finding("unit-restarts", text, rows, step, SURE, name, (show,))]


def _state(facts: Facts, evidence: List[Evidence]) -> List[Finding]:
    """Return that the host is not registered, or that its plane gets no heartbeats."""
    agent = facts.agent
    status = Fix("see what it reports", "edgewright-agent status", SAFE)
    if agent.registered is False and agent.phase != "registered":
        why = f": {agent.message}" if agent.message else "."
        step = "Do what the agent asks for; it tries again by itself."
        return [
            Finding(
                "agent-unregistered", f"The agent is not registered{why}", tuple(evidence), step, SURE, "", (status,)
            )
        ]
    late = (
        facts.clock is not None
        and agent.last_heartbeat is not None
        and (facts.clock - agent.last_heartbeat > LATE * (agent.interval or 60.0) + 30)
    )
    if agent.phase in ("unreachable", "faulty", "refused") or late:
        age = ""
        if facts.clock is not None and agent.last_heartbeat is not None:
            age = f": last heartbeat {times.duration(max(0.0, facts.clock - agent.last_heartbeat))} ago"
            evidence = [*evidence, Evidence("agent.status", f"lastHeartbeat {times.rfc3339(agent.last_heartbeat)}")]
        text = f"The agent reaches no plane{age}."
        return [Finding("agent-silent", text, tuple(evidence), "Follow what the agent reports.", SURE, "", (status,))]
    return []


def _palette(facts: Facts) -> List[Finding]:
    """Return what the log of a Palette agent shows: likely at most, a log has no state."""
    lines = telling(facts, facts.agent_log, AGENTS)
    logs = Fix("read the agent's log", f"journalctl -u {word(facts.agent.unit)} -b -n 100 --no-pager", SAFE)
    for symptom, pattern, text in _LOG:
        line = match(lines, pattern)
        if line is not None:
            step = next((code.step for code in CODES.values() if code.symptom == symptom), "Read the agent's log.")
            return [Finding(symptom, text, (quote("agent.log", line),), step, LIKELY, "", (logs,))]
    return []


def _files(facts: Facts) -> List[Finding]:
    missing = facts.agent.missing_files
    if not missing:
        return []
    text = f"The agent's file {missing[0]} is not there or empty."
    fix = Fix("list the agent's files", "ls -la /etc/edgewright", SAFE)
    evidence = tuple(Evidence("agent.files", f"missing {path}") for path in missing[:3])
    certainty = UNSURE if facts.agent.phase == "registered" else SURE
    return [Finding("agent-files", text, evidence, f"Put {missing[0]} there again.", certainty, missing[0], (fix,))]


def _user_data(facts: Facts) -> List[Finding]:
    absent = facts.agent.missing_data
    if absent:
        text = f"The user-data {absent}, which the agent's unit names, is not there."
        evidence = (Evidence("agent.files", f"missing {absent}"),)
        certainty = UNSURE if facts.agent.phase == "registered" else LIKELY
        return [Finding("user-data-broken", text, evidence, "Put the user-data there again.", certainty, absent)]
    empty = [path for path, size in facts.user_data_files if size == 0 and path.endswith(("userdata", "user-data"))]
    if empty:
        text = f"The user-data {empty[0]} is empty."
        evidence = (Evidence("userdata.files", f"{empty[0]} 0 bytes"),)
        return [Finding("user-data-broken", text, evidence, "Write the user-data again.", LIKELY, empty[0])]
    if facts.user_data_tabs:
        text = "The user-data has lines that begin with a tab: YAML does not take it."
        place = word(facts.user_data_tab_file or "/oem/userdata")
        fix = Fix("show the lines", f"grep -n \"$(printf '^ *\\t')\" {place}", SAFE, NO_UNDO)
        evidence = (Evidence("userdata.site", "a line begins with a tab"),)
        return [Finding("user-data-broken", text, evidence, "Replace the tabs by spaces.", LIKELY, "", (fix,))]
    if facts.broken_yaml:
        path, problem = facts.broken_yaml[0]
        fix = Fix("show the file with its line numbers", f"cat -n {word(path)}", SAFE)
        shown = tuple(Evidence("userdata.shape", f"{name}: {why}") for name, why in facts.broken_yaml[:3])
        text = f"{path} is not valid YAML: {problem}."
        return [Finding("user-data-broken", text, shown, f"Correct {path}.", LIKELY, path, (fix,))]
    return []
