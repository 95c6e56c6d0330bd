"""The SBOMs of wheel, agent archive and hub are valid SPDX 2.3 and name what is in them."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edgewright.agent.install import archive
from edgewright.forge import spdx
from tests import spdx_rules
from tests.support import ROOT


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sbom", ROOT / "packaging" / "sbom.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the agent's archive and a small wheel; a real one needs the network for its build."""
    folder = tmp_path_factory.mktemp("dist")
    archive.build(str(folder / "edgewright-agent.pyz"), str(ROOT / "edgewright"))
    with zipfile.ZipFile(folder / "edgewright-0.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("edgewright/__init__.py", "")
        wheel.writestr("tui/__init__.py", "x = 1\n")
    return folder


@pytest.fixture(scope="module")
def written(sbom: ModuleType, dist: Path) -> dict[str, dict[str, Any]]:
    return {path.name: document for path, document in sbom.documents(dist)}


def test_every_document_is_valid_and_the_same_each_time(
    sbom: ModuleType, dist: Path, written: dict[str, dict[str, Any]]
) -> None:
    assert set(written) == {
        "edgewright-0.0-py3-none-any.whl.spdx.json", "edgewright-agent.pyz.spdx.json", "edgewright-hub.spdx.json",
        "edgewright-hub-image.spdx.json",
    }  # fmt: skip
    for document in written.values():
        assert spdx_rules.problems(json.loads(spdx.text(document))) == []
    assert {path.name: document for path, document in sbom.documents(dist)} == written


def test_the_archive_has_every_file_and_its_own_digest(dist: Path, written: dict[str, dict[str, Any]]) -> None:
    document = written["edgewright-agent.pyz.spdx.json"]
    path = dist / "edgewright-agent.pyz"
    (package,) = document["packages"]
    assert package["checksums"][0]["checksumValue"] == hashlib.sha256(path.read_bytes()).hexdigest()
    names = {f"./{name}" for name in zipfile.ZipFile(path).namelist()}
    assert {file["fileName"] for file in document["files"]} == names


def test_the_hub_has_the_libraries_that_are_installed_and_no_others(written: dict[str, dict[str, Any]]) -> None:
    packages = {each["name"]: each for each in written["edgewright-hub.spdx.json"]["packages"]}
    for name in ("starlette", "uvicorn", "sqlalchemy", "cryptography", "psycopg-binary", "h11"):
        assert packages[name]["versionInfo"] == version(name) and packages[name]["checksums"]
    assert {"python", "edgewright-hub"} <= set(packages) and not {"pytest", "mypy"} & set(packages)
    assert packages["uvicorn"]["licenseDeclared"] == "BSD-3-Clause"


def test_the_wheel_depends_on_the_whole_lock_file(sbom: ModuleType, written: dict[str, dict[str, Any]]) -> None:
    document = written["edgewright-0.0-py3-none-any.whl.spdx.json"]
    lock = sbom.read_lock((ROOT / "requirements.txt").read_text())
    assert {each["name"] for each in document["packages"]} == {"edgewright", *lock}
    textual = next(each for each in document["packages"] if each["name"] == "textual")
    assert [each["checksumValue"] for each in textual["checksums"]] == list(lock["textual"].sha256)
    assert textual["externalRefs"][0]["referenceLocator"] == f"pkg:pypi/textual@{version('textual')}"


@pytest.mark.parametrize("text", ["uvicorn>=1 \\\n    --hash=sha256:" + "0" * 64, "uvicorn==1"])
def test_a_lock_file_without_version_or_hash_is_refused(sbom: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match="uvicorn no version or no hash"):
        sbom.read_lock(text)


def test_an_installed_library_of_another_version_than_the_locked_is_refused(sbom: ModuleType) -> None:
    lock = sbom.read_lock((ROOT / "requirements.txt").read_text())
    with pytest.raises(ValueError, match=r"is installed, the lock file has 0\.1"):
        sbom.hub_document({**lock, "uvicorn": lock["uvicorn"]._replace(version="0.1")})


def test_a_folder_without_products_is_refused(sbom: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="make sbom"):
        next(sbom.documents(tmp_path))


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ((), "spdxVersion", "SPDX-2.2"),
        (("creationInfo",), "created", "2026-01-01T00:00:00.000Z"),
        (("packages", 0), "SPDXID", "SPDXRef-a_b"),
        (("packages", 0), "licenseDeclared", "MIT/X11; see LICENSE"),
        (("packages", 0), "packageVerificationCode", {"packageVerificationCodeValue": "0" * 40}),
        (("files", 0), "checksums", []),
        (("relationships", 0), "relatedSpdxElement", "SPDXRef-nothing"),
        (("relationships", 0), "relationshipType", "USES"),
    ],
)
def test_what_is_wrong_with_a_document_is_found(
    written: dict[str, dict[str, Any]], place: tuple[str | int, ...], key: str, value: Any
) -> None:
    document = copy.deepcopy(written["edgewright-agent.pyz.spdx.json"])
    part: Any = document
    for step in place:
        part = part[step]
    part[key] = value
    assert spdx_rules.problems(document)
