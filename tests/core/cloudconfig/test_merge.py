"""Merging layers, and covering secrets."""

from __future__ import annotations

from edgewright.core.cloudconfig.masking import COVER, is_secret, masked
from edgewright.core.cloudconfig.merge import Joined, Win, merge


def test_later_layers_win_and_what_lost_is_told() -> None:
    merged = merge(
        [
            ("staging", {"stylus": {"debug": True, "site": {"name": "a", "edgeHostToken": "t"}}}),
            ("site", {"stylus": {"site": {"name": "b"}}}),
            ("tui", {"stylus": {"site": {"name": "c"}}}),
        ]
    )
    assert merged.document == {"stylus": {"debug": True, "site": {"name": "c", "edgeHostToken": "t"}}}
    assert merged.wins == (Win("stylus.site.name", "c", "tui", (("staging", "a"), ("site", "b"))),)


def test_the_same_value_twice_is_no_win() -> None:
    assert merge([("a", {"x": 1}), ("b", {"x": 1})]).wins == ()
    assert merge([("a", {"x": 1}), ("b", {"x": True})]).wins == (Win("x", True, "b", (("a", 1),)),)


def test_lists_of_maps_are_put_behind_each_other_and_plain_ones_joined() -> None:
    merged = merge([("a", {"u": [{"name": "x"}], "n": ["1", "2"]}), ("b", {"u": [{"name": "x"}], "n": ["2", "3"]})])
    assert merged.document == {"u": [{"name": "x"}, {"name": "x"}], "n": ["1", "2", "3"]}
    assert merged.joined == (Joined("u", (("a", 1), ("b", 1)), True), Joined("n", (("a", 2), ("b", 1)), False))


def test_an_empty_key_takes_nothing_away() -> None:
    assert merge([("a", {"x": {"y": 1}}), ("b", {"x": None})]).document == {"x": {"y": 1}}


def test_another_type_replaces_and_is_told() -> None:
    merged = merge([("a", {"x": {"y": 1}}), ("b", {"x": "text"})])
    assert merged.document == {"x": "text"} and merged.wins[0].lost == (("an earlier layer", "a map"),)


def test_no_layer_is_changed() -> None:
    first: dict[str, object] = {"x": {"y": [1]}, "u": [{"a": 1}]}
    merge([("a", first), ("b", {"x": {"y": [2], "z": 3}, "u": [{"b": 1}]})])
    assert first == {"x": {"y": [1]}, "u": [{"a": 1}]}


def test_secrets_are_covered_wherever_they_stand() -> None:
    document = {
        "stylus": {
            "site": {"edgeHostToken": "abc", "users": [{"name": "ops", "passwd": "x"}], "tags": {"site": "b"}},
            "registryCredentials": {"domain": "r", "password": ""},
        },
        "k3s": {"env": {"K3S_TOKEN": "abc", "A": "b"}},
        "stages": {"boot": [{"commands": ["x --password hunter22", "echo hi", "curl https://bob:pw@x/"]}]},
        "something": {"apiKey": "abc", "nested": {"secret": "s"}},
    }
    covered = masked(document)
    assert covered["stylus"]["site"]["edgeHostToken"] == COVER
    assert covered["stylus"]["site"]["users"] == [{"name": "ops", "passwd": COVER}]
    assert covered["stylus"]["registryCredentials"] == {"domain": "r", "password": ""}
    assert covered["k3s"]["env"] == {"K3S_TOKEN": COVER, "A": "b"}
    commands = covered["stages"]["boot"][0]["commands"]
    assert commands[1] == "echo hi" and not any(word in "".join(commands) for word in ("hunter22", "pw@"))
    assert covered["something"] == {"apiKey": COVER, "nested": {"secret": COVER}}
    assert covered["stylus"]["site"]["tags"] == {"site": "b"}


def test_secret_paths() -> None:
    assert is_secret("stylus.externalRegistries.registries[3].password")
    assert not is_secret("stylus.site.name")
