"""Rules about certificates, etcd and the API server of a control plane."""

from __future__ import annotations

from typing import List, Tuple

from edgewright.core import times
from edgewright.core.clusters.quorum import majority
from edgewright.core.clusters.troubles import CERTIFICATE_SOON
from edgewright.core.doctor.facts import Certificate, Facts
from edgewright.core.doctor.findings import LIKELY, SAFE, SURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.repairs import PHASES, fix_of
from edgewright.core.doctor.rules.reading import match, quote, unread_manifests
from edgewright.core.text import amount

APART = ("/etc/edgewright/", "/var/lib/kubelet/pki/kubelet.crt")
"""The plane's CA, and a certificate that the kubelet signed for itself, which no client verifies."""
KUBELET_PKI = "/var/lib/kubelet/"
_RENEW = fix_of("certificates-renew")
"""The kubelet starts a static pod again whose sandbox is stopped; to touch its manifest changes nothing."""
_PHASES = {base: phase for phase, base in PHASES.items()}
"""Certificates to their phase of `kubeadm init phase certs`. Not that of the API server: without the settings of the
cluster it would not be for the VIP."""
_DATES = Fix("show all dates", "kubeadm certs check-expiration", SAFE)


def rules(facts: Facts) -> List[Finding]:
    """Return what is wrong with certificates, etcd and the API server."""
    return [*_certificates(facts), *_etcd(facts), *_api(facts)]


def _certificates(facts: Facts) -> List[Finding]:
    now = facts.clock if facts.clock is not None else facts.at
    certificates = [c for c in facts.certificates or () if not c.place.startswith(APART)]
    expired = [c for c in certificates if c.ends is not None and c.ends < now]
    early = [c for c in certificates if c.begins is not None and c.begins > now]
    broken = [c for c in certificates if c.fault]
    soon = [c for c in certificates if c.ends is not None and now <= c.ends < now + _soon(c)]
    findings = []
    if expired:
        first = min(expired, key=lambda c: c.ends or 0)
        real = facts.at > (first.ends or 0)
        text = f"{_name(first)} expired {times.duration(now - (first.ends or 0))} ago"
        text += f", with {amount(len(expired) - 1, 'other')}." if len(expired) > 1 else "."
        step = (
            "Renew the certificates of this control plane."
            if real
            else "Correct the clock: by this machine's clock the certificate is valid."
        )
        authority = any(c.authority for c in expired)
        if real and first.place.startswith(KUBELET_PKI):
            step = "Make a new kubelet.conf for this node on a control plane, copy it here, and restart the kubelet."
        fixes = (_DATES,) if authority or not real else _renewal(first)
        if authority:
            step = "The CA itself has expired: every certificate of the cluster must be made again."
        findings.append(
            Finding("certificate-expired", text, _shown(expired), step, SURE if real else LIKELY, first.place, fixes)
        )
    if early:
        text = f"{_name(early[0])} is not valid before {times.rfc3339(early[0].begins)}."
        step = "Compare the clock of the host with this date."
        findings.append(Finding("certificate-early", text, _shown(early), step, SURE, early[0].place, (_DATES,)))
    if broken:
        first = broken[0]
        what = {
            "issuer": "was not signed by the CA beside it",
            "key": "does not belong to its key",
            "unreadable": "cannot be read",
            "missing": "is not there",
            "other-ca": "trusts another CA than the one of this host",
        }
        text = f"{_name(first)} {what.get(first.fault, 'is broken')}."
        step = "Restore the file from a backup, or let kubeadm make it again (the CA stays)."
        if first.place.endswith("/apiserver.crt"):
            step = "Restore the file from a backup, or let kubeadm make it again with the cluster's own settings."
        fixes = _made_again(first)
        findings.append(Finding("certificate-broken", text, _shown(broken), step, SURE, first.place, fixes))
    else:
        findings += _elsewhere(facts, certificates)
    if soon and not expired:
        first = min(soon, key=lambda c: c.ends or 0)
        text = f"{_name(first)} ends in {times.duration((first.ends or 0) - now)}."
        step = "Renew the certificates before."
        if first.place.startswith(KUBELET_PKI):
            step = "The kubelet renews it by itself; read its log if it does not."
        fixes = (_DATES,) if first.authority else _renewal(first)
        findings.append(Finding("certificate-soon", text, _shown(soon), step, SURE, first.place, fixes))
    return findings


