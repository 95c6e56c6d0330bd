"""Values of `stylus` and `stylus.site`: the plane, the token, who the host is, its tags, its time servers."""

from __future__ import annotations

import re
import warnings
from typing import Any, List, Mapping, Tuple
from urllib.parse import urlsplit

from edgewright.core.cloudconfig.findings import Finding, error, note, warning
from edgewright.core.cloudconfig.look import (
    address,
    at,
    is_host,
    is_path,
    is_placeholder,
    items,
    mapping,
    shown,
    split_port,
    text,
    texts,
)
from edgewright.core.cloudconfig.pem import pem_problem
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.core.hosts.hosts import check_hostname, check_uid
from edgewright.core.hosts.link_spec import problems
from edgewright.core.hosts.tags import MAX_KEY, MAX_VALUE

_SITE = "stylus.site"
_GAP_LABEL = re.compile(
    r"x{3,}|your(?:[-_].*|domain|company|palette|plane|hub|server|endpoint)|changeme", re.IGNORECASE
)
RANDOM = "$random"
DEFAULT_PLANE = "api.spectrocloud.com"
"""Where Palette's agent registers when no address is given (its installer reference)."""


def local_mode(document: Mapping[str, Any]) -> bool:
    """Return whether the host is managed by its own UI and knows no plane."""
    mode = text(at(document, "stylus", "managementMode")).lower()
    if mode in ("central", "local"):
        return mode == "local"
    return text(at(document, "stylus", "installationMode")).lower() == "airgap"


def check_site(document: Mapping[str, Any], profile: str = model.PALETTE) -> List[Finding]:
    """Return what is wrong with the values of `stylus` and `stylus.site` (network and registries: their own checks)."""
    if "stylus" not in document:
        if profile == model.PALETTE:
            hint = (
                "A site's own file: check it with --over installer.yaml; one for Kairos alone: with --profile kairos. "
                "Else begin with: edgewright forge user-data new"
            )
            return [
                error("", "There is no stylus block (profile palette): the host would know no plane.", hint, "Missing")
            ]
        return []
    site = mapping(at(document, "stylus", "site"))
    findings: List[Finding] = []
    if profile == model.PALETTE and not local_mode(document):
        findings += _plane_is_there(document, site)
    findings += check_endpoint(site.get("paletteEndpoint"))
    findings += _token(site)
    findings += _identity(site)
    findings += _tags(site)
    findings += _certificates(site)
    findings += _time(site)
    findings += _link(site)
    findings += _features(document)
    return findings


def is_site_only(document: Mapping[str, Any]) -> bool:
    """Return whether this is the user-data of a site: it names neither plane nor token, and does not name a disk."""
    site = mapping(at(document, "stylus", "site"))
    named = text(site.get("paletteEndpoint")) or text(site.get("edgeHostToken"))
    return not named and "install" not in document and not local_mode(document)


def _plane_is_there(document: Mapping[str, Any], site: Mapping[str, Any]) -> List[Finding]:
    if is_site_only(document):
        message = (
            f"{_SITE} names neither paletteEndpoint nor edgeHostToken: right for the user-data of a site, which is "
            "laid over the installer's; not for an installer's own."
        )
        hint = "Check it as the host reads it: edgewright forge user-data check FILE --over installer.yaml"
        return [warning(_SITE, message, hint, "SiteUserData")]
    matches = []
    path = f"{_SITE}.paletteEndpoint"
    if not text(site.get("paletteEndpoint")):
        message = f"{path} is missing: the host goes to {DEFAULT_PLANE}, Palette's default."
        hint = "A hub, and a Palette of your own, need their https address here."
        matches.append(warning(path, message, hint, "DefaultPlane"))
    if not text(site.get("edgeHostToken")):
        message = f"{_SITE}.edgeHostToken is missing: the host waits until it is pre-registered by its UID."
        matches.append(warning(f"{_SITE}.edgeHostToken", message, "Make one: edgewright token create NAME", "NoToken"))
    return matches


