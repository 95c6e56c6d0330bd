"""Values of the registries of `stylus`: hosts, credentials, certificates, and rules that send images elsewhere."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple

from edgewright.core.cloudconfig.findings import Finding, error, note, warning
from edgewright.core.cloudconfig.look import at, is_host, items, mapping, shown, split_port, text
from edgewright.core.cloudconfig.pem import pem_problem
from edgewright.core.cloudconfig.schema.model import is_template


class Registry(NamedTuple):
    """A registry of a document: where it is and what is written there; `password` is plain."""

    path: str
    domain: str
    username: str
    password: str
    insecure: bool
    certificates: List[str]


def registries(document: Mapping[str, Any]) -> Iterator[Registry]:
    """Yield each registry of a document, at most 100."""
    entry = at(document, "stylus", "registryCredentials")
    if isinstance(entry, Mapping):
        yield _registry("stylus.registryCredentials", entry)
    for place, item in enumerate(items(at(document, "stylus", "externalRegistries", "registries"))[:100]):
        if isinstance(item, Mapping):
            yield _registry(f"stylus.externalRegistries.registries[{place}]", item)


def _registry(path: str, raw: Mapping[str, Any]) -> Registry:
    password = text(raw.get("password"))
    if raw.get("encodedPassword") is True:
        try:
            password = base64.b64decode(password, validate=True).decode()
        except (binascii.Error, ValueError):
            password = ""
    certificates = [item for item in items(raw.get("certificates")) if isinstance(item, str)]
    insecure = raw.get("insecure") is True
    return Registry(path, text(raw.get("domain")), text(raw.get("username")), password, insecure, certificates)


def domain_problem(domain: str) -> str:
    """Return what is wrong with `host[:port][/path]` of a registry, as the end of a sentence; "" when it is good."""
    if "://" in domain:
        return "begins with a scheme; write the host alone"
    host, _, path = domain.partition("/")
    if "_" in host:
        return "has an underscore in its host name"
    name, _, good = split_port(host)
    if not good or not is_host(name):
        return f"is not a registry: {shown(domain)}"
    if path and not re.fullmatch(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*/?", path):
        return f"has a path that no registry takes: {shown(path)} (lower case, digits, '.', '_', '-', '/')"
    return ""


def check_registries(document: Mapping[str, Any]) -> List[Finding]:
    """Return what is wrong with the registries of a document."""
    findings: List[Finding] = []
    seen: Dict[str, str] = {}
    for registry in registries(document):
        raw = mapping(_raw(document, registry.path))
        if registry.domain and registry.domain in seen:
            message = f"{registry.path} and {seen[registry.domain]} are the same registry {shown(registry.domain)}."
            findings.append(warning(f"{registry.path}.domain", message, "Remove all but one.", "Duplicate"))
        seen.setdefault(registry.domain, registry.path)
        findings += _check_one(registry, raw)
    stylus = mapping(document.get("stylus"))
    if stylus.get("registryCredentials") and stylus.get("externalRegistries"):
        message = (
            "stylus has both registryCredentials and externalRegistries; which one an image comes from is ambiguous."
        )
        findings.append(
            warning("stylus.registryCredentials", message, "Move it into externalRegistries.", "TwoRegistries")
        )
    findings += _rules(document, [registry.domain for registry in registries(document)])
    return findings


def _raw(document: Mapping[str, Any], path: str) -> Any:
    if path == "stylus.registryCredentials":
        return at(document, "stylus", "registryCredentials")
    place = int(path.rsplit("[", 1)[1].rstrip("]"))
    return items(at(document, "stylus", "externalRegistries", "registries"))[place]


def _check_one(registry: Registry, raw: Mapping[str, Any]) -> List[Finding]:
    matches = []
    if not registry.domain:
        matches.append(
            error(f"{registry.path}.domain", f"{registry.path} has no domain.", "Give the registry's host.", "Missing")
        )
    elif not is_template(registry.domain):
        problem = domain_problem(registry.domain)
        if problem:
            matches.append(
                error(f"{registry.path}.domain", f"{registry.path}.domain {problem}.", "Write HOST:PORT.", "Registry")
            )
    password = text(raw.get("password"))
    if bool(registry.username) != bool(password):
        has, lacks = ("username", "password") if registry.username else ("password", "username")
        message = f"{registry.path} has a {has} and no {lacks}."
        matches.append(
            error(f"{registry.path}.{has}", message, "Give both, or neither for a registry without login.", "Login")
        )
    if raw.get("encodedPassword") is True and password and not is_template(password) and not registry.password:
        message = f"{registry.path}.encodedPassword is true, but the password is not base64."
        matches.append(
            error(f"{registry.path}.password", message, "Encode it: printf %s PASSWORD | base64", "Encoding")
        )
    if registry.insecure:
        message = f"{registry.path}.insecure is set: anybody on the way can hand out images, and take the password."
        matches.append(
            warning(f"{registry.path}.insecure", message, "Give the registry's CA in certificates.", "NoVerify")
        )
    for place, item in enumerate(items(raw.get("certificates"))[:50]):
        problem = pem_problem(item)
        if problem:
            path = f"{registry.path}.certificates[{place}]"
            matches.append(error(path, f"{path} {problem}.", "Write it in PEM, as a block with |.", "Certificate"))
    return matches


def _rules(document: Mapping[str, Any], domains: List[str]) -> List[Finding]:
    path = "stylus.externalRegistries.registryMappingRules"
    rules = mapping(at(document, "stylus", "externalRegistries", "registryMappingRules"))
    matches = []
    sources = [str(source) for source in rules][:200]
    for source in sources:
        target = text(rules[source]) if source in rules else ""
        where = f"{path}.{source}"
        if is_template(source) or is_template(target):
            continue
        for word, side in ((source, "begins at"), (target, "leads to")):
            if not word or re.search(r"\s", word) or (side == "begins at" and "://" in word):
                rule = f"The mapping rule {shown(source) or '(empty)'} {side} {shown(word) or 'nothing'}"
                message = f"{rule}, which is not an image name."
                matches.append(
                    error(where, message, 'Write "gcr.io/project": "registry.example.com/mirror".', "Mapping")
                )
        host = target.split("://")[-1].split("/")[0]
        if target and domains and not any(domain.split("/")[0] == host for domain in domains):
            message = f"The mapping rule {shown(source)} leads to {shown(host)}, which is none of the registries above."
            matches.append(warning(where, message, "Add it to registries when it wants a login or a CA.", "Mapping"))
        longer = [other for other in sources if other != source and other.startswith(source)]
        if longer and source:
            message = (
                f"The mapping rules {shown(source)} and {shown(longer[0])} begin alike: which one is used is undefined."
            )
            matches.append(warning(where, message, "Make them differ from their first part on.", "Mapping"))
    if rules and not domains:
        message = "There are mapping rules and no registries: images come from their targets without a login."
        matches.append(note(path, message, code="Mapping"))
    return matches
