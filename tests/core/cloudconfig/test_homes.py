"""A key in the wrong place is told its right one, for every key there is; an opposite is never offered."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.cloudconfig.findings import ERROR, WARNING, Finding
from edgewright.core.cloudconfig.opposites import are_opposite, is_inverse
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.cloudinit import TOP, USER, keys_at
from edgewright.core.cloudconfig.schema.homes import homes_of, readable, suggestion
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.cloudconfig.schema.model import Key, Node, nearest, parts
from edgewright.core.cloudconfig.schema.shape import check_shape
from edgewright.core.cloudconfig.schema.stages import STAGES

NAMES = {"stages": "boot", "users": "ops", "interfaces": "eno1", "authorized_keys": "root"}
VALUES: dict[str, Any] = {model.FLAG: True, model.INT: 1, model.MAP: {"zz": 1}, model.TABLE: {"zz": "1"}}
VALUES |= {model.TEXTS: ["x"], model.MAPS: [{"zz": 1}]}


def placed(pattern: str, name: str, value: Any) -> dict[str, Any]:
    """Return a document with `name: value` in the map at a pattern of the tables."""
    document: Any = {name: value}
    steps = parts(pattern)
    for place in range(len(steps) - 1, -1, -1):
        step = steps[place]
        if step == "[]":
            document = [document]
        else:
            above = steps[place - 1] if place else ""
            document = {NAMES.get(above, "any") if step == "*" else step: document}
    return dict(document)


def is_map(node: Node) -> bool:
    """Tell whether keys may stand at a node, none of them free."""
    item = node.path.endswith("[]")
    return not node.free and (item or node.key is None or node.key.kind == model.MAP)


def wrong_places(key: Key) -> list[Node]:
    """Return the maps above, beside and below the right one in which the key's name is not known."""
    right = key.path.rpartition(".")[0]
    found = [SCHEMA.root] if right else []
    steps = parts(right)
    for depth in range(1, len(steps)):
        pattern = right[: -len("".join(steps[depth:])) or None]
        node = SCHEMA.node(pattern.rstrip("."))
        found += [node] if node is not None else []
    home = SCHEMA.node(right) if right else SCHEMA.root
    assert home is not None
    for child in home.children.values():
        found.append(child)
        found += [child.children["[]"]] if "[]" in child.children else []
    return [node for node in found if is_map(node) and key.name not in node.children]


def at_home(found: list[Finding], pattern: str, name: str) -> Finding:
    """Return the finding about the key that was put at a pattern."""
    hits = [one for one in found if one.path.endswith(name) and one.code not in ("Fixed", "OtherProfile", "Deprecated")]
    assert len(hits) == 1, (pattern, name, found)
    return hits[0]


@pytest.mark.parametrize("key", [key for key in SCHEMA.keys.values() if key.name != "*"], ids=lambda key: str(key.path))
def test_every_key_at_a_wrong_level_is_told_its_right_place(key: Key) -> None:
    for node in wrong_places(key):
        value = VALUES.get(key.kind, "x")
        hit = at_home(check_shape(placed(node.path, key.name, value)), node.path, key.name)
        if hit.code == "CloudInit":
            assert key.name in keys_at(node.path)
            continue
        homes = homes_of(key.name, node.path)
        nearer = [home for home in homes if home.steps < next(h.steps for h in homes if h.path == key.path)]
        named = [home for home in homes if readable(home.path) in hit.message]
        assert "nearest" not in hit.message, hit
        many = len(homes) > 3 and len(named) >= 3
        assert any(home.path == key.path for home in named) or nearer or many, (node.path, hit)
        if len(homes) == 1:
            assert hit.severity == ERROR and hit.code == "Misplaced"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"stylus": {"stages": {"boot": []}}}, "`stages` belongs to the top level: it is indented too far"),
        ({"stylus": {"install": {"auto": True}}}, "`install` belongs to the top level: it is indented too far"),
        ({"site": {"name": "a"}}, "it belongs to stylus (stylus.site)"),
        ({"stylus": {"site": {"network": {"edgeHostToken": "t"}}}}, "belongs to stylus.site (stylus.site.edgeHostTo"),
        ({"stylus": {"paletteEndpoint": "x"}}, "it belongs to stylus.site (stylus.site.paletteEndpoint)"),
        ({"stages": {"boot": [{"write_files": []}]}}, "`write_files` belongs to the top level"),
        ({"commands": ["x"]}, "stages.STAGE[].commands"),
        ({"boot.after": [{"commands": ["x"]}]}, "boot.after is not a key of a cloud-config; it is the name of a stage"),
        ({"stylus": {"initramfs": [{"commands": ["x"]}]}}, "it is the name of a stage"),
        ({"stylus": {"edgehosttoken": "t"}}, "stylus.site.edgeHostToken"),
        ({"stylus": {"site": {"edge_host_token": "t"}}}, "it is written `edgeHostToken`"),
        ({"stylus": {"site": {"edgeHostTokn": "t"}}}, "the nearest is `edgeHostToken`"),
    ],
)
def test_the_right_place_is_named(document: dict[str, Any], words: str) -> None:
    hits = [one for one in check_shape(document) if words in one.message]
    assert [one.severity for one in hits] == [ERROR], check_shape(document)


