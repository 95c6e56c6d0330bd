"""Values of `stages`: names of stages, steps, files, and secrets that would stay on the host."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple

from edgewright.core.cloudconfig.findings import Finding, error, note, warning
from edgewright.core.cloudconfig.look import items, mapping, shown, text
from edgewright.core.cloudconfig.modes import number_mode, text_modes
from edgewright.core.cloudconfig.network.networkd import check_networkd
from edgewright.core.cloudconfig.schema.model import is_template, nearest
from edgewright.core.cloudconfig.schema.stages import RUN, STAGES, STEP_KEYS

SKIP = "skip-copy-*"
"""Name of a step (or stage) that is left out of the copy which stays on the host."""
_INSTALLER = re.compile(r"(?:before|after)-install(?:-chroot)?(?:\.(?:before|after))?|kairos-(?:uki-)?install\..*")
_B64 = ("b64", "base64")

_SECRETS: Tuple[Tuple[str, "re.Pattern[str]"], ...] = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")),
    ("an access key of AWS", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|glpat-[\w-]{16,}|xox[abp]-[\w-]{10,})")),
    (
        "a password or token",
        re.compile(
            r"""(?ix)
            (?: \b(?:password|passwd|passphrase|secret|token|api[-_]?key|apikey|access[-_]?key|activation[-_]?key)\b
              | [a-z0-9]{1,40}[-_](?:password|passwd|secret|token|key)\b )
            ["']? \s{0,3} (?:=|:|\s) \s{0,3} ["']? (?!\$|\{\{|<|=|:|["'\s]|file\b|/)  [^\s"']{6,}
            """
        ),
    ),
    ("a user and password in an address", re.compile(r"[a-z]{2,10}://[^\s/:@]{1,64}:[^\s/:@$]{3,64}@")),
    ("a user and password", re.compile(r"\s(?:-u|--user)[ =]{1,3}[\"']?[^\s:\"']{1,64}:(?!\$)[^\s\"']{3,}")),
    ("a login", re.compile(r"\bAuthorization:\s{0,3}(?:Basic|Bearer)\s{1,3}(?!\$)[\w.+/=-]{8,}", re.IGNORECASE)),
)
MOST_LOOKED_AT = 200_000
"""Characters of a text in which secrets are looked for."""


class Step(NamedTuple):
    """A step of a stage: its path, the stage's name, and what is in it."""

    path: str
    stage: str
    raw: Mapping[str, Any]

    @property
    def skipped(self) -> bool:
        """Whether it is named so that it does not stay on the host."""
        return fnmatch.fnmatchcase(text(self.raw.get("name")), SKIP) or fnmatch.fnmatchcase(self.stage, SKIP)


def steps(document: Mapping[str, Any]) -> Iterator[Step]:
    """Yield the steps of all stages, at most 200 stages of 200 steps."""
    for stage, value in list(mapping(document.get("stages")).items())[:200]:
        for place, step in enumerate(items(value)[:200]):
            if isinstance(step, Mapping):
                yield Step(f"stages.{stage}[{place}]", str(stage), step)


def check_stages(document: Mapping[str, Any]) -> List[Finding]:
    """Return what is wrong with the stages of a document, and which secrets in them would stay on the host."""
    findings: List[Finding] = []
    for stage in list(mapping(document.get("stages")))[:200]:
        findings += _stage(str(stage))
    files: Dict[str, Tuple[str, str]] = {}
    stored: List[str] = []
    for step in steps(document):
        findings += _files(step, files)
        hidden = list(secrets(step))
        if hidden and step.skipped and _INSTALLER.fullmatch(step.stage):
            message = f"{step.path} contains {hidden[0][1]} and runs in the installer, where everything is stored."
            hint = "Let it run in a later stage, such as network.after, with the medium attached until then."
            findings.append(warning(hidden[0][0], message, hint, "PersistedSecret"))
        elif hidden and not step.skipped:
            for path, what in hidden[:5]:
                message = f"{path} seems to contain {what}, which stays readable on the host (/oem/userdata)."
                hint = "Name the step skip-copy-..., so that it runs from the medium alone and is not stored."
                findings.append(warning(path, message, hint, "PersistedSecret"))
        elif step.skipped:
            stored.append(step.path)
    if stored:
        message = (
            f"{', '.join(stored[:4])} runs only while the medium is attached: unmount it after the host has registered."
        )
        findings.append(note(stored[0], message, "Unmount it before a cluster is made.", "SkipCopy"))
    findings += check_networkd(files)
    findings += text_modes(document)
    return findings


def _stage(stage: str) -> List[Finding]:
    if stage in STAGES or fnmatch.fnmatchcase(stage, SKIP) or is_template(stage):
        return []
    path, near = f"stages.{stage}", nearest(stage, STAGES)
    if stage.startswith("provider-kairos.bootstrap"):
        return []
    message = f"{shown(stage)} is not a stage that anything runs"
    if stage in STEP_KEYS:
        message = f"{shown(stage)} is a key of a step, not the name of a stage."
        return [error(path, message, f"Write it in a step: stages: {{boot: [{{{stage}: ...}}]}}", "UnknownStage")]
    if near:
        return [error(path, f"{message}; the nearest is `{near}`.", "Its steps would never run.", "UnknownStage")]
    hint = f"Its steps run only when you call it yourself. Usual ones: {', '.join(RUN[:5])}."
    return [warning(path, f"{message}.", hint, "UnknownStage")]


def _files(step: Step, networkd: Dict[str, Tuple[str, str]]) -> List[Finding]:
    matches = []
    if not step.raw:
        matches.append(warning(step.path, f"{step.path} is empty.", "Take it out.", "Empty"))
    for place, item in enumerate(items(step.raw.get("files"))[:200]):
        raw, path = mapping(item), f"{step.path}.files[{place}]"
        target, content = text(raw.get("path")), raw.get("content")
        if isinstance(item, Mapping) and not target.startswith("/") and not is_template(target):
            matches.append(error(f"{path}.path", f"{path}.path must be an absolute path.", "", "Path"))
        matches += number_mode(raw.get("permissions"), f"{path}.permissions")
        encoding = text(raw.get("encoding")).lower()
        if encoding and encoding not in (
            "b64",
            "base64",
            "gz",
            "gzip",
            "gz+base64",
            "gzip+base64",
            "gz+b64",
            "gzip+b64",
        ):
            message = f"{path}.encoding is {shown(encoding)}, which is not known."
            matches.append(error(f"{path}.encoding", message, "Known: b64, gzip, gz+b64.", "Encoding"))
        if encoding in _B64 and isinstance(content, str) and not is_template(content):
            try:
                content = base64.b64decode("".join(content.split()), validate=True).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                matches.append(error(f"{path}.content", f"{path}.content is not base64.", "", "Encoding"))
        if re.fullmatch(r"/(?:etc|run|usr/lib)/systemd/network/[^/]+\.(?:network|netdev|link)", target):
            networkd[target] = (f"{path}.content", content if isinstance(content, str) else "")
    return matches


def secrets(step: Step) -> Iterator[Tuple[str, str]]:
    """Yield (path, what it seems to be) for each secret in the commands, files and environment of a step."""
    for path, content in _contents(step):
        what = secret_in(content)
        if what:
            yield path, what


def secret_in(content: str) -> str:
    """Return what kind of secret a text seems to contain; "" for none."""
    for what, pattern in _SECRETS:
        if pattern.search(content[:MOST_LOOKED_AT]):
            return what
    return ""


def _contents(step: Step) -> Iterator[Tuple[str, str]]:
    for place, item in enumerate(items(step.raw.get("commands"))[:500]):
        if isinstance(item, str):
            yield f"{step.path}.commands[{place}]", item
    for place, item in enumerate(items(step.raw.get("files"))[:200]):
        content = mapping(item).get("content")
        if isinstance(content, str):
            yield f"{step.path}.files[{place}].content", content
    for name, item in list(mapping(step.raw.get("environment")).items())[:200]:
        if text(item):
            yield f"{step.path}.environment.{name}", f"{name}={text(item)}"