_OWN = ("/etc/kubernetes/pki/apiserver.crt", "/etc/kubernetes/pki/etcd/server.crt", "/etc/kubernetes/pki/etcd/peer.crt")
"""Certificates of servers on this host, which name its address."""


def _elsewhere(facts: Facts, certificates: "List[Certificate]") -> List[Finding]:
    """Return a certificate that is for none of the addresses of this host: it has another one than when it was made."""
    own = {address.address for address in facts.addresses or () if address.scope not in ("host", "link")}
    for certificate in certificates:
        named = [address for address in certificate.addresses if not address.startswith(("127.", "::1"))]
        if certificate.place not in _OWN or not named or not own or own & set(named):
            continue
        text = f"{_name(certificate)} is for none of the addresses of this host: it is for {', '.join(named[:3])}."
        rows = (*_shown([certificate]), Evidence("network.addresses", ", ".join(sorted(own)[:4])))
        step = "Give the host its old address again, or make certificates and settings for the new one."
        return [Finding("certificate-broken", text, rows, step, LIKELY, certificate.place, (_DATES,))]
    return []


def _made_again(certificate: Certificate) -> "Tuple[Fix, ...]":
    """Return how dates are shown, and how kubeadm makes a certificate again: it refuses while a file is there."""
    base = certificate.place.removesuffix(".crt")
    phase = _PHASES.get(base.removeprefix("/etc/kubernetes/pki/"))
    if phase is None or certificate.authority:
        return (_DATES,)
    return (_DATES, fix_of("certificate-again", phase))


def _renewal(certificate: Certificate) -> "Tuple[Fix, ...]":
    """Return how a certificate is renewed: by kubeadm, or by a restart of k3s and RKE2; else its dates alone."""
    if certificate.place.startswith("/etc/kubernetes/"):
        return (_DATES, _RENEW)
    dates = Fix("show its dates", f"openssl x509 -noout -dates -in {word(certificate.place)}", SAFE)
    if "/rancher/" not in certificate.place:
        return (dates,)
    return (dates, fix_of("unit-restart", "{kubelet}", "restart it, which renews what ends soon"))


def _soon(certificate: Certificate) -> float:
    """Return from when on its end is a problem: short-lived ones are renewed late."""
    if certificate.begins is None or certificate.ends is None:
        return CERTIFICATE_SOON
    return min(CERTIFICATE_SOON, 0.2 * (certificate.ends - certificate.begins))


def _name(certificate: Certificate) -> str:
    kind = "file" if certificate.place.endswith((".key", ".pub", ".conf")) else "certificate"
    return f"The {kind} {certificate.place}"


def _dates(certificate: Certificate) -> str:
    if certificate.begins is None or certificate.ends is None:
        return ""
    return f"{times.rfc3339(certificate.begins)[:10]} to {times.rfc3339(certificate.ends)[:10]} "


def _shown(certificates: "List[Certificate]") -> "tuple[Evidence, ...]":
    return tuple(
        Evidence(
            "certificates.keys" if c.fault in ("key", "missing", "other-ca") else "certificates.files",
            f"{c.place}: {_dates(c)}{c.fault}".rstrip(),
        )
        for c in certificates[:4]
    )


