"""Write the SBOMs (SPDX 2.3, JSON) of what is released: the wheel, the agent's archive and the installed hub.

    python packaging/sbom.py --dist dist        reads dist/*.whl and dist/edgewright-agent.pyz

`WHEEL.spdx.json` lists the wheel's files and the libraries of the lock file with each sha256 that it accepts,
`edgewright-agent.pyz.spdx.json` the archive's files (the agent has no libraries), `edgewright-hub.spdx.json` what a hub
runs on that was installed from the lock file: the interpreter and the libraries installed here;
`edgewright-hub-image.spdx.json` what its container image has over the base. The same inputs give the same bytes;
SOURCE_DATE_EPOCH sets the time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import sys
import uuid
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgewright import __version__  # noqa: E402 - the source tree beside this script
from edgewright.core.errors import EdgewrightError  # noqa: E402
from edgewright.forge import spdx  # noqa: E402
from edgewright.forge.hubimage import contents, sbom  # noqa: E402

LICENCE = "Apache-2.0"
_EPOCH = 1767225600.0
"""2026-01-01, the time of the files in the agent's archive."""
_BY_CLASSIFIER = {
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


class Locked(NamedTuple):
    """One library of the lock file with the digests of the files that may be installed."""

    name: str
    version: str
    marker: str
    sha256: tuple[str, ...]


def read_lock(text: str) -> dict[str, Locked]:
    """Return the libraries of a lock file by name. Raises `ValueError` for one without version or hash."""
    libraries: dict[str, Locked] = {}
    for entry in re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text).replace("\\\n", " ")):
        if not entry.strip():
            continue
        requirement = Requirement(entry.split(" --hash")[0])
        pinned = [each.version for each in requirement.specifier if each.operator == "=="]
        hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
        if not pinned or not hashes:
            raise ValueError(f"The lock file gives {requirement.name} no version or no hash.")
        name = canonicalize_name(requirement.name)
        libraries[name] = Locked(name, pinned[0], str(requirement.marker or ""), hashes)
    return libraries


