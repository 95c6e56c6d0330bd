"""The built-in catalogue: packs are complete, their values follow their schemas, their references are well-formed."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from edgewright.core.packs import layers, stack, versions
from edgewright.core.packs.pack import Pack
from edgewright.core.packs.schema import check_values, values_at
from edgewright.oci import reference
from edgewright.packs import catalogue
from edgewright.packs.fetching import web_address
from edgewright.packs.registry import place_of
from edgewright.yamltext.documents import read_one

PACKS = catalogue.packs()
BY_NAME = {pack.name: pack for pack in PACKS}
EMPTY_ON_PURPOSE = {"edge-native-byoi": {"options.system.uri"}}
"""Values that a user must give: the catalogue cannot know them."""


def test_what_a_new_user_can_choose_from() -> None:
    assert {pack.name: pack.layer for pack in PACKS} == {
        "edge-native-byoi": "os",
        "edge-k8s": "k8s",
        "edge-k3s": "k8s",
        "cni-flannel": "cni",
        "cni-cilium": "cni",
        "csi-local-path": "csi",
        "csi-longhorn": "csi",
        "metrics-server": "addon",
        "cert-manager": "addon",
        "traefik": "addon",
        "podinfo": "addon",
        "gpu-operator": "addon",
        "kubevirt": "addon",
    }
    assert [pack.version for pack in PACKS if pack.name == "edge-k8s"] == ["1.36.3", "1.35.4"]


def test_marks_claim_nothing_that_was_not_tried() -> None:
    marks = {pack.name: pack.proven for pack in PACKS if pack.proven}
    assert marks == {
        "edge-k3s": layers.NOT_PROVEN,
        "gpu-operator": layers.NOT_DEPLOYED,
        "kubevirt": layers.NOT_DEPLOYED,
    }


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: f"{pack.name}-{pack.version}")
def test_a_pack_is_complete(pack: Pack) -> None:
    assert pack.for_edge and pack.readme.startswith("# ") and pack.display_name
    assert versions.is_semantic(pack.version) and pack.document["annotations"] == {"source": "edgewright"}
    values = read_one(pack.values, "values.yaml")
    wrong = {problem.key for problem in check_values(pack.schema, values)}
    assert wrong == EMPTY_ON_PURPOSE.get(pack.name, set())
    for entry in pack.schema:  # a path that does not exist would check nothing
        assert all(value is not None for _, value in values_at(values, entry.name)), entry.name
    for preset in pack.presets:
        assert isinstance(read_one(preset.add, preset.name), dict)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: f"{pack.name}-{pack.version}")
def test_a_pack_names_its_images_and_its_upstream(pack: Pack) -> None:
    if pack.layer == "os":
        assert not pack.images and pack.upstream is None  # the image is the user's
        return
    assert pack.images
    for image in pack.images:
        parsed = reference.parse(image)
        assert str(parsed) == image and (parsed.tag or parsed.digest)
    upstream = pack.upstream
    assert upstream is not None and upstream.version
    assert upstream.digest == "" or re.fullmatch(r"sha256:[0-9a-f]{64}", upstream.digest)
    if upstream.kind in ("helm", "manifest"):
        assert web_address(upstream.repository, "x").scheme == "https" and upstream.name
        assert not urlsplit(upstream.repository).query
    else:
        place_of(upstream.repository)


def test_the_packs_go_together() -> None:
    chosen = [BY_NAME[name] for name in ("edge-native-byoi", "edge-k8s", "cni-flannel", "csi-longhorn")]
    addons = [pack for pack in PACKS if pack.layer == "addon"]
    assert stack.check([*chosen, *addons]) == []


def test_uids_of_packs_are_the_same_everywhere() -> None:
    assert catalogue.uid("r", "edge-k8s", "1.36.3") == catalogue.uid("r", "edge-k8s", "1.36.3")
    uids = {catalogue.uid("r", pack.name, pack.version) for pack in PACKS}
    assert len(uids) == len(PACKS) and all(re.fullmatch("[0-9a-f]{24}", uid) for uid in uids)
