"""Versions of a profile: draft, published, the next one, a clone."""

from __future__ import annotations

import dataclasses
from typing import Iterable, List, Sequence

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles import semver
from edgewright.core.profiles.checks import check_form
from edgewright.core.profiles.model import DRAFT, PUBLISHED, Profile
from edgewright.core.profiles.problems import Problem, raise_errors


def published(profile: Profile, problems: Sequence[Problem] = ()) -> Profile:
    """Return the profile as published. Raises `InvalidDocument` with what is wrong in it, `problems` included."""
    raise_errors(f"The profile {profile.label} cannot be published", [*check_form(profile, publish=True), *problems])
    return dataclasses.replace(profile, state=PUBLISHED)


def ordered_versions(versions: Iterable[str]) -> List[str]:
    """Return versions in semantic order, lowest first; other texts come before all."""
    return sorted(versions, key=_order)


def _order(version: str) -> "tuple[int, object, str]":
    parsed = semver.parse(version)
    return (0, (), version) if parsed is None else (1, parsed.key, version)


def suggested_version(versions: Iterable[str]) -> str:
    """Return the version that follows the highest: its next minor version, `1.0.0` for none."""
    known = [parsed for parsed in map(semver.parse, versions) if parsed is not None]
    if not known:
        return "1.0.0"
    highest = max(known, key=lambda version: version.key)
    return str(semver.Version(highest.major, highest.minor + 1, 0))


def new_version(profile: Profile, version: str, existing: Iterable[str]) -> Profile:
    """Return a draft of another version of a profile. Raises `InvalidInput` for a version that is invalid or exists."""
    check_version(profile.name, version, existing)
    return dataclasses.replace(profile, version=version, state=DRAFT, uid="")


def clone(profile: Profile, name: str, version: str, existing: Iterable[str]) -> Profile:
    """Return a draft of a profile under another name; `existing` are the versions that this name has."""
    check_version(name, version, existing)
    return dataclasses.replace(profile, name=name, version=version, state=DRAFT, uid="")


def check_version(name: str, version: str, existing: Iterable[str]) -> None:
    """Raise `InvalidInput` when a version is not semantic (`InvalidVersion`) or exists already (`VersionExists`)."""
    parsed = semver.parse(version)
    if parsed is None:
        raise InvalidInput(f"{version[:40]!r} is not a semantic version.", "Write it as 1.0.0.", "InvalidVersion")
    known = list(existing)
    if any(semver.parse(other) == parsed for other in known):
        raise InvalidInput(
            f"The profile {name} has a version {version} already.",
            f"Use another, e.g. {suggested_version(known)}.",
            "VersionExists",
        )