def required(name: str, extras: Iterable[str] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (name, extras) of what an installed distribution requires on this machine."""
    for text in installed(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in ("", *extras)):
            yield canonicalize_name(requirement.name), tuple(sorted(requirement.extras))


def installed(name: str) -> Distribution:
    """Return the distribution that is installed here. Raises `ValueError` naming the step to take."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise ValueError(f"{name} is not installed here; install the lock file first: make test") from None


def licence_of(library: Distribution) -> str:
    """Return the SPDX licence expression that the author of a library declares, or NOASSERTION."""
    if expression := library.metadata["License-Expression"]:
        return expression
    classifiers = library.metadata.get_all("Classifier") or []
    by_classifier = [_BY_CLASSIFIER[each] for each in classifiers if each in _BY_CLASSIFIER]
    return by_classifier[0] if by_classifier else spdx.UNKNOWN


def library(lock: Locked, why: str) -> dict[str, Any]:
    """Return a locked library as a package."""
    licence = spdx.UNKNOWN
    try:
        here = distribution(lock.name)
        if here.version == lock.version:
            licence = licence_of(here)
    except PackageNotFoundError:  # of another platform
        pass
    more = {"comment": why + (f" Needed where {lock.marker}." if lock.marker else "")}
    ref, purl = spdx.identifier("Package", lock.name), f"pkg:pypi/{lock.name}@{lock.version}"
    return spdx.package(ref, lock.name, lock.version, sha256=lock.sha256, licence=licence, purl=purl, **more)


def archive_document(path: Path, name: str, lock: Mapping[str, Locked], direct: Collection[str]) -> dict[str, Any]:
    """Return the SBOM of a zip archive: its files, and the libraries that it depends on. Raises `OSError`."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        contents = {each.filename: archive.read(each) for each in archive.infolist() if not each.is_dir()}
    root = spdx.identifier("Root", name)
    entry = spdx.package(
        root, name, __version__, sha256=[hashlib.sha256(data).hexdigest()], licence=LICENCE, purpose="ARCHIVE",
        packageFileName=path.name, licenseInfoFromFiles=[spdx.UNKNOWN],
    )  # fmt: skip
    files = spdx.files_of(entry, contents)
    packages = [entry, *(library(each, "Checksums: files that the lock file accepts.") for each in lock.values())]
    relations = [
        spdx.relation(root, "DEPENDS_ON", ref) if not locked.marker or name in direct
        else spdx.relation(ref, "OPTIONAL_DEPENDENCY_OF", root)  # of other platforms and Pythons
        for name, locked in lock.items()
        for ref in [spdx.identifier("Package", name)]
    ]  # fmt: skip
    return _document(path.name, data, packages, relations, files=files)


def hub_document(lock: Mapping[str, Locked]) -> dict[str, Any]:
    """Return the SBOM of the installed hub. Raises `ValueError` when what is installed is not what is locked."""
    root, python = spdx.identifier("Root", "edgewright-hub"), spdx.identifier("Package", "python")
    version = platform.python_version()
    packages = [
        spdx.package(root, "edgewright-hub", __version__, licence=LICENCE, purpose="APPLICATION"),
        spdx.package(python, "python", version, purpose="APPLICATION", purl=f"pkg:generic/python@{version}"),
    ]
    relations = [spdx.relation(root, "DEPENDS_ON", python)]
    direct: list[tuple[str, tuple[str, ...]]]
    direct = [(canonicalize_name(each.name), tuple(sorted(each.extras))) for each in runtime_requirements()]
    relations += [spdx.relation(root, "DEPENDS_ON", spdx.identifier("Package", name)) for name, _ in direct]
    todo, seen = list(direct), set(direct)
    names: set[str] = set()
    while todo:
        name, extras = todo.pop(0)
        if name not in names:
            names.add(name)
            packages.append(library(_as_installed(name, lock), "Checksums: files that the lock file accepts."))
        for below in required(name, extras):
            relation = spdx.relation(
                spdx.identifier("Package", name), "DEPENDS_ON", spdx.identifier("Package", below[0])
            )
            if relation not in relations:
                relations.append(relation)
            if below not in seen:
                seen.add(below)
                todo.append(below)
    seed = "".join(f"{each['name']}=={each['versionInfo']}" for each in packages)
    return _document("edgewright-hub", seed.encode(), packages, relations)


def _as_installed(name: str, lock: Mapping[str, Locked]) -> Locked:
    version = installed(name).version
    if name not in lock or lock[name].version != version:
        locked = lock[name].version if name in lock else "nothing"
        raise ValueError(f"{name} {version} is installed, the lock file has {locked}; install the lock file first.")
    return lock[name]


def runtime_requirements() -> list[Requirement]:
    """Return what pyproject.toml requires to run on this machine, PostgreSQL's driver included."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    return [each for each in map(Requirement, texts) if each.marker is None or each.marker.evaluate()]


def _document(
    name: str, seed: bytes, packages: list[dict[str, Any]], relations: list[dict[str, str]], **more: Any
) -> dict[str, Any]:
    namespace = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(name.encode() + seed).hexdigest())}"
    created = float(os.environ.get("SOURCE_DATE_EPOCH", _EPOCH))
    return spdx.document(name, namespace, created, f"edgewright-{__version__}", packages, relations, **more)


def documents(dist: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield (file to write, document) of each product in `dist`, and of the hub. Raises `ValueError`, `OSError`."""
    lock = read_lock((ROOT / "requirements.txt").read_text())
    wheels = sorted(dist.glob("edgewright-*.whl"))
    agent = dist / "edgewright-agent.pyz"
    if not wheels or not agent.is_file():
        raise ValueError(f"There is no wheel or no edgewright-agent.pyz in {dist}; build them first: make sbom")
    for wheel in wheels:
        direct = [canonicalize_name(each.name) for each in runtime_requirements()]
        yield wheel.with_name(wheel.name + ".spdx.json"), archive_document(wheel, "edgewright", lock, direct)
    yield agent.with_name(agent.name + ".spdx.json"), archive_document(agent, "edgewright-agent", {}, ())
    yield dist / "edgewright-hub.spdx.json", hub_document(lock)
    yield dist / "edgewright-hub-image.spdx.json", image_document()


def image_document() -> dict[str, Any]:
    """Return the SBOM of what `forge hub-image` puts over its base. Raises `ValueError` when a library is missing."""
    created = float(os.environ.get("SOURCE_DATE_EPOCH", _EPOCH))
    try:
        return sbom.document("edgewright-hub-image", "", contents.libraries(), contents.own_files(), created)
    except EdgewrightError as error:
        raise ValueError(f"{error.message} {error.hint}") from None


def main() -> int:
    """Write every document and print its name, packages and files; 1 and a sentence when one cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    dist = parser.parse_args().dist
    try:
        for path, document in documents(dist):
            path.write_text(spdx.text(document))
            counts = f"{len(document['packages'])} packages, {len(document.get('files', ()))} files"
            print(f"{path}  {counts}")  # noqa: T201
    except (ValueError, OSError) as error:
        print(f"sbom: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