def _no_address(path: str, word: str) -> Finding:
    message = f"{path} is not an address: {shown(word)}."
    return error(path, message, "Write https://HOST or https://HOST:PORT.", "Endpoint")


def check_endpoint(value: Any, path: str = f"{_SITE}.paletteEndpoint") -> List[Finding]:
    """Return what is wrong with the address of the plane; nothing for an empty one or a template."""
    word = text(value)
    if not word or is_template(word):
        return []
    if is_placeholder(word):
        message = f"{path} is still the placeholder {shown(word)}."
        return [error(path, message, "Give the plane's address.", "Placeholder")]
    url = word if "://" in word else "https://" + word
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return [_no_address(path, word)]
    matches = []
    if parts.scheme not in ("https", "http") or not is_host(host) or port == 0:
        return [_no_address(path, word)]
    gap = next((label for label in host.split(".")[:-1] if _GAP_LABEL.fullmatch(label)), "")
    if gap:
        message = f"{path} still contains the placeholder {shown(gap)}: {shown(word)}."
        return [error(path, message, "Give the plane's address.", "Placeholder")]
    if parts.scheme == "http":
        message = f"{path} is not https: the token could be read on the way."
        matches.append(error(path, message, "Write https://; a hub and Palette both speak TLS.", "NotHttps"))
    if parts.username or parts.password:
        matches.append(error(path, f"{path} contains a user name or password.", "Write the address alone.", "Endpoint"))
    if parts.path.strip("/") or parts.query or parts.fragment:
        message = f"{path} has something behind the host: {shown(parts.path or parts.query or parts.fragment)}."
        matches.append(warning(path, message, "Write https://HOST or https://HOST:PORT alone.", "Endpoint"))
    reason = only_here(host)
    if reason:
        message = f"{path} is {shown(host)}, {reason}: no other machine can reach that plane."
        hint = "Give a name or address that hosts can reach (a hub: edgewright hub serve --advertise NAME)."
        matches.append(error(path, message, hint, "Loopback"))
    return matches


def only_here(host: str) -> str:
    """Return why no other machine can reach a host name or address; "" when one could."""
    folded = host.strip("[]").rstrip(".").lower()
    if folded == "localhost" or folded.endswith((".localhost", "localhost.localdomain")):
        return "which means the machine itself"
    result = address(folded)
    if result is None:
        return ""
    mapped = getattr(result, "ipv4_mapped", None)
    if result.is_loopback or (mapped is not None and mapped.is_loopback):
        return "a loopback address"
    if result.is_unspecified:
        return "which means every address of a server and cannot be connected to"
    if result.is_multicast:
        return "a multicast address"
    return "a link-local address" if result.is_link_local else ""


def _token(site: Mapping[str, Any]) -> List[Finding]:
    path = f"{_SITE}.edgeHostToken"
    value = site.get("edgeHostToken")
    if not isinstance(value, str) or not value or is_template(value):
        return []
    matches = []
    if re.search(r"\s", value.strip()) or not value.isascii() or not value.isprintable():
        message = f"{path} has spaces or odd characters inside: part of it is missing, or something was added."
        matches.append(error(path, message, "Copy it again: edgewright token show NAME -o yaml", "Token"))
    elif value != value.strip():
        matches.append(warning(path, f"{path} has spaces around it.", "Take them out.", "Token"))
    if text(site.get("projectName")) and text(site.get("projectUid")):
        message = f"{_SITE} has both projectName and projectUid; the uid is used."
        matches.append(warning(f"{_SITE}.projectUid", message, "Remove all but one of them.", "TwoProjects"))
    url = text(site.get("registrationURL"))
    if url and not is_template(url) and not re.fullmatch(r"https?://[^\s/]+\S*", url):
        message = f"{_SITE}.registrationURL is not a web address: {shown(url)}."
        matches.append(error(f"{_SITE}.registrationURL", message, "Write https://HOST/PATH.", "Url"))
    if site.get("insecureSkipVerify") is True:
        message = (
            f"{_SITE}.insecureSkipVerify is set: anybody on the way can pretend to be the plane and take the token."
        )
        matches.append(
            warning(f"{_SITE}.insecureSkipVerify", message, "Put the plane's CA into caCerts instead.", "NoVerify")
        )
    return matches


