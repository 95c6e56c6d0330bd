"""Projects of a plan and of a user-data, against what the plane lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgewright.forge.sites.projects import check_projects
from edgewright.forge.sites.rows import read_plan
from edgewright.forge.userdata.online_project import check_project

PROJECTS: list[dict[str, Any]] = [
    {"metadata": {"uid": "6f1", "name": "shops"}},
    {"metadata": {"uid": "6f2", "name": "depots"}},
]


def plan_of(tmp_path: Path, *projects: str) -> Any:
    rows = "".join(f"edge-{number},{project}\n" for number, project in enumerate(projects))
    (tmp_path / "plan.csv").write_text(f"name,project\n{rows}")
    return read_plan(tmp_path / "plan.csv")


def test_a_project_that_the_plane_does_not_have_is_an_error_once(tmp_path: Path) -> None:
    found = check_projects(plan_of(tmp_path, "shops", "Nope", "", "Nope", "shop"), PROJECTS, "")
    assert [(one.severity, one.line) for one in found] == [("error", 3), ("error", 6)]
    assert "no project Nope that your key may see (2 rows name it)." in found[0].message
    assert "`shops`" in found[1].message


def test_what_could_not_be_asked_is_not_known(tmp_path: Path) -> None:
    (one,) = check_projects(plan_of(tmp_path, "shops"), None, "there is no context")
    assert one.severity == "unknown" and "the project shops is not known: there is no context." in one.message
    assert check_projects(plan_of(tmp_path, ""), None, "x") == []


@pytest.mark.parametrize(
    ("site", "codes"),
    [
        ({"projectName": "shops"}, []),
        ({"projectUid": "6f2"}, []),
        ({"projectName": "Shops"}, ["NoSuchProject"]),
        ({"projectUid": "shops"}, ["NoSuchProject"]),
        ({"projectName": "{{ .Values.project }}"}, []),
        ({}, []),
    ],
)
def test_the_project_of_a_user_data(site: dict[str, str], codes: list[str]) -> None:
    assert [one.code for one in check_project({"stylus": {"site": site}}, PROJECTS)] == codes
    assert check_project({"stylus": {"site": site}}, None) == []
