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
    found: List[Finding] = []
    seen: Dict[str, int] = {}
    for at, line in enumerate(file.lines, 1):
        if line.trouble and not line.key:
            said = f"Line {at} {line.trouble}: {shown(line.raw.strip(), 40)}."
            found.append(error("", said, "Write KEY=value, or # in front of a comment.", "Line")._replace(line=at))
            continue
        if not line.key:
            continue
        if line.key in seen:
            said = f"{line.key} is there twice, on lines {seen[line.key]} and {at}; the later one counts."
            found.append(warning(line.key, said, "Remove all but one of them.", "Doubled")._replace(line=at))
        seen[line.key] = at
        hint = "Earthly and the script read this file differently; quote the value: KEY='...'"
        if "no line above sets" in line.trouble:
            hint = "Set it on a line above, or write its value."
        if line.shell is None or line.trouble:
            said = f"{line.key} {line.trouble or 'cannot be determined for a shell'}."
            found.append(warning(line.key, said, hint, "TwoReadings")._replace(line=at))
        elif line.shell != line.value:
            said = f"{line.key} is {shown(line.value, 40)!r} for Earthly and {shown(line.shell, 40)!r} for the script."
            found.append(warning(line.key, said, hint, "TwoReadings")._replace(line=at))
    values = file.values()
    for problem in [*_values(values), *_build(values)]:
        found.append(problem._replace(line=file.line_of(problem.path)))
    return limited(found)


def _values(values: Mapping[str, str]) -> List[Finding]:
    found: List[Finding] = []
    unknown = 0
    for name, value in values.items():
        key = ARGS.get(name)
        if key is None:
            unknown += not name.startswith(CUSTOM)
            if unknown > MOST_UNKNOWN:
                continue
            near = nearest(name, ARGS) if not name.startswith(CUSTOM) else ""
            if near:
                said = f"{name} is not a key of .arg; the nearest is `{near}`."
                found.append(error(name, said, "Rename it: it is passed over otherwise.", "UnknownKey"))
            elif not name.startswith(CUSTOM):
                hint = f"Keys for your own Dockerfile begin with {CUSTOM}."
                found.append(warning(name, f"{name} is not a key of .arg.", hint, "UnknownKey"))
        else:
            found += _value(key, value)
    for name in _REQUIRED:
        if not values.get(name):
            example = "registry.example.com" if name == "IMAGE_REGISTRY" else ARGS[name].template
            found.append(error(name, f"{name} is missing.", f"Give it, e.g. {name}={example}", "Missing"))
    return found


def _value(key: ArgKey, value: str) -> List[Finding]:
    name = key.name
    if key.old:
        return [warning(name, f"{name} is deprecated.", f"Instead, {key.old}.", "Deprecated")]
    if key.kind == SECRET and value:
        said = f"{name} is a secret and is in the file: it ends up in copies, logs and image layers."
        hint = "Take it out, set UBUNTU_PRO_ATTACH=true, and give it by the environment when building."
        return [error(name, said, hint, "Secret")]
    if not value:
        return []
    if is_placeholder(value):
        return [error(name, f"{name} is still the placeholder {shown(value)}.", "Fill it in.", "Placeholder")]
    if key.choices and value not in key.choices:
        near = nearest(value, key.choices)
        more = f"; the nearest is `{near}`" if near else ""
        said = f"{name} is {shown(value)}; it must be one of {', '.join(key.choices)}{more}."
        hint = "Write it in lower case." if key.kind == FLAG and value.lower() in key.choices else ""
        return [error(name, said, hint, "Choice")]
    if key.pattern and not re.fullmatch(key.pattern, value):
        return [error(name, f"{name} is {shown(value)}; it must be {key.rule or 'a version'}.", "", "Value")]
    if key.kind == ADDRESS and re.search(r"\s", value):
        return [error(name, f"{name} contains a space: {shown(value)}.", "", "Value")]
    return _proxy(name, value) if name.lower() in ("http_proxy", "https_proxy") else []