def _etcd(facts: Facts) -> List[Finding]:
    findings = []
    if "NOSPACE" in facts.alarms:
        text = "etcd is full (alarm NOSPACE): it stores nothing."
        fix = Fix("show the size", "etcdctl endpoint status --cluster -w table", SAFE)
        step = "Compact and defragment etcd, one member at a time, then end the alarm."
        findings.append(
            Finding("etcd-full", text, (Evidence("etcd.members", "alarm NOSPACE"),), step, SURE, "", (fix,))
        )
    members = facts.members or ()
    voters = [member for member in members if not member.learner]
    healthy = [member for member in voters if member.healthy]
    asked = [member for member in voters if member.healthy is not None]
    sick = [member for member in members if member.healthy is False or member.started is False]
    log = match(
        list(reversed(facts.etcd_log)), r"lost leader|no leader|etcdserver: no leader|elect|prober detected unhealthy"
    )
    logs = Fix("read etcd's log", "crictl logs --tail 50 $(crictl ps -aq --name etcd | head -n 1)", SAFE)
    full = "NOSPACE" in facts.alarms  # every member counts as unhealthy then, and the quorum is there
    if voters and asked and len(healthy) < majority(len(voters)) and not full:
        text = f"etcd has no quorum: {len(healthy)} of {amount(len(voters), 'member')} healthy."
        evidence = tuple(
            Evidence("etcd.members", f"{m.name or m.endpoint} {'healthy' if m.healthy else 'not healthy'}")
            for m in voters[:5]
        )
        step = "Bring the other control planes back; do not remove members and do not reset this host."
        findings.append(Finding("etcd-no-quorum", text, evidence, step, SURE, "", (logs,)))
    elif facts.etcd_leader is False or (facts.etcd == "unhealthy" and facts.etcd_leader is not True and not full):
        text = "etcd of this host has no leader: the members do not reach a majority."
        rows = [
            Evidence("etcd.health", f"health {facts.etcd or '-'}, leader {'no' if facts.etcd_leader is False else '-'}")
        ]
        if log is not None:
            rows.append(quote("etcd.log", log))
        certainty = SURE if facts.etcd_leader is False else LIKELY
        step = "Bring the other control planes back; do not remove members and do not reset this host."
        findings.append(Finding("etcd-no-quorum", text, tuple(rows), step, certainty, "", (logs,)))
    elif sick and not full:
        text = f"{amount(len(sick), 'member')} of etcd not healthy: {sick[0].name or sick[0].endpoint}."
        evidence = tuple(Evidence("etcd.members", f"{m.name or m.endpoint} not healthy") for m in sick[:3])
        step = f"Run Doctor on {sick[0].name or 'this member'}; quorum is there, remove nothing."
        findings.append(Finding("etcd-member", text, evidence, step, LIKELY, sick[0].name, (logs,)))
    if facts.etcd == "silent" and "etcd" not in unread_manifests(facts):
        text = "etcd of this host does not answer."
        evidence = (Evidence("etcd.health", "no answer on 127.0.0.1:2381"),)
        running = facts.processes is not None and "etcd" in facts.processes
        step = (
            "Read etcd's log."
            if running
            else "See why its container does not run: kubelet and container runtime first."
        )
        findings.append(Finding("etcd-down", text, evidence, step, LIKELY if running else SURE, "", (logs,)))
    return findings


def _api(facts: Facts) -> List[Finding]:
    if facts.api not in ("silent", "not-ready") or "kube-apiserver" in unread_manifests(facts):
        return []  # the manifest that the kubelet cannot read is the cause, and names itself
    text = "The API server of this host does not answer."
    evidence = [Evidence("kubernetes.api", "127.0.0.1:6443 does not answer")]
    if facts.api == "not-ready":
        why = f": {', '.join(facts.api_failing[:3])}" if facts.api_failing else ""
        text = f"The API server of this host is not ready{why}."
        evidence = [Evidence("kubernetes.api", f"readyz: {', '.join(facts.api_failing[:5]) or 'failed'}")]
    fix = Fix("read its log", "crictl logs --tail 50 $(crictl ps -aq --name kube-apiserver | head -n 1)", SAFE)
    step = "Look at etcd, the certificates and the kubelet first."
    return [Finding("api-down", text, tuple(evidence), step, LIKELY if facts.api == "not-ready" else SURE, "", (fix,))]
