"""Who a host is: its UID and its tags, from user-data and from the machine.

The order is that of Palette's installer reference: the name given, then the content of the device-UID files, then
random. Reading files and running scripts is left to the caller, so that the rules can be tested without a machine.
"""

from __future__ import annotations

import json
import re
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

from edgewright.core.cloudconfig.userdata import DEFAULT_UID_PATH, Site, UidPath
from edgewright.core.hosts.hosts import MAX_UID, check_uid, fit_uid
from edgewright.core.hosts.tags import BARE

RANDOM = "$random"

_PLACEHOLDERS = frozenset(
    [
        *(
            "",
            "none",
            "na",
            "n/a",
            "not specified",
            "not applicable",
            "not available",
            "unknown",
            "invalid",
            "undefined",
        ),
        *("default string", "to be filled by o.e.m.", "to be filled by oem", "system serial number", "serial number"),
        *("oem", "0123456789", "123456789", "1234567890", "03000200-0400-0500-0006-000700080009"),
    ]
)
"""What makers leave in the firmware when they set nothing; the last one is the same on many thousand boards."""


_CLASSES = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": r"\s",
    "word": r"\w",
    "xdigit": "A-Fa-f0-9",
}
"""POSIX classes, which Palette's expressions (RE2) know and Python's would take for a set of their letters."""
_CLASS = re.compile(r"\[:(\^?[a-z]+):\]")

Search = Callable[[str, str], "Optional[re.Match[str]]"]
"""Looks for a pattern in a text like `re.search`; raises `ValueError` with a sentence when it takes too long."""


class Identity(NamedTuple):
    """A host's UID, where it came from (`name`, `deviceUIDPaths` or `random`), and what the user should know."""

    uid: str
    how: str
    warnings: Tuple[str, ...]


class Tags(NamedTuple):
    """A host's labels (a tag without value has the label value that Palette uses), and what went wrong."""

    labels: Dict[str, str]
    warnings: Tuple[str, ...]


def is_placeholder(value: str) -> bool:
    """Return whether a serial number or UUID is meaningless: a maker's default, or one character over and over."""
    folded = value.strip().lower()
    return folded in _PLACEHOLDERS or len(set(folded.replace("-", "").replace(" ", ""))) <= 1


def _as_site(site: Union[Site, Mapping[str, object]]) -> Site:
    return site if isinstance(site, Site) else Site(site)


def derive_uid(
    site: Union[Site, Mapping[str, object]],
    read_file: Callable[[str], str],
    random_hex: Callable[[int], str],
    search: Search = re.search,
) -> Identity:
    """Return the identity of this host.

    `site` is a `Site` or the map `stylus.site`; `read_file(path)` returns a file's text or raises `OSError`;
    `random_hex(n)` returns n random bytes as hex digits (`secrets.token_hex`); `search` bounds the time that an
    expression of the user-data may take. Never fails: the last way is random.

    `name: "$random"` skips the name; files that were named expressly are still asked first, the default one is not.
    """
    site = _as_site(site)
    warnings: List[str] = []
    if site.name and site.name != RANDOM:
        uid = fit_uid(site.name)
        if uid:
            if uid != site.name:
                warnings.append(f"The name was changed to {uid}: " + " ".join(check_uid(site.name)))
            return Identity(uid, "name", tuple(warnings))
        warnings.append("stylus.site.name has no character that a UID may have; another way is used.")
    paths = site.uid_paths or (() if site.name == RANDOM else (UidPath(DEFAULT_UID_PATH),))
    for path in paths:
        value, warning = _from_file(path, read_file, search)
        if warning:
            warnings.append(warning)
        if value:
            return Identity(_prefixed(site.prefix, value), "deviceUIDPaths", tuple(warnings))
    if site.name != RANDOM:
        warnings.append(
            "No identity was found on this device, so a random one is used: after a re-install this machine will look "
            "like another host, and its old record must be deleted. Set stylus.site.name to avoid that."
        )
    return Identity(_prefixed(site.prefix, random_hex(16)), "random", tuple(warnings))