def _identity(site: Mapping[str, Any]) -> List[Finding]:
    matches = []
    uid, host_name = text(site.get("name")), text(site.get("hostName"))
    if uid and uid != RANDOM and not is_template(uid):
        path = f"{_SITE}.name"
        hint = (
            "What is forbidden is taken out on the host, which then registers under another UID than the one written."
        )
        matches += [error(path, sentence.replace("The host UID", path), hint, "Uid") for sentence in check_uid(uid)]
        if not host_name and check_hostname(uid):
            message = f"{path} serves as the host name too, and as one it is not valid: {check_hostname(uid)[0]}"
            matches.append(warning(path, message, "Give stylus.site.hostName as well.", "HostName"))
    if host_name and not is_template(host_name):
        path = f"{_SITE}.hostName"
        matches += [error(path, message, "", "HostName") for message in host_name_problems(host_name, path)]
    prefix = text(site.get("prefix"))
    if prefix and not is_template(prefix) and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", prefix):
        message = f"{_SITE}.prefix is {shown(prefix)}; it may contain letters, digits and '-' only, at most 64."
        matches.append(error(f"{_SITE}.prefix", message, "", "Prefix"))
    for place, item in enumerate(items(site.get("deviceUIDPaths"))[:100]):
        matches += _uid_path(item, f"{_SITE}.deviceUIDPaths[{place}]")
    if uid == RANDOM:
        message = f"{_SITE}.name is {RANDOM}: after a re-install the machine registers as another host."
        matches.append(
            warning(f"{_SITE}.name", message, "Take the name out to use the device's own UUID.", "RandomUid")
        )
    return matches


def host_name_problems(name: str, path: str) -> List[str]:
    """Return what is wrong with a host name, as sentences that name the key it is in."""
    return [s.replace("The host name", path).replace("the host name", path) for s in check_hostname(name)]


def _uid_path(item: Any, path: str) -> List[Finding]:
    name, regex = text(at(item, "name")), at(item, "regex")
    matches = []
    if isinstance(item, Mapping) and not is_path(name) and not is_template(name):
        matches.append(error(f"{path}.name", f"{path}.name must be the absolute path of a file.", "", "Path"))
    if isinstance(regex, str) and regex and not is_template(regex):
        problem = regex_problem(regex)
        if problem:
            matches.append(
                error(f"{path}.regex", f"{path}.regex {problem}.", "The host reads it as RE2 does.", "Regex")
            )
    return matches


def regex_problem(pattern: str) -> str:
    """Return what is wrong with an expression of RE2, as the end of a sentence; "" when it is good."""
    if len(pattern) > 500:
        return "is longer than 500 characters"
    if re.search(r"\(\?(?:[=!>]|<[=!]|P=)|\\[1-9]", pattern):
        return "looks around or back, which RE2 does not know"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(re.sub(r"\[:\^?[a-z]+:\]", "a", pattern).replace(r"\z", r"\Z"))
    except (re.error, RecursionError, OverflowError, MemoryError) as wrong:
        return f"is not an expression: {shown(str(wrong), 80)}"
    return ""


