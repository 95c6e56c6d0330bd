"""Cluster definitions: profiles that make one cluster together, for a host without a plane."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from edgewright.core.errors import DocumentProblem, InvalidDocument
from edgewright.core.profiles.checks import check_form
from edgewright.core.profiles.exchange import from_document, to_document
from edgewright.core.profiles.model import ADDON, Profile
from edgewright.core.profiles.problems import Problem, error

VERSION = 1
FILE = "cluster-definition.json"
"""The file of an archive that names the others."""
MAX_PROFILES = 20


def check(profiles: Sequence[Profile]) -> List[Problem]:
    """Return what prevents that profiles make one cluster: one with infrastructure, no layer twice."""
    problems: List[Problem] = []
    if len(profiles) > MAX_PROFILES:
        problems.append(
            error("", "profiles", f"A cluster definition has at most {MAX_PROFILES} profiles.", "", "TooBig")
        )
    below = [profile.label for profile in profiles if profile.type != ADDON]
    if len(below) != 1:
        named = f": {' and '.join(below[:4])}" if below else ""
        message = f"A cluster definition has one profile with infrastructure layers; there are {len(below)}{named}."
        hint = "Remove all but one." if below else "Add a full or an infrastructure profile."
        problems.append(error("", "profiles", message, hint, "Infrastructure"))
    owners: Dict[str, str] = {}
    for profile in profiles:
        for layer in profile.layers:
            other = owners.setdefault(layer.key, profile.label)
            if other != profile.label:
                message = f"The pack is in the profiles {other} and {profile.label}."
                problems.append(error(layer.key, "", message, "Remove it from one of them.", "DuplicatePack"))
    for profile in profiles:
        problems += [row._replace(path=f"{profile.label}: {row.path}") for row in check_form(profile, publish=True)]
    return problems


def to_files(name: str, profiles: Sequence[Profile]) -> List[Tuple[str, Dict[str, Any]]]:
    """Return the files of a cluster definition as JSON documents, `FILE` first; they contain secrets for the host."""
    files = [(f"profiles/{number:02}.json", to_document(item, secrets=True)) for number, item in enumerate(profiles, 1)]
    listed = [
        {"file": file, "name": profile.name, "version": profile.version, "type": profile.type}
        for (file, _document), profile in zip(files, profiles)
    ]
    return [(FILE, {"version": VERSION, "name": name, "profiles": listed}), *files]


def from_files(files: Mapping[str, Any], what: str = "The cluster definition") -> Tuple[str, List[Profile]]:
    """Return name and profiles of a cluster definition. Raises `InvalidDocument` for what is not of its form."""
    index = files.get(FILE)
    if not isinstance(index, Mapping):
        raise InvalidDocument(
            what, [DocumentProblem("", f"{FILE} is not in it.", "Is it a cluster definition?", "Form")]
        )
    if index.get("version") != VERSION:
        shown = str(index.get("version"))[:20]
        raise InvalidDocument(what, [DocumentProblem("version", f"Version {shown} is not known.", "", "Form")])
    rows = index.get("profiles")
    problems: List[DocumentProblem] = []
    profiles: List[Profile] = []
    for number, row in enumerate(rows if isinstance(rows, list) else []):
        file = row.get("file") if isinstance(row, Mapping) else None
        if not isinstance(file, str) or file not in files:
            problems.append(DocumentProblem(f"profiles[{number}]", "Its file is not in the archive.", "", "Form"))
            continue
        try:
            profiles.append(from_document(files[file], file))
        except InvalidDocument as wrong:
            problems += [row._replace(key=f"{file}: {row.key}") for row in wrong.problems]
    if problems or not profiles:
        raise InvalidDocument(what, problems or [DocumentProblem("profiles", "It names no profile.", "", "Form")])
    return str(index.get("name") or ""), profiles