def _proxy(name: str, value: str) -> List[Finding]:
    """Return what is wrong with a proxy: curl takes one without a scheme, apt and others do not."""
    hint = "Write http://HOST:PORT"
    if "://" not in value:
        said = f"{name} is {shown(value)}, without http:// in front: apt and others in the build refuse it."
        return [warning(name, said, hint, "Proxy")]
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        good = False
    return [] if good else [error(name, f"{name} is not the address of a proxy: {shown(value)}.", hint, "Proxy")]


def _build(values: Mapping[str, str]) -> List[Finding]:
    found: List[Finding] = []
    for rule in _RULES:
        found += rule(values)
    return found


def _on(values: Mapping[str, str], name: str) -> bool:
    return values.get(name, ARGS[name].default).lower() == "true"


def _versions(values: Mapping[str, str]) -> List[Finding]:
    if values.get("K8S_VERSION"):
        return []
    name = values.get("K8S_DISTRIBUTION", "")
    count = VERSIONS.get(name, 0)
    many = f"all {count} versions of {name}" if count else "every version of the distribution"
    room = f", about {count * IMAGE_GB} GB" if count else ""
    said = f"K8S_VERSION is empty: the build makes {many}{room}, and fails without a message when the disk is full."
    return [warning("K8S_VERSION", said, "Give one version, e.g. K8S_VERSION=1.33.5", "AllVersions")]


def _registry(values: Mapping[str, str]) -> List[Finding]:
    registry = values.get("IMAGE_REGISTRY", "")
    if not registry or is_placeholder(registry):
        return []
    problem = domain_problem(registry)
    if problem:
        return [error("IMAGE_REGISTRY", f"IMAGE_REGISTRY {problem}.", "Write HOST[:PORT][/PATH].", "Registry")]
    found = []
    if registry.split("/")[0] == "ttl.sh":
        said = "IMAGE_REGISTRY is ttl.sh, which stores an image for 24 hours: clusters cannot fetch it afterwards."
        found.append(warning("IMAGE_REGISTRY", said, "Take a registry of your own for anything that stays.", "TtlSh"))
    if "_" in registry:
        said = "IMAGE_REGISTRY has an underscore, which Palette does not take."
        found.append(error("IMAGE_REGISTRY", said, "Take a path without.", "Registry"))
    return found


def _tag(values: Mapping[str, str]) -> List[Finding]:
    parts = [values.get(name, "") for name in ("K8S_DISTRIBUTION", "K8S_VERSION", "PE_VERSION", "CUSTOM_TAG")]
    tag = "-".join(part for part in parts if part)
    if tag and not _TAG.fullmatch(tag):
        said = f"The image's tag would be {shown(tag, 80)}, which no registry takes."
        hint = "A tag has letters, digits, '_', '.' and '-', at most 128."
        return [error("CUSTOM_TAG" if values.get("CUSTOM_TAG") else "PE_VERSION", said, hint, "Tag")]
    if not values.get("CUSTOM_TAG"):
        said = "CUSTOM_TAG is empty: the next build of the same versions replaces this one's images."
        return [warning("CUSTOM_TAG", said, "Give each build its own.", "Tag")]
    return []


def _system(values: Mapping[str, str]) -> List[Finding]:
    system, version = values.get("OS_DISTRIBUTION", ""), values.get("OS_VERSION", "")
    found = []
    if system == "ubuntu" and version in ("20", "22"):
        said = f"OS_VERSION is {version}, which is rewritten to {version}.04."
        found.append(note("OS_VERSION", said, f"Write {version}.04, so that file and image agree.", "Rewritten"))
    elif system == "ubuntu" and version and version not in ("20.04", "22.04", "24.04"):
        said = f"OS_VERSION is {shown(version)}; for ubuntu it must be 20.04, 22.04 or 24.04."
        found.append(error("OS_VERSION", said, "", "Choice"))
    if system == "opensuse-leap" and version and version != "15.6":
        said = f"OS_VERSION is {shown(version)}; for opensuse-leap there is a base for 15.6 alone."
        found.append(warning("OS_VERSION", said, "Give BASE_IMAGE for another one.", "Choice"))
    needs = "FIPS" if _on(values, "FIPS_ENABLED") else system if system in ("rhel", "sles") else ""
    if needs and not values.get("BASE_IMAGE"):
        said = f"BASE_IMAGE is missing; for {needs} there is no base to take by itself."
        found.append(error("BASE_IMAGE", said, "Give an image that was built for it.", "Missing"))
    return found


