"""The installers of a plan: what they hold, what is kept, what stops them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgewright.core.errors import Conflict
from edgewright.forge.iso.configs import read_file
from edgewright.forge.iso.image import Image
from edgewright.forge.iso.tree import Tree
from edgewright.forge.iso.volume import descriptors
from edgewright.forge.manifest import read_manifest
from edgewright.forge.progress import Job
from edgewright.forge.sites.make import check_sites, make_isos, make_seeds, write_index
from edgewright.forge.sites.rows import Plan, read_plan
from tests.forge.isos import USER_DATA, extracted

COMMON: dict[str, Any] = yaml.safe_load(USER_DATA)
CSV = "name,address,gateway,dns,vlan,tag.site\nedge-1,10.0.1.10/24,10.0.1.1,10.0.1.2,,berlin\nedge-2,,,,40,paris\n"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "plan.csv").write_text(CSV)
    return read_plan(tmp_path / "plan.csv")


def read_seed(path: Path) -> dict[str, bytes]:
    with Image(path) as image:
        tree = Tree(image, descriptors(image).volumes[0])
        return {node.path: read_file(image, node) for node in tree.walk()}


def test_seeds_hold_each_sites_own_keys_and_no_secret(plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    made = make_seeds(plan, out, Job())
    assert [one.file.name for one in made] == ["edge-1-cidata.iso", "edge-2-cidata.iso"]
    first, second = (read_seed(one.file) for one in made)
    assert first["/user-data"].startswith(b"#cloud-config\n")
    assert yaml.safe_load(first["/user-data"])["stylus"]["site"] == {
        "name": "edge-1",
        "hostName": "edge-1",
        "tags": {"site": "berlin"},
        "network": {
            "interfaces": {
                "eno1": {
                    "type": "static", "ipAddress": "10.0.1.10/24", "gateway": "10.0.1.1", "nameserver": "10.0.1.2",
                }
            }
        },
    }  # fmt: skip
    files = yaml.safe_load(second["/user-data"])["stages"]["initramfs"][0]["files"]
    assert any("Id=40" in file["content"] for file in files)
    assert first["/meta-data"] == b"instance-id: edge-1\nlocal-hostname: edge-1\n"
    assert b"edgeHostToken" not in first["/user-data"] + second["/user-data"]


def test_a_second_run_keeps_what_is_the_same_and_never_replaces(plan: Plan, tmp_path: Path) -> None:
    make_seeds(plan, tmp_path, Job())
    first = write_index(tmp_path, tmp_path / "plan.csv", make_seeds(plan, tmp_path, Job()), complete=False, base=None)
    assert [one.unchanged for one in make_seeds(plan, tmp_path, Job())] == [True, True]
    document = json.loads(first.read_text())
    assert [(site["name"], site["file"]) for site in document["sites"]] == [
        ("edge-1", "edge-1-cidata.iso"), ("edge-2", "edge-2-cidata.iso"),
    ]  # fmt: skip
    (tmp_path / "edge-2-cidata.iso").write_bytes(b"mine")
    (tmp_path / "edge-1-cidata.iso").unlink()
    with pytest.raises(Conflict, match=r"edge-2-cidata\.iso is there already"):
        make_seeds(plan, tmp_path, Job())
    assert not (tmp_path / "edge-1-cidata.iso").exists()  # found before anything is written
    (tmp_path / "sites.json").write_text("[]")
    with pytest.raises(Conflict, match="not an index of sites"):
        write_index(tmp_path, tmp_path / "plan.csv", [], complete=False, base=None)


def test_whole_isos_hold_the_merged_user_data(plan: Plan, base_iso: Path, tmp_path: Path) -> None:
    made = make_isos(plan, base_iso, COMMON, tmp_path, Job())
    assert [one.file.name for one in made] == ["edge-1.iso", "edge-2.iso"]
    found = yaml.safe_load(extracted(made[1].file, "/config.yaml", tmp_path))
    site = found["stylus"]["site"]
    assert (site["name"], site["edgeHostToken"], site["tags"]) == (
        "edge-2",
        "dG9rZW4tdG9rZW4tdG9rZW4",
        {"site": "paris"},
    )
    manifest = read_manifest(made[1].file)
    assert manifest is not None and manifest["name"] == "edge-2" and manifest["iso"]["sha256"] == made[1].sha256
    again = make_isos(plan, base_iso, COMMON, tmp_path, Job())
    assert [(one.unchanged, one.sha256) for one in again] == [(True, one.sha256) for one in made]
    with pytest.raises(Conflict, match="is another installer"):
        make_isos(plan, base_iso, {**COMMON, "install": {"device": "/dev/sda"}}, tmp_path, Job())


def test_findings_name_the_row_and_common_ones_come_once(plan: Plan) -> None:
    wrong = json.loads(json.dumps(COMMON))
    wrong["stylus"]["site"]["paletteEndpoint"] = "127.0.0.1"
    said = [finding.message for finding in check_sites(wrong, plan) if finding.severity == "error"]
    assert len([line for line in said if "127.0.0.1" in line]) == 1
    assert all(line.startswith("Every site: ") for line in said)
    wrong = {**COMMON, "stylus": {"site": {**COMMON["stylus"]["site"], "network": {"interfaces": {"eno1": {
        "type": "static", "ipAddress": "10.0.1.10/24", "gateway": "10.9.9.9"}}}}}}  # fmt: skip
    said = [finding.message for finding in check_sites(wrong, plan) if finding.severity == "error"]
    assert said and all(line.startswith("Every site: ") for line in said)


def test_rows_that_are_wrong_are_not_told_twice(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("name,address,gateway\nedge-1,10.0.1.10/24,10.0.9.1\n")
    found = [f.message for f in check_sites(COMMON, read_plan(tmp_path / "bad.csv")) if "10.0.9.1" in f.message]
    assert len(found) == 1
