"""The registry of each pack of an import: the only one that has it, the one that the document names, or a choice."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from edgewright.commands.profile.importing import _with_registries
from edgewright.core.errors import InvalidInput, NotFound

Json = dict[str, Any]


def documents(named: str, *having: str) -> tuple[Json, Json]:
    """Return the document of a profile with one pack, and the answer of a plane whose registries have it."""
    pack: Json = {"name": "podinfo", "tag": "6.9.2", "layer": "addon"}
    if named:
        pack["registry"] = {"metadata": {"name": named}}
    document = {"spec": {"template": {"packs": [pack]}}}
    answer = copy.deepcopy(document)
    matching = [{"uid": f"uid-{name}", "name": name, "kind": "pack"} for name in having]
    answer["spec"]["template"]["packs"][0]["registry"] = {"matchingRegistries": matching}
    return document, answer


@pytest.mark.parametrize(
    ("named", "having", "wanted", "chosen"),
    [
        ("", ("a",), "", "a"),
        ("elsewhere", ("a",), "", "a"),
        ("b", ("a", "b"), "", "b"),
        ("b", ("a", "b"), "a", "a"),
        ("", ("a", "b"), "b", "b"),
    ],
)
def test_the_registry_of_a_pack(named: str, having: tuple[str, ...], wanted: str, chosen: str) -> None:
    document, answer = documents(named, *having)
    assert _with_registries(document, answer, wanted) == [f"addon: podinfo 6.9.2 from {chosen}"]
    (pack,) = document["spec"]["template"]["packs"]
    assert pack["registry"] == {"metadata": {"name": chosen, "uid": f"uid-{chosen}"}}


def test_what_is_not_clear_is_asked_for() -> None:
    document, answer = documents("c", "a", "b")
    with pytest.raises(InvalidInput, match=r"Several registries have this pack: podinfo \(a, b\)\.") as caught:
        _with_registries(document, answer, "")
    assert caught.value.hint == "Choose one: --registry NAME"
    with pytest.raises(NotFound, match="The registry z has no pack of this profile"):
        _with_registries(*documents("a", "a", "b"), "z")


def test_a_manifest_layer_has_no_registry() -> None:
    document, answer = documents("")
    assert _with_registries(document, answer, "") == ["addon: podinfo 6.9.2"]
