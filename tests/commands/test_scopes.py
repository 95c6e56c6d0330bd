"""Scopes and kinds of targets are texts, so that a new noun edits no type; here each is found."""

from __future__ import annotations

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import LISTS
from tui.navigation.views import KINDS, MAIN, VIEWS, load


def scopes_of_screens() -> set[str]:
    return {getattr(load(place), "scope", "") for place in VIEWS.values()}


def test_each_scope_of_a_verb_is_that_of_a_screen() -> None:
    used = {scope for verb in registry.all_commands() for scope in (verb.scope, *verb.also)}
    assert used - {"global"} <= scopes_of_screens()
    assert set(LISTS) <= scopes_of_screens()


def test_each_kind_of_target_has_a_list() -> None:
    names = {verb.name for verb in registry.all_commands() if verb.cli}
    kinds = {verb.target.kind for verb in registry.all_commands() if verb.target is not None}
    assert {kind for kind in kinds if not any(name.split()[-2:] == [kind, "list"] for name in names)} == set()


def test_each_list_of_a_kind_is_that_of_a_target() -> None:
    kinds = {verb.target.kind for verb in registry.all_commands() if verb.target is not None}
    assert set(KINDS.values()) <= kinds and set(KINDS) <= scopes_of_screens()
    assert set(MAIN) <= set(VIEWS)
