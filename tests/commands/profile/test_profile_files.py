"""Profiles in files: a cluster definition of what the plane has, and directories that are applied."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edgewright.clients import ports
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.profile import directories
from edgewright.commands.profile.definition import ProfileDefinition
from edgewright.config.settings import Settings
from edgewright.core.errors import Conflict, EdgewrightError, InvalidInput
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import Profile, Variable
from edgewright.profiles import archive, catalogue
from edgewright.profiles.directory import write_directory
from edgewright.wire import protocol
from tests.fake_connection import FakeConnection

Json = dict[str, Any]
ONE, K3S = (next(each for each in catalogue.profiles() if each.name == name) for name in ("one-node", "one-node-k3s"))


class Reply(NamedTuple):
    data: Any


class Plane:
    """Has some profiles, and answers what an apply would do or does."""

    def __init__(self, *profiles: Profile, applies: Mapping[str, Any] | None = None) -> None:
        self.profiles = {f"{profile.name}-uid": profile for profile in profiles}
        self.applies = applies or {}
        self.sent: list[tuple[str, Json]] = []

    async def call(self, method: str, path: str, what: str, **options: Any) -> Reply:
        if path == protocol.PROFILES_SEARCH:
            items = [
                {"metadata": {"uid": uid, "name": profile.name}, "specSummary": {"version": profile.version}}
                for uid, profile in self.profiles.items()
            ]
            return Reply({"items": items, "listmeta": {"count": len(items)}})
        if path == protocol.OWN_PROFILES_APPLY:
            name, params = options["body"]["metadata"]["name"], options["params"]
            if "dryRun" not in params:
                self.sent.append((name, params))
                if isinstance(self.applies[name], EdgewrightError):
                    raise self.applies[name]
            change = self.applies[name] if isinstance(self.applies[name], str) else "changed"
            return Reply({"uid": name, "change": change, "published": "publish" in params, "parts": ["labels"]})
        uid = path.split("/")[3]
        return Reply(json.dumps(exchange.to_document(self.profiles[uid])).encode())  # an export is a file


def context(plane: Plane) -> CommandContext:
    return CommandContext(Settings(), client=FakeConnection({ports.CanCall: plane}))


def masked(profile: Profile) -> Profile:

    return dataclasses.replace(profile, variables=(*profile.variables, Variable("key", default="x", masked=True)))


async def test_a_definition_with_masked_values_is_written_when_that_is_asked_for(tmp_path: Path) -> None:
    ctx, file = context(Plane(masked(ONE))), tmp_path / "site.tgz"
    with pytest.raises(InvalidInput, match=r"covers 1 value of these profiles: one-node 1\.0\.0, variables\.key"):
        await ProfileDefinition().plan(ctx, ("one-node",), {"out": str(file)})
    args = {"out": str(file), "covered": True, "name": "harbour"}
    plan = await ProfileDefinition().plan(ctx, ("one-node",), args)
    assert plan.lines[-1] == "one-node 1.0.0, variables.key: covered, to be given at the host" and not file.exists()
    await ProfileDefinition().apply(ctx, plan, args, lambda _: None)
    name, (profile,) = archive.read_archive(file)
    assert (name, profile.name, profile.variables[-1].default) == ("harbour", "one-node", "********")


async def test_profiles_that_are_no_cluster_together_are_refused(tmp_path: Path) -> None:
    ctx = context(Plane(ONE, K3S))
    with pytest.raises(EdgewrightError) as caught:
        await ProfileDefinition().plan(ctx, ("one-node", "one-node-k3s"), {"out": str(tmp_path / "x.tgz")})
    assert caught.value.exit_code == 7


async def test_a_directory_of_profiles_is_applied_and_one_that_is_refused_stops_none(tmp_path: Path) -> None:
    for profile in (ONE, K3S):
        write_directory(tmp_path / profile.name, profile)
    (tmp_path / "README").mkdir()
    plane = Plane(applies={"one-node": Conflict("It is changed by others.", "Try again."), "one-node-k3s": "created"})
    plan = await directories.plan(context(plane), tmp_path, False, "edgewright apply")
    assert plan.lines == (
        "one-node 1.0.0: changes, as a draft", "  labels", "one-node-k3s 1.0.0: new, created as a draft", "  labels",
    )  # fmt: skip
    assert plane.sent == [], "a plan stores nothing"
    lines: list[str] = []
    outcome = await directories.apply(context(plane), plan, plan.payload, lines.append)
    assert outcome.done == ("one-node-k3s 1.0.0",) and [name for name, _ in outcome.failed] == ["one-node 1.0.0"]
    assert outcome.message == "one-node-k3s 1.0.0: created, a draft." and lines == list(plan.lines)


async def test_what_does_not_change_is_not_sent(tmp_path: Path) -> None:
    write_directory(tmp_path, ONE)
    plane = Plane(applies={"one-node": "none"})
    plan = await directories.plan(context(plane), tmp_path / "profile.yaml", False, "edgewright apply")
    outcome = await directories.apply(context(plane), plan, plan.payload, lambda _: None)
    assert plan.lines[0] == "one-node 1.0.0: no change" and outcome.message == "one-node 1.0.0: no change."
    assert plane.sent == []


async def test_one_mistake_in_a_set_sends_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_directory(tmp_path / name, ONE)
    plane = Plane()
    with pytest.raises(InvalidInput, match=r"one-node 1\.0\.0 is there twice"):
        await directories.plan(context(plane), tmp_path, False, "")
    (tmp_path / "b" / "layers" / "cni-flannel" / "values.yaml").write_text("- a\n")
    with pytest.raises(EdgewrightError, match="This is a list, not a map"):
        await directories.plan(context(plane), tmp_path, False, "")
    with pytest.raises(InvalidInput, match="has no profile"):
        await directories.plan(context(plane), tmp_path / "b" / "layers", False, "")
    assert plane.sent == []