def _excluded(values: Mapping[str, str]) -> List[Finding]:
    found = []
    system = values.get("OS_DISTRIBUTION", "")
    if _on(values, "FIPS_ENABLED") and _on(values, "UPDATE_KERNEL"):
        said = "FIPS_ENABLED and UPDATE_KERNEL are both true: the build stops, since a newer kernel is not certified."
        found.append(error("UPDATE_KERNEL", said, "Set UPDATE_KERNEL=false.", "Excluded"))
    if _on(values, "INSTALL_NVIDIA_GPU_DRIVERS") and _on(values, "INSTALL_AMD_GPU_DRIVERS"):
        said = "Drivers of NVIDIA and of AMD are both asked for: the build stops."
        found.append(error("INSTALL_AMD_GPU_DRIVERS", said, "Remove all but one of them.", "Excluded"))
    for name, what in (("IS_MAAS", "An image for MAAS"), ("INSTALL_AMD_GPU_DRIVERS", "AMD's drivers")):
        if _on(values, name) and system and system != "ubuntu":
            said = f"{what} can be built on ubuntu only, not on {shown(system)}."
            found.append(error(name, said, "Set OS_DISTRIBUTION=ubuntu.", "Excluded"))
    if _on(values, "IS_UKI") and _on(values, "FORCE_INTERACTIVE_INSTALL"):
        said = "FORCE_INTERACTIVE_INSTALL has no effect on a UKI."
        found.append(warning("FORCE_INTERACTIVE_INSTALL", said, "Take it out.", "Excluded"))
    if values.get("ARCH") == "arm64" and _on(values, "IS_UKI"):
        found.append(warning("ARCH", "Trusted Boot is made for amd64.", "Set IS_UKI=false.", "Excluded"))
    if system == "hadron" and values.get("K8S_DISTRIBUTION") == "canonical":
        said = "Canonical Kubernetes does not run on hadron."
        found.append(error("K8S_DISTRIBUTION", said, "Take another distribution.", "Excluded"))
    fips = values.get("K8S_DISTRIBUTION") == "kubeadm-fips"
    if fips and not _on(values, "FIPS_ENABLED"):
        said = "K8S_DISTRIBUTION is kubeadm-fips, but FIPS_ENABLED is not true."
        found.append(warning("FIPS_ENABLED", said, "Set FIPS_ENABLED=true.", "Fips"))
    return found


def _later(values: Mapping[str, str]) -> List[Finding]:
    found = []
    if _on(values, "TWO_NODE"):
        said = "Cannot be undone later: TWO_NODE; the image serves two-node clusters alone, and those never grow."
        found.append(note("TWO_NODE", said, code="Fixed"))
        if values.get("K8S_DISTRIBUTION") not in ("k3s", "canonical", None):
            said = "TWO_NODE works with k3s (and canonical) only."
            found.append(error("TWO_NODE", said, "Set K8S_DISTRIBUTION=k3s.", "Excluded"))
    if _on(values, "IS_UKI"):
        said = "Cannot be undone later: the keys of Trusted Boot; when they expire, machines no longer boot."
        found.append(note("IS_UKI", said, "Store the directory secure-boot safely, and note the date.", "Fixed"))
    if _on(values, "DEBUG"):
        found.append(
            warning("DEBUG", "The ISO boots with debug output.", "Set DEBUG=false for what is shipped.", "Debug")
        )
    if values.get("ISO_NAME", "installer") in ("installer", "palette-edge-installer"):
        said = "ISO_NAME is the same for every build: an old ISO is easily installed by mistake."
        found.append(note("ISO_NAME", said, "Put site, version or date into the name.", "Name"))
    return found


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