@pytest.mark.parametrize(
    ("place", "name", "value", "severity", "hint"),
    [
        ("stylus.site", "autoRegister", True, WARNING, "Remove it: disableAutoRegister: false is the default."),
        ("stylus.site", "autoRegister", False, ERROR, "Write disableAutoRegister: true."),
        ("stylus", "autoRegister", False, ERROR, "Write disableAutoRegister: true."),
        ("stylus.site.remoteShell", "enable", False, ERROR, "Write disable: true."),
        ("stylus.vip", "enable", False, ERROR, "Write skip: true."),
        ("stylus", "enableTui", False, ERROR, "Write disableTui: true."),
        ("stylus.imageRedirectWebhook", "disable", True, ERROR, "Write enable: false."),
        ("stylus.site", "autoRegister", "yes", ERROR, "with the other value"),
    ],
)
def test_an_inverse_key_is_told_with_the_other_value(
    place: str, name: str, value: Any, severity: str, hint: str
) -> None:
    hit = at_home(check_shape(placed(place, name, value)), place, name)
    assert (hit.severity, hit.code) == (severity, "Inverse") and hint in hit.hint
    assert "means the opposite" in hit.message and "nearest" not in hit.message


@pytest.mark.parametrize("name", sorted(TOP))
def test_words_of_ubuntus_cloud_init_are_named_as_such_and_warnings(name: str) -> None:
    assert name not in SCHEMA.root.children
    hit = at_home(check_shape({name: {"zz": 1}}), "", name)
    assert (hit.severity, hit.code) == (WARNING, "CloudInit") and "Ubuntu's cloud-init" in hit.message


@pytest.mark.parametrize("name", sorted(USER))
def test_words_of_ubuntus_users_are_named_as_such(name: str) -> None:
    hit = at_home(check_shape({"users": [{"name": "a", name: "x"}]}), "users[]", name)
    if hit.code != "CloudInit":  # one that differs in a dash alone is told its spelling
        assert "it is written" in hit.message


def test_a_network_block_is_told_apart_from_netplans() -> None:
    ours = at_home(check_shape({"network": {"httpProxy": "http://x:1"}}), "", "network")
    assert "stylus.site.network" in ours.message
    netplan = at_home(check_shape({"network": {"version": 2, "ethernets": {}}}), "", "network")
    assert netplan.code == "CloudInit"


@pytest.mark.parametrize(
    ("name", "known"),
    [("autoRegister", "disableAutoRegister"), ("format", "no-format"), ("enable", "disable"), ("enabled", "disable")],
)
def test_inverses_are_seen(name: str, known: str) -> None:
    assert is_inverse(name, known) and is_inverse(known, name)


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_is_offered_for_its_opposite(stage: str) -> None:
    for mine, other in (("before", "after"), ("after", "before"), ("pre", "post")):
        if mine in stage:
            wrong = stage.replace(mine, other) + "x"
            assert not nearest(wrong, STAGES) or not are_opposite(wrong, nearest(wrong, STAGES))
    assert nearest(stage, STAGES) == stage


def test_post_install_is_not_told_to_be_before_install() -> None:
    assert nearest("post-install", STAGES).startswith("after-install")
    assert nearest("pre-install", STAGES).startswith("before-install")


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("autoRegister", "`stylus.site.disableAutoRegister`, which means the opposite"),
        ("stylus.stages", "; it is `stages`"),
        ("stylus.paletteEndpoint", "`stylus.site.paletteEndpoint`"),
        ("paletteEndpint", "the nearest is `stylus.site.paletteEndpoint`"),
        ("zzz", ""),
    ],
)
def test_a_path_that_is_no_key_is_told_where_it_is(word: str, words: str) -> None:
    assert words in suggestion(word) if words else suggestion(word) == ""


@pytest.mark.parametrize(
    ("key", "value", "codes"),
    [
        ("partitions.oem.size", 60, []),
        ("partitions.oem.fs", "ext4", []),
        ("system.size", 4096, []),
        ("partitions.oem.size", "60", ["Type"]),
        ("partitions.oem.siz", 60, ["UnknownKey"]),
    ],
)
def test_dotted_keys_of_the_installer_are_nested_ones(key: str, value: Any, codes: list[str]) -> None:
    found = check_shape({"install": {key: value}})
    assert [one.code for one in found if one.severity in (ERROR, WARNING)] == codes
