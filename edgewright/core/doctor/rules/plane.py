"""Rules about the way to the plane beyond its port: TLS, trust, what answers, and large packets."""

from __future__ import annotations

from typing import Dict, List, Tuple

from edgewright.core.doctor.facts import Facts
from edgewright.core.doctor.findings import LIKELY, SAFE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.rules.agent import CODES, LATE
from edgewright.core.text import clip

_VERIFY: Dict[int, Tuple[str, str, str]] = {
    2: ("wrong-ca", "is of a CA that this host does not know", "Copy the plane's ca.crt to the host."),
    9: ("plane-certificate", "is not valid yet by the clock of this host", "Compare clock and dates."),
    10: ("plane-certificate", "has expired by the clock of this host", "Compare clock and dates, or renew it."),
    18: ("wrong-ca", "signs itself, and this host does not know it", "Copy the plane's ca.crt to the host."),
    19: ("wrong-ca", "is of a CA that this host does not know", "Copy the plane's ca.crt to the host."),
    20: ("wrong-ca", "is of a CA that this host does not know", "Copy the plane's ca.crt to the host."),
    21: ("wrong-ca", "is of a CA that this host does not know", "Copy the plane's ca.crt to the host."),
    7: ("wrong-ca", "was not signed by the CA that this host has", "Copy the plane's ca.crt to the host."),
    62: ("wrong-name", "is for another name", "Use a name that is in the certificate."),
    64: ("wrong-name", "is for another address", "Use a name or address that is in the certificate."),
}
"""Codes of OpenSSL to symptom, what is wrong with the plane's certificate, and the next step."""
GATEWAY = (502, 503, 504)
"""Answers of something before a plane that does not reach it."""


def rules(facts: Facts) -> List[Finding]:
    """Return what is wrong with the way to a plane whose port is reached."""
    if facts.plane is None or facts.plane.state != "open":
        return _proxy(facts)
    return [*_proxy(facts), *_way(facts)]


def _way(facts: Facts) -> List[Finding]:
    return _tls(facts) or [*_trust(facts), *_answer(facts), *_packets(facts)]


_PROXY = {
    "refused": "refuses connections",
    "silent": "does not answer",
    "no-route": "cannot be reached: no route",
    "error": "cannot be connected to",
    "name": "has a name that does not resolve",
}
_ANSWERS = {
    "silent": "takes connections and does not answer",
    "closed": "ends the connection when it is asked for the plane",
    "407": "asks for a login, or refuses the one that it gets (HTTP 407)",
}


def _proxy(facts: Facts) -> List[Finding]:
    """Return that the proxy on the way to the plane does not answer, or does not let the host through."""
    proxy, answer = facts.proxy, facts.proxy_answer
    if proxy is None:
        return []
    if proxy.state in _PROXY:
        what, step = _PROXY[proxy.state], "Check that the proxy runs"
    elif proxy.state == "open" and answer not in ("", "200"):
        reached = "does not reach the plane" if answer[:1] == "5" else "refuses the way to the plane"
        what, step = _ANSWERS.get(answer, f"{reached} (HTTP {answer})"), "Look what the proxy allows"
    else:
        return []
    place = f"{proxy.host}:{proxy.port}"
    text = f"The proxy {place}, by which this host goes to its plane, {what}."
    rows = (Evidence("network.plane", f"proxy {place} {proxy.state}{', CONNECT: ' + answer if answer else ''}"),)
    url = word(f"https://{facts.plane.host if facts.plane else facts.agent.endpoint or 'PLANE'}/")
    fix = Fix("try it from the host", f"curl -vk --connect-timeout 5 -x {word(f'http://{place}')} {url}", SAFE)
    step += "; else correct or remove stylus.site.network.httpsProxy of the user-data (or HTTPS_PROXY of the agent)."
    direct = facts.plane is not None and facts.plane.state == "open"  # asked for both: it may need no proxy
    certainty = UNSURE if direct or well(facts) else LIKELY
    return [Finding("plane-unreachable", text, rows, step, certainty, proxy.host, (fix,))]