def _prefixed(prefix: str, value: str) -> str:
    prefix = fit_uid(prefix)
    # a device file may contain the complete UID already, prefix and all
    uid = value if not prefix or value.startswith(prefix + "-") else f"{prefix}-{value}"
    return uid[:MAX_UID]


def _from_re2(pattern: str) -> str:
    """Return an expression of RE2 as Python's `re` means it; raises `re.error` for a class that neither knows."""

    def members(match: "re.Match[str]") -> str:
        if match.group(1) not in _CLASSES:
            raise re.error(f"the class [:{match.group(1)}:] is not known")
        return _CLASSES[match.group(1)]

    return _CLASS.sub(members, pattern).replace(r"\z", r"\Z")


def _from_file(path: UidPath, read_file: Callable[[str], str], search: Search) -> Tuple[str, str]:
    """Return (value, warning) of one device-UID file; the value is empty when the file gives none."""
    try:
        text = read_file(path.name)
    except OSError as error:
        return "", f"{path.name} cannot be read: {error.strerror or error}."
    except ValueError:
        return "", f"{path.name} is not text."
    value = text.replace("\0", " ").strip()
    if path.regex:
        try:
            match = search(_from_re2(path.regex), value)
        except ValueError as error:
            return "", f"The expression {path.regex!r} for {path.name} was given up: {error}."
        except (re.error, OverflowError, RecursionError) as error:
            return "", f"The expression {path.regex!r} for {path.name} is not valid: {error}."
        if match is None:
            return "", f"Nothing in {path.name} matches {path.regex!r}."
        value = next((group for group in match.groups() if group), match.group(0)).strip()
    if is_placeholder(value):
        return "", f"{path.name} contains {value[:60]!r}, which does not distinguish this device from others."
    fitted = fit_uid(value)
    return fitted, "" if fitted else f"{path.name} has no character that a UID may have."


def read_tags(
    site: Union[Site, Mapping[str, object]],
    read_file: Callable[[str], str],
    run_script: Callable[[str, float], str],
) -> Tags:
    """Return the host's tags from the map, the file and the script of its user-data.

    `run_script(path, seconds)` returns what the script printed; it raises `OSError`, `TimeoutError` or
    `ValueError` with a sentence. When two sources set a key differently, the map wins over the file over the script.
    """
    site = _as_site(site)
    warnings: List[str] = []
    sources: List[Tuple[str, Mapping[str, str]]] = [("tags", site.tags)]
    if site.tags_file:
        try:
            sources.append((site.tags_file, _tags_in_text(read_file(site.tags_file), site)))
        except (OSError, ValueError) as error:
            warnings.append(f"Tags cannot be read from {site.tags_file}: {_why(error)}.")
    if site.tags_script:
        try:
            printed = run_script(site.tags_script, site.tags_script_timeout)
            sources.append((site.tags_script, _tags_in_json(printed)))
        except (OSError, ValueError) as error:
            warnings.append(f"The tag script {site.tags_script} gave no tags: {_why(error)}.")
    labels: Dict[str, str] = {}
    for source, result in sources:
        for key, value in result.items():
            label = value if value else BARE
            if key in labels:
                if labels[key] != label:
                    warnings.append(f"{source} sets tag {key} again; the first value stays.")
                continue
            if key:
                labels[key] = label
    return Tags(labels, tuple(warnings))


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__


def _tags_in_text(text: str, site: Site) -> Dict[str, str]:
    matches: Dict[str, str] = {}
    for entry in text.split(site.tags_delimiter):
        key, _, value = entry.partition(site.tags_separator)
        if key.strip():
            matches[key.strip()] = value.strip()
    return matches


def _tags_in_json(text: str) -> Dict[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it did not print JSON") from None
    if not isinstance(value, dict):
        raise ValueError("it did not print a JSON object")
    matches = {}
    for key, item in value.items():
        if isinstance(item, (dict, list)):
            raise ValueError(f"the value of {key[:60]} is not a text")
        matches[key.strip()] = (
            "" if item is None else (str(item).lower() if isinstance(item, bool) else str(item).strip())
        )
    return matches
