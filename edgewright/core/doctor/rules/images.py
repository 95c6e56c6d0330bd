"""Rules about images: registries, pulls that fail, and empty blobs of content."""

from __future__ import annotations

import re
from typing import List, Tuple

from edgewright.core.doctor.facts import Facts, LogLine
from edgewright.core.doctor.findings import CONFIRM, LIKELY, SAFE, SURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.rules.reading import match, quote, telling
from edgewright.core.doctor.unit_names import KUBELETS, RUNTIMES
from edgewright.core.text import amount

_LOGS = Fix("read the kubelet's log", "journalctl -u {kubelet} -b -n 50 --no-pager", SAFE)
_PULL = (
    r"failed to pull|errimagepull|imagepullbackoff|failed to resolve reference|invalidimagename|couldn't parse image"
)
_PULLS: Tuple[Tuple[str, str, str, str], ...] = (
    (
        "blobs-empty",
        r"content-length: 0|unexpected (content )?size 0|zero-?size",
        "A blob of the image is empty.",
        "Remove the empty blobs and let the agent fetch them again.",
    ),
    (
        "image-signature",
        r"signature.{0,60}(invalid|verif|required|rejected|not found)|SignatureValidationFailed|source image rejected",
        "The host refuses the signature of an image.",
        "Build the content bundle without the images of the Kubernetes layer (packs.content.images), or sign it.",
    ),
    (
        "registry-ca",
        r"x509",
        "The registry's certificate is not trusted.",
        "Give the container runtime the registry's CA.",
    ),
    (
        "name-unknown",
        r"no such host|server misbehaving|temporary failure in name resolution",
        "The registry's name does not resolve.",
        "Check the name servers and the name of the registry.",
    ),
    (
        "registry-down",
        r"connection refused|i/o timeout|no route to host|deadline exceeded|connection reset|network is unreachable",
        "The registry is not reached.",
        "Check that the registry runs and is reached from this host.",
    ),
    (
        "image-missing",
        r"not found|manifest unknown|401|403|denied|unauthorized|forbidden",
        "The registry has not this image, or refuses it.",
        "Check the image's name and the credentials of the registry.",
    ),
)


def rules(facts: Facts) -> List[Finding]:
    """Return what is wrong with images and where they come from."""
    return [*_registries(facts), *_blobs(facts)]


def _registries(facts: Facts) -> List[Finding]:
    findings = []
    down = [port for port in facts.registries if port.state in ("refused", "silent", "no-route", "name")]
    line = match(_pull_lines(facts), _PULL)
    for port in down[:2]:
        what = {"name": "does not resolve", "refused": "refuses connections"}.get(port.state, "is not reached")
        text = f"The registry {port.host}:{port.port} {what}."
        evidence = (Evidence("images.registry", f"{port.host}:{port.port} {port.state}"),)
        fix = Fix(
            "ask it from the host", f"curl -kI --connect-timeout 5 {word(f'https://{port.host}:{port.port}/v2/')}", SAFE
        )
        step = "Check that the registry runs and is reached from this host."
        certainty = LIKELY if line is None else SURE  # a mirror that nothing was pulled from may be meant to be away
        findings.append(Finding("registry-down", text, evidence, step, certainty, port.host, (fix,)))
    if line is not None:
        symptom, text, step = "image-pull", "Images are not pulled.", "Read the kubelet's log for the reason."
        for name, pattern, sentence, next_step in _PULLS:
            if re.search(pattern, line.text, re.IGNORECASE):
                symptom, text, step = name, sentence, next_step
                break
        image = re.search(r"image \\?\"([^\"\\\s]{1,200})", line.text)
        if image is not None:
            text = f"{text[:-1]}: {image[1]}."
        if not any(finding.symptom == symptom for finding in findings):
            certainty = SURE if symptom in ("image-missing", "image-signature", "registry-ca") else LIKELY
            findings.append(Finding(symptom, text, (quote("kubernetes.kubelet", line),), step, certainty, "", (_LOGS,)))
    return findings


def _pull_lines(facts: Facts) -> List[LogLine]:
    return telling(facts, facts.kubelet_log, KUBELETS) + telling(facts, facts.runtime_log, RUNTIMES)


def _blobs(facts: Facts) -> List[Finding]:
    findings: List[Finding] = []
    if facts.empty_blobs:
        first = facts.empty_blobs[0]
        folder = first.rpartition("/")[0]
        verb = "is" if len(facts.empty_blobs) == 1 else "are"
        text = f"{amount(len(facts.empty_blobs), 'blob')} of content {verb} empty in {folder}."
        evidence = tuple(
            Evidence("images.blobs", f"0 bytes: {path.rpartition('/')[2][:24]}") for path in facts.empty_blobs[:3]
        )
        unit = facts.agent.unit or "spectro-stylus-agent"
        fix = Fix(
            "remove the empty blobs, the agent fetches them again",
            f"find {word(folder)} -type f -size 0 -delete; systemctl restart {word(unit)}",
            CONFIRM,
        )
        step = "Remove the empty blobs and restart the agent, which fetches them again."
        findings.append(Finding("blobs-empty", text, evidence, step, SURE, folder, (fix,)))
    return findings
