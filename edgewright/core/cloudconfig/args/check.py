"""What is wrong with a `.arg` file: keys, values, the two ways it is read, and the traps of a build.

Each trap was traced in CanvOS's Earthfile or seen in its issues: a build that aborts late, or builds what is not
wanted.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Mapping, Tuple
from urllib.parse import urlsplit

from edgewright.core.cloudconfig.args.args import ArgFile
from edgewright.core.cloudconfig.args.keys import ADDRESS, ARGS, CUSTOM, FLAG, IMAGE_GB, SECRET, VERSIONS, ArgKey
from edgewright.core.cloudconfig.findings import Finding, error, limited, note, warning
from edgewright.core.cloudconfig.look import is_host, is_placeholder, shown
from edgewright.core.cloudconfig.registries import domain_problem
from edgewright.core.cloudconfig.schema.model import nearest

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
MOST_UNKNOWN = 100
"""Unknown keys that are reported."""
_REQUIRED = ("ARCH", "OS_DISTRIBUTION", "K8S_DISTRIBUTION", "IMAGE_REGISTRY")


def check_args(file: ArgFile) -> List[Finding]:
    """Return every finding about a `.arg` file, with its line, the worst first."""
    findings: List[Finding] = []
    seen: Dict[str, int] = {}
    for at, line in enumerate(file.lines, 1):
        if line.trouble and not line.key:
            message = f"Line {at} {line.trouble}: {shown(line.raw.strip(), 40)}."
            findings.append(
                error("", message, "Write KEY=value, or # in front of a comment.", "Line")._replace(line=at)
            )
            continue
        if not line.key:
            continue
        if line.key in seen:
            message = f"{line.key} is there twice, on lines {seen[line.key]} and {at}; the later one counts."
            findings.append(warning(line.key, message, "Remove all but one of them.", "Doubled")._replace(line=at))
        seen[line.key] = at
        hint = "Earthly and the script read this file differently; quote the value: KEY='...'"
        if "no line above sets" in line.trouble:
            hint = "Set it on a line above, or write its value."
        if line.shell is None or line.trouble:
            message = f"{line.key} {line.trouble or 'cannot be determined for a shell'}."
            findings.append(warning(line.key, message, hint, "TwoReadings")._replace(line=at))
        elif line.shell != line.value:
            message = (
                f"{line.key} is {shown(line.value, 40)!r} for Earthly and {shown(line.shell, 40)!r} for the script."
            )
            findings.append(warning(line.key, message, hint, "TwoReadings")._replace(line=at))
    values = file.values()
    for problem in [*_values(values), *_build(values)]:
        findings.append(problem._replace(line=file.line_of(problem.path)))
    return limited(findings)


def _values(values: Mapping[str, str]) -> List[Finding]:
    findings: List[Finding] = []
    unknown = 0
    for name, value in values.items():
        key = ARGS.get(name)
        if key is None:
            unknown += not name.startswith(CUSTOM)
            if unknown > MOST_UNKNOWN:
                continue
            near = nearest(name, ARGS) if not name.startswith(CUSTOM) else ""
            if near:
                message = f"{name} is not a key of .arg; the nearest is `{near}`."
                findings.append(error(name, message, "Rename it: it is passed over otherwise.", "UnknownKey"))
            elif not name.startswith(CUSTOM):
                hint = f"Keys for your own Dockerfile begin with {CUSTOM}."
                findings.append(warning(name, f"{name} is not a key of .arg.", hint, "UnknownKey"))
        else:
            findings += _value(key, value)
    for name in _REQUIRED:
        if not values.get(name):
            example = "registry.example.com" if name == "IMAGE_REGISTRY" else ARGS[name].template
            findings.append(error(name, f"{name} is missing.", f"Give it, e.g. {name}={example}", "Missing"))
    return findings


def _value(key: ArgKey, value: str) -> List[Finding]:
    name = key.name
    if key.old:
        return [warning(name, f"{name} is deprecated.", f"Instead, {key.old}.", "Deprecated")]
    if key.kind == SECRET and value:
        message = f"{name} is a secret and is in the file: it ends up in copies, logs and image layers."
        hint = "Take it out, set UBUNTU_PRO_ATTACH=true, and give it by the environment when building."
        return [error(name, message, hint, "Secret")]
    if not value:
        return []
    if is_placeholder(value):
        return [error(name, f"{name} is still the placeholder {shown(value)}.", "Fill it in.", "Placeholder")]
    if key.choices and value not in key.choices:
        near = nearest(value, key.choices)
        more = f"; the nearest is `{near}`" if near else ""
        message = f"{name} is {shown(value)}; it must be one of {', '.join(key.choices)}{more}."
        hint = "Write it in lower case." if key.kind == FLAG and value.lower() in key.choices else ""
        return [error(name, message, hint, "Choice")]
    if key.pattern and not re.fullmatch(key.pattern, value):
        return [error(name, f"{name} is {shown(value)}; it must be {key.rule or 'a version'}.", "", "Value")]
    if key.kind == ADDRESS and re.search(r"\s", value):
        return [error(name, f"{name} contains a space: {shown(value)}.", "", "Value")]
    return _proxy(name, value) if name.lower() in ("http_proxy", "https_proxy") else []


def _proxy(name: str, value: str) -> List[Finding]:
    """Return what is wrong with a proxy: curl takes one without a scheme, apt and others do not."""
    hint = "Write http://HOST:PORT"
    if "://" not in value:
        message = f"{name} is {shown(value)}, without http:// in front: apt and others in the build refuse it."
        return [warning(name, message, hint, "Proxy")]
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        good = False
    return [] if good else [error(name, f"{name} is not the address of a proxy: {shown(value)}.", hint, "Proxy")]


def _build(values: Mapping[str, str]) -> List[Finding]:
    findings: List[Finding] = []
    for rule in _RULES:
        findings += rule(values)
    return findings


def _on(values: Mapping[str, str], name: str) -> bool:
    return values.get(name, ARGS[name].default).lower() == "true"


def _versions(values: Mapping[str, str]) -> List[Finding]:
    if values.get("K8S_VERSION"):
        return []
    name = values.get("K8S_DISTRIBUTION", "")
    count = VERSIONS.get(name, 0)
    many = f"all {count} versions of {name}" if count else "every version of the distribution"
    room = f", about {count * IMAGE_GB} GB" if count else ""
    message = f"K8S_VERSION is empty: the build makes {many}{room}, and fails without a message when the disk is full."
    return [warning("K8S_VERSION", message, "Give one version, e.g. K8S_VERSION=1.33.5", "AllVersions")]


def _registry(values: Mapping[str, str]) -> List[Finding]:
    registry = values.get("IMAGE_REGISTRY", "")
    if not registry or is_placeholder(registry):
        return []
    problem = domain_problem(registry)
    if problem:
        return [error("IMAGE_REGISTRY", f"IMAGE_REGISTRY {problem}.", "Write HOST[:PORT][/PATH].", "Registry")]
    matches = []
    if registry.split("/")[0] == "ttl.sh":
        message = "IMAGE_REGISTRY is ttl.sh, which stores an image for 24 hours: clusters cannot fetch it afterwards."
        matches.append(
            warning("IMAGE_REGISTRY", message, "Take a registry of your own for anything that stays.", "TtlSh")
        )
    if "_" in registry:
        message = "IMAGE_REGISTRY has an underscore, which Palette does not take."
        matches.append(error("IMAGE_REGISTRY", message, "Take a path without.", "Registry"))
    return matches


def _tag(values: Mapping[str, str]) -> List[Finding]:
    parts = [values.get(name, "") for name in ("K8S_DISTRIBUTION", "K8S_VERSION", "PE_VERSION", "CUSTOM_TAG")]
    tag = "-".join(part for part in parts if part)
    if tag and not _TAG.fullmatch(tag):
        message = f"The image's tag would be {shown(tag, 80)}, which no registry takes."
        hint = "A tag has letters, digits, '_', '.' and '-', at most 128."
        return [error("CUSTOM_TAG" if values.get("CUSTOM_TAG") else "PE_VERSION", message, hint, "Tag")]
    if not values.get("CUSTOM_TAG"):
        message = "CUSTOM_TAG is empty: the next build of the same versions replaces this one's images."
        return [warning("CUSTOM_TAG", message, "Give each build its own.", "Tag")]
    return []


def _system(values: Mapping[str, str]) -> List[Finding]:
    system, version = values.get("OS_DISTRIBUTION", ""), values.get("OS_VERSION", "")
    matches = []
    if system == "ubuntu" and version in ("20", "22"):
        message = f"OS_VERSION is {version}, which is rewritten to {version}.04."
        matches.append(note("OS_VERSION", message, f"Write {version}.04, so that file and image agree.", "Rewritten"))
    elif system == "ubuntu" and version and version not in ("20.04", "22.04", "24.04"):
        message = f"OS_VERSION is {shown(version)}; for ubuntu it must be 20.04, 22.04 or 24.04."
        matches.append(error("OS_VERSION", message, "", "Choice"))
    if system == "opensuse-leap" and version and version != "15.6":
        message = f"OS_VERSION is {shown(version)}; for opensuse-leap there is a base for 15.6 alone."
        matches.append(warning("OS_VERSION", message, "Give BASE_IMAGE for another one.", "Choice"))
    needs = "FIPS" if _on(values, "FIPS_ENABLED") else system if system in ("rhel", "sles") else ""
    if needs and not values.get("BASE_IMAGE"):
        message = f"BASE_IMAGE is missing; for {needs} there is no base to take by itself."
        matches.append(error("BASE_IMAGE", message, "Give an image that was built for it.", "Missing"))
    return matches


def _excluded(values: Mapping[str, str]) -> List[Finding]:
    matches = []
    system = values.get("OS_DISTRIBUTION", "")
    if _on(values, "FIPS_ENABLED") and _on(values, "UPDATE_KERNEL"):
        message = (
            "FIPS_ENABLED and UPDATE_KERNEL are both true: the build stops, since a newer kernel is not certified."
        )
        matches.append(error("UPDATE_KERNEL", message, "Set UPDATE_KERNEL=false.", "Excluded"))
    if _on(values, "INSTALL_NVIDIA_GPU_DRIVERS") and _on(values, "INSTALL_AMD_GPU_DRIVERS"):
        message = "Drivers of NVIDIA and of AMD are both asked for: the build stops."
        matches.append(error("INSTALL_AMD_GPU_DRIVERS", message, "Remove all but one of them.", "Excluded"))
    for name, what in (("IS_MAAS", "An image for MAAS"), ("INSTALL_AMD_GPU_DRIVERS", "AMD's drivers")):
        if _on(values, name) and system and system != "ubuntu":
            message = f"{what} can be built on ubuntu only, not on {shown(system)}."
            matches.append(error(name, message, "Set OS_DISTRIBUTION=ubuntu.", "Excluded"))
    if _on(values, "IS_UKI") and _on(values, "FORCE_INTERACTIVE_INSTALL"):
        message = "FORCE_INTERACTIVE_INSTALL has no effect on a UKI."
        matches.append(warning("FORCE_INTERACTIVE_INSTALL", message, "Take it out.", "Excluded"))
    if values.get("ARCH") == "arm64" and _on(values, "IS_UKI"):
        matches.append(warning("ARCH", "Trusted Boot is made for amd64.", "Set IS_UKI=false.", "Excluded"))
    if system == "hadron" and values.get("K8S_DISTRIBUTION") == "canonical":
        message = "Canonical Kubernetes does not run on hadron."
        matches.append(error("K8S_DISTRIBUTION", message, "Take another distribution.", "Excluded"))
    fips = values.get("K8S_DISTRIBUTION") == "kubeadm-fips"
    if fips and not _on(values, "FIPS_ENABLED"):
        message = "K8S_DISTRIBUTION is kubeadm-fips, but FIPS_ENABLED is not true."
        matches.append(warning("FIPS_ENABLED", message, "Set FIPS_ENABLED=true.", "Fips"))
    return matches


def _later(values: Mapping[str, str]) -> List[Finding]:
    matches = []
    if _on(values, "TWO_NODE"):
        message = "Cannot be undone later: TWO_NODE; the image serves two-node clusters alone, and those never grow."
        matches.append(note("TWO_NODE", message, code="Fixed"))
        if values.get("K8S_DISTRIBUTION") not in ("k3s", "canonical", None):
            message = "TWO_NODE works with k3s (and canonical) only."
            matches.append(error("TWO_NODE", message, "Set K8S_DISTRIBUTION=k3s.", "Excluded"))
    if _on(values, "IS_UKI"):
        message = "Cannot be undone later: the keys of Trusted Boot; when they expire, machines no longer boot."
        matches.append(note("IS_UKI", message, "Store the directory secure-boot safely, and note the date.", "Fixed"))
    if _on(values, "DEBUG"):
        matches.append(
            warning("DEBUG", "The ISO boots with debug output.", "Set DEBUG=false for what is shipped.", "Debug")
        )
    if values.get("ISO_NAME", "installer") in ("installer", "palette-edge-installer"):
        message = "ISO_NAME is the same for every build: an old ISO is easily installed by mistake."
        matches.append(note("ISO_NAME", message, "Put site, version or date into the name.", "Name"))
    return matches


_RULES: Tuple[Callable[[Mapping[str, str]], List[Finding]], ...] = (
    *(_versions, _registry, _tag, _system, _excluded, _later),
)


def image_name(values: Mapping[str, str]) -> str:
    """Return the provider image's reference by CanvOS's rule, `...` for what is not given."""

    def word(name: str) -> str:
        return values.get(name) or "..."

    repo = values.get("IMAGE_REPO") or word("OS_DISTRIBUTION")
    tag = "-".join(part for part in (word("PE_VERSION"), values.get("CUSTOM_TAG", "")) if part)
    return f"{word('IMAGE_REGISTRY')}/{repo}:{word('K8S_DISTRIBUTION')}-{word('K8S_VERSION')}-{tag}"