def _tags(site: Mapping[str, Any]) -> List[Finding]:
    matches = []
    for key, value in list(mapping(site.get("tags")).items())[:1000]:
        path, name = f"{_SITE}.tags.{key}", str(key)
        if not name.strip() or len(name) > MAX_KEY or len(text(value)) > MAX_VALUE:
            most = f"a name of 1 to {MAX_KEY} and a value of at most {MAX_VALUE} characters"
            message = f"The tag {shown(name, 40)!r} needs {most}."
            matches.append(error(path, message, "", "Tag"))
        elif re.search(r"[:,\n]", name):
            message = f"The tag {shown(name, 40)} has ':' or ',' in its name: filters part name and value there."
            matches.append(warning(path, message, "Use letters, digits, '-', '_' and '.'.", "Tag"))
    from_file, script = mapping(site.get("tagsFromFile")), mapping(site.get("tagsFromScript"))
    for path, name in (
        (f"{_SITE}.tagsFromFile.fileName", text(from_file.get("fileName"))),
        (f"{_SITE}.tagsFromScript.scriptName", text(script.get("scriptName"))),
    ):
        if name and not is_path(name) and not is_template(name):
            matches.append(error(path, f"{path} must be an absolute path, not {shown(name)}.", "", "Path"))
    return matches


def _certificates(site: Mapping[str, Any]) -> List[Finding]:
    matches = []
    for place, item in enumerate(items(site.get("caCerts"))[:100]):
        problem = pem_problem(item)
        if problem:
            path = f"{_SITE}.caCerts[{place}]"
            hint = "Write the CA in PEM (a block with |), or the base64 of that."
            matches.append(error(path, f"{path} {problem}.", hint, "Certificate"))
    return matches


def _time(site: Mapping[str, Any]) -> List[Finding]:
    return [
        error(
            f"{_SITE}.ntpServers{where}",
            f"{_SITE}.ntpServers{where} is not a host name or address: {shown(word)}.",
            hint,
            "Ntp",
        )
        for where, word, hint in bad_hosts(site.get("ntpServers"))
    ]


def _link(site: Mapping[str, Any]) -> List[Finding]:
    block = mapping(site.get("edgewright"))
    values = {k: v for k, v in block.items() if not is_template(v) and not isinstance(v, (list, dict))}
    wrong = problems(values)
    for key in ("metered", "budgetMB"):  # the schema has their kind and bounds
        wrong.pop(key, None)
    return [error(f"{_SITE}.edgewright.{key}", message, "", "Link") for key, message in wrong.items()]


def bad_hosts(value: Any) -> List[Tuple[str, str, str]]:
    """Return (`[index]`, text, hint) for what is not a host name or address in a list, or in a text with commas."""
    bad = []
    for where, word in texts(value)[:100]:
        if is_template(word) or is_host(word):
            continue
        host, port, good = split_port(word)
        hint = "Write the name or address alone, without a port." if good and port and is_host(host) else ""
        bad.append((where, word, "Write the name or address alone." if "://" in word else hint))
    return bad


def _features(document: Mapping[str, Any]) -> List[Finding]:
    known = ("UserDataForm", "DisableWorkerNodeCapReconcile")
    matches = []
    for _, word in texts(at(document, "stylus", "featureGate"))[:20]:
        near = model.nearest(word, known)
        if word not in known and not is_template(word):
            more = f"; the nearest is `{near}`" if near else ""
            message = f"stylus.featureGate names {shown(word)}, which is not known{more}."
            matches.append(warning("stylus.featureGate", message, f"Known: {', '.join(known)}.", "Feature"))
    path = text(at(document, "stylus", "path"))
    if path and path != "/" and not is_template(path):
        good = is_path(path)
        message = "stylus.path is another one than /: some of the agent's parts are known not to follow it."
        matches.append(
            warning("stylus.path", message, "Leave it out.", "Path")
            if good
            else error("stylus.path", f"stylus.path must be an absolute path, not {shown(path)}.", "", "Path")
        )
    if at(document, "stylus", "site", "twoNode", "enabled") is True:
        message = "Two-node needs an image built with TWO_NODE=true, which serves nothing else."
        matches.append(note("stylus.site.twoNode", message, code="TwoNode"))
    return matches
