"""Verbs of profiles that read: comparisons, previews, exports; and those that tag and copy, over a plane in a dict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Outcome
from edgewright.core.errors import EdgewrightError, ExitCode, InvalidDocument, InvalidInput, NotFound, UsageError
from edgewright.core.packs.schema import SchemaEntry, check_values
from edgewright.profiles.directory import read_directory
from edgewright.store.engine.store import Store
from tests.tui.packs.profile_plane import ProfilePlane
from tests.tui.plane import context_of

HINTED = SchemaEntry("options.uri", required=True, hints=("reference of the provider image.",))


@pytest.fixture
def plane() -> ProfilePlane:
    return ProfilePlane()


async def run(plane: ProfilePlane, verb: str, *targets: str, **args: Any) -> Outcome:
    command = registry.by_name(f"profile {verb}")
    assert command is not None
    return await registry.run(command, context_of(plane, Store()), targets, args)


@pytest.mark.parametrize(
    "targets", [("shop-small", "1.0.0", "1.1.0"), ("shop-small:1.0.0", "shop-small:1.1.0"), ("p-1", "p-2")]
)
async def test_two_versions_are_compared_however_they_are_named(plane: ProfilePlane, targets: tuple[str, ...]) -> None:
    outcome = await run(plane, "diff", *targets)
    document = outcome.result.document
    assert (document["before"], document["after"]) == ("shop-small 1.0.0", "shop-small 1.1.0")
    assert {row["path"]: (row["behaviour"], row["rule"]) for row in document["changes"]} == {
        "pack.drain.force": ("no-op", "os-pack"),
        "stages.boot[0].name": ("reboot", "boot-stages"),
        "cluster.config.kubeletConfiguration.shutdownGracePeriod": ("restart", "kubernetes-cluster"),
    }
    assert document["behaviour"] == "reboot" and document["unknown"] is False
    assert "shop-small 1.0.0 -> shop-small 1.1.0: Reboot: hosts reboot one after another." in outcome.result.text


async def test_a_version_is_compared_with_the_one_that_a_cluster_has(plane: ProfilePlane) -> None:
    outcome = await run(plane, "diff", "shop-small:1.10.0", cluster="harbour")
    document = outcome.result.document
    assert document["before"] == "shop-small 1.0.0" and document["after"] == "shop-small 1.10.0"
    assert [row["behaviour"] for row in document["changes"]] == ["unknown", "unknown"], "two layers are removed"
    assert document["behaviour"] == "unknown"
    lines = (await run(plane, "diff", "shop-small:1.10.0", cluster="harbour", lines=True)).result.text
    assert 'podCidr: "10.7.0.0/16"' in lines, "with the values of the cluster"
    assert "********" not in lines, "a covered value is none"


@pytest.mark.parametrize(
    ("targets", "args", "error"),
    [
        (("shop-small:1.0.0",), {}, UsageError),
        (("shop-small:1.0.0", "p-1"), {}, InvalidInput),
        (("shop-small:1.0.0", "shop-small:1.1.0"), {"cluster": "harbour"}, UsageError),
        (("shop-small:1.1.0",), {"cluster": "harbor"}, NotFound),
        (("shop-small", "1.0.0", "9.9.9"), {}, NotFound),
    ],
)
async def test_what_cannot_be_compared(
    plane: ProfilePlane, targets: tuple[str, ...], args: dict[str, Any], error: type[EdgewrightError]
) -> None:
    with pytest.raises(error):
        await run(plane, "diff", *targets, **args)


async def test_a_pack_that_cannot_be_read_is_named_in_the_comparison(plane: ProfilePlane) -> None:
    plane.broken.add("edge-native-byoi 1.0.0")
    outcome = await run(plane, "diff", "p-1", "p-2")
    assert outcome.result.document["notes"][0].startswith("Pack edge-native-byoi 1.0.0: ")
    assert "Not known: Pack edge-native-byoi 1.0.0: " in outcome.result.text


async def test_a_preview_has_the_origin_of_each_value(plane: ProfilePlane) -> None:
    outcome = await run(plane, "preview", "p-1", layer="edge-k8s", variables=["podCidr=10.9.0.0/16"])
    (layer,) = outcome.result.document["layers"]
    assert layer["origins"]["cluster.config.clusterConfiguration.networking.podSubnet"] == [
        "layer value",
        "variable podCidr",
    ]
    assert 'podSubnet: "10.9.0.0/16"' in outcome.result.text
    assert outcome.result.document["variables"]["treeRef"] == "example", "what has no default has an example"
    plain = await run(plane, "preview", "p-1", plain=True)
    assert "# open: layer edge-k8s" in plain.result.text and "{{.spectro.var.treeRef}}" in plain.result.text


async def test_a_preview_needs_names_that_exist(plane: ProfilePlane) -> None:
    with pytest.raises(NotFound, match="no layer edge-k9s"):
        await run(plane, "preview", "p-1", layer="edge-k9s")
    with pytest.raises(UsageError, match="is not NAME=VALUE"):
        await run(plane, "preview", "p-1", variables=["podCidr"])


async def test_a_value_that_cannot_be_used_ends_a_preview(plane: ProfilePlane) -> None:
    with pytest.raises(InvalidDocument) as refused:
        await run(plane, "preview", "p-1", variables=["podCidr=x", "podCdr=10.0.0.0/8"])
    assert refused.value.exit_code == ExitCode.INVALID
    assert {"variables.podCidr", "variables.podCdr"} <= {problem.key for problem in refused.value.problems}


async def test_several_profiles_are_exported_as_a_list_or_a_directory_each(plane: ProfilePlane, tmp_path: Path) -> None:
    printed = json.loads((await run(plane, "export", "p-1", "p-2")).result.text)
    assert [each["spec"]["version"] for each in printed] == ["1.0.0", "1.1.0"]
    assert json.loads((await run(plane, "export", "p-1")).result.text)["spec"]["version"] == "1.0.0"
    await run(plane, "export", "p-1", "p-2", directory=str(tmp_path / "all"))
    assert read_directory(tmp_path / "all" / "shop-small-1.1.0").version == "1.1.0"
    await run(plane, "export", "p-1", directory=str(tmp_path / "one"))
    assert read_directory(tmp_path / "one").version == "1.0.0", "one is in the directory itself"


async def test_tags_are_added_and_removed(plane: ProfilePlane) -> None:
    outcome = await run(plane, "tag", "p-1", "p-2", tags=["ring:1", "team:all"])
    assert plane.labels["p-1"] == {"team": "all", "ring": "1"} == plane.labels["p-2"]
    assert outcome.message == "Tags of 2 profiles changed."
    await run(plane, "untag", "p-1", tags=["ring", "team:shops"])
    assert plane.labels["p-1"] == {"team": "all"}, "another value is another tag"
    writes = len(plane.wrote)
    await run(plane, "untag", "p-1", tags=["ring"])
    assert len(plane.wrote) == writes, "nothing changes"
    with pytest.raises(InvalidInput):
        await run(plane, "tag", "p-1", tags=[":x"])


async def test_a_new_version_is_a_semantic_one(plane: ProfilePlane) -> None:
    await run(plane, "version", "p-1", version="1.2.0")
    assert plane.wrote[-1][2]["metadata"]["version"] == "1.2.0"
    with pytest.raises(InvalidInput, match="not a semantic version") as refused:
        await run(plane, "version", "p-1", version="new")
    assert refused.value.exit_code == ExitCode.INVALID


async def test_versions_are_listed_from_the_highest(plane: ProfilePlane) -> None:
    outcome = await run(plane, "list", filter=["shop-small"])
    assert [item.name for item in outcome.result.items] == [
        "shop-small:1.10.0",
        "shop-small:1.1.0",
        "shop-small:1.0.0",
    ]
    tagged = await run(plane, "list", filter=["tag.team:shops"])
    assert [item.name for item in tagged.result.items] == ["shop-small:1.0.0"]


async def test_a_thing_with_versions_is_called_by_both(plane: ProfilePlane) -> None:
    assert (await run(plane, "show", "p-2")).result.name == "shop-small:1.1.0"


def test_a_hint_of_a_schema_is_a_sentence() -> None:
    (problem,) = check_values((HINTED,), {})
    assert f"{problem.message} {problem.hint}" == "options.uri is required. Reference of the provider image."
