"""The hosts of `site run` that a real hub has: by filter and by labels, without a repetition."""

from __future__ import annotations

from tests.cli.conftest import cli, hub, plane
from tests.cli_support import Cli

__all__ = ["cli", "hub", "plane"]  # fixtures, found here by pytest


def test_hosts_of_the_plane_are_chosen_by_filter_and_by_labels(plane: Cli) -> None:
    for uid, tag in (("edge-1", "site:berlin"), ("edge-2", "site:berlin"), ("edge-3", "site:kiel")):
        assert plane("host", "register", uid, "--tag", tag).code == 0
    run = ("site", "run", "--plan", "-o", "json")
    assert plane(*run, "--where", "tag.site:berlin", "--", "uptime").json()["touches"] == ["edge-1", "edge-2"]
    assert plane(*run, "other", "edge-3", "--selector", "site=kiel", "--", "uptime").json()["touches"] == [
        "other",
        "edge-3",
    ]
    none = plane(*run, "--where", "tag.site:nowhere", "--", "uptime")
    assert none.code == 2 and "No host of the plane matches." in none.err
    assert plane(*run, "--selector", "=", "--", "uptime").code == 2