def well(facts: Facts) -> bool:
    """Return whether the agent itself finds its plane: then what a probe saw is over."""
    agent = facts.agent
    if agent.phase != "registered" or facts.clock is None or agent.last_heartbeat is None:
        return False
    return facts.clock - agent.last_heartbeat <= LATE * (agent.interval or 60.0) + 30


def _tls(facts: Facts) -> List[Finding]:
    assert facts.plane is not None
    tls = facts.plane_tls
    if tls in ("", "ok"):
        return []
    place = f"{facts.plane.host}:{facts.plane.port}"
    sentences = {"silent": "does not answer a TLS handshake", "closed": "ends the connection at a TLS handshake"}
    what = sentences.get(tls, f"does not speak TLS as a plane does ({clip(tls[6:], 40)})")
    text = f"The plane at {place} takes connections and {what}."
    step = "Look whether the plane itself listens on this port, and what is between: a proxy, a firewall, a VPN."
    rows = [Evidence("network.plane", f"{place} open, TLS {tls}"), *_elsewhere(facts)]
    if facts.lost_size:
        text = f"Large packets do not come back from the plane at {place}: it is reached, and a TLS handshake is not."
        step = _mtu_step(facts)
        rows.append(_sizes(facts))
    fix = Fix("try it from the host", f"openssl s_client -connect {word(place)} </dev/null", SAFE)
    certainty = UNSURE if well(facts) else LIKELY
    return [Finding("plane-unreachable", text, tuple(rows), step, certainty, facts.plane.host, (fix,))]


def _trust(facts: Facts) -> List[Finding]:
    """Return that the plane's certificate is not trusted with the host's CA files; the agent's own word is first."""
    assert facts.plane is not None
    symptom, what, step = _VERIFY.get(facts.plane_verify or 0, ("", "", ""))
    if not symptom or facts.agent.unit != "edgewright-agent" or facts.agent.phase == "registered":
        return []
    if facts.agent.code in CODES:
        return []
    place = f"{facts.plane.host}:{facts.plane.port}"
    rows = (Evidence("network.plane", f"{place}: certificate refused, code {facts.plane_verify}"), *_elsewhere(facts))
    fix = Fix("show its certificate", f"openssl s_client -connect {word(place)} -showcerts </dev/null", SAFE)
    return [Finding(symptom, f"The certificate of {place} {what}.", rows, step, LIKELY, "", (fix,))]


def _answer(facts: Facts) -> List[Finding]:
    assert facts.plane is not None
    if facts.plane_http not in GATEWAY or well(facts):
        return []
    text = f"What answers for the plane at {facts.plane.host} does not reach it (HTTP {facts.plane_http})."
    rows = (Evidence("network.plane", f"HTTP {facts.plane_http}"), *_elsewhere(facts))
    step = "Look at the proxy before the plane, and whether the plane runs."
    return [Finding("plane-unreachable", text, rows, step, LIKELY, facts.plane.host)]


def _packets(facts: Facts) -> List[Finding]:
    assert facts.plane is not None
    if not facts.lost_size:
        return []
    text = f"Packets of {facts.lost_size} bytes do not get to the plane and back, small ones do."
    fix = Fix(
        "try sizes", f"ping -M do -c 2 -s {facts.lost_size - 28} {word(facts.plane_at or facts.plane.host)}", SAFE
    )
    certainty = UNSURE if well(facts) else LIKELY
    return [Finding("plane-unreachable", text, (_sizes(facts),), _mtu_step(facts), certainty, facts.plane.host, (fix,))]


def _sizes(facts: Facts) -> Evidence:
    return Evidence("network.plane", f"{facts.lost_size} bytes: no answer; {facts.passed_size} bytes: answer")


def _mtu_step(facts: Facts) -> str:
    return f"Set the MTU of the card to {facts.passed_size} or less, or correct the tunnel that swallows large packets."


def _elsewhere(facts: Facts) -> "Tuple[Evidence, ...]":
    """Return the line of /etc/hosts that has the plane's address: it may be an old one."""
    return (Evidence("network.plane", f"/etc/hosts: {clip(facts.plane_hosts, 120)}"),) if facts.plane_hosts else ()
