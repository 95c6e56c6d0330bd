"""The shapes written from the contract tables: they are up to date, cover each body and refuse what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.hub.http import problems, shapes
from edgewright.hub.http.palette_bodies import filters, sshkeys, users
from edgewright.hub.http.problems import Problem
from tools.palette_bodies import NOUNS, OUT, ROOT, WRITTEN, bodies, constant, formatted, module, tables


@pytest.mark.parametrize("noun", WRITTEN)
def test_the_stored_module_is_what_the_tool_writes(noun: str) -> None:
    assert (OUT / f"{noun}.py").read_text(encoding="utf-8") == formatted(module(noun, *tables()))


@pytest.mark.parametrize("noun", NOUNS)
def test_each_body_of_a_noun_has_a_shape(noun: str) -> None:
    made: dict[str, Any] = {}
    exec(module(noun, *tables()), made)
    names = [name for name, _ in bodies(tables()[0], noun)]
    assert all(isinstance(made[name], shapes.Shape) for name in names)
    assert names or noun in ("filters",)


def test_names_of_constants() -> None:
    assert constant("v1UserRoleUIDs") == "USER_ROLE_UIDS"
    assert constant("V1SpectroClustersUidEdgeReset") == "SPECTRO_CLUSTERS_UID_EDGE_RESET"
    assert constant("users_{uid}_password_change_patch") == "USERS_UID_PASSWORD_CHANGE_PATCH"


def _refused(value: Any, shape: shapes.Shape) -> tuple[int, str]:
    with pytest.raises(Problem) as caught:
        shapes.check(value, shape)
    return int(caught.value.code), caught.value.message


def test_a_user() -> None:
    sent = {"Metadata": {"name": "a", "new": 1}, "spec": {"EmailID": "a@example.com", "roles": ["r1"], "teams": None}}
    assert shapes.check(sent, users.USER_ENTITY) == {
        "metadata": {"name": "a", "new": 1},
        "spec": {"emailId": "a@example.com", "roles": ["r1"]},
    }
    assert _refused({"spec": {"roles": "r1"}}, users.USER_ENTITY)[0] == problems.TYPE
    assert _refused({"spec": {"emailId": "a\x1b[2J"}}, users.USER_ENTITY)[0] == problems.PATTERN
    assert shapes.check([{"op": "replace", "path": "/spec/firstName", "value": "B"}], users.USER_PATCH)


@pytest.mark.parametrize("password", [None, "", "absent"])
def test_what_is_required(password: str | None) -> None:
    sent = {"currentPassword": "old"} | ({} if password == "absent" else {"newPassword": password})
    code, message = _refused(sent, users.USERS_UID_PASSWORD_CHANGE_PATCH)
    assert (code, message) == (problems.REQUIRED, "newPassword in body is required")
    assert _refused([{"op": "add"}], users.USER_PATCH) == (problems.REQUIRED, "0.path in body is required")
    twice = {"newPassword": "", "NEWPASSWORD": "new"}
    assert _refused(twice, users.USERS_UID_PASSWORD_CHANGE_PATCH)[0] == problems.REQUIRED
    given = {"NEWPASSWORD": "new"}
    assert shapes.check(given, users.USERS_UID_PASSWORD_CHANGE_PATCH) == {"newPassword": "new"}


def test_a_required_key_of_the_wrong_type_is_one_problem() -> None:
    code, message = _refused({"newPassword": 7}, users.USERS_UID_PASSWORD_CHANGE_PATCH)
    assert code == problems.TYPE and "required" not in message


def test_a_filter_and_a_key() -> None:
    item = {"key": "site", "negation": False, "operator": "eq", "values": ["a", "b"]}
    sent = {"metadata": {"name": "f"}, "spec": {"filterGroup": {"conjunction": "and", "filters": [item]}}}
    assert shapes.check(sent, filters.TAG_FILTER) == sent
    sent["spec"]["filterGroup"]["conjunction"] = "xor"  # type: ignore[index]
    assert _refused(sent, filters.TAG_FILTER)[0] == problems.ENUM
    long = {"spec": {"publicKey": "k" * 20_000}}
    assert _refused(long, sshkeys.USER_ASSET_SSH_ENTITY)[0] == problems.TOO_LONG


def test_each_stored_module_is_used() -> None:
    """A noun is added to `WRITTEN` with the routes that check its bodies."""
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "edgewright" / "hub" / "resources").rglob("*.py"))
    assert [noun for noun in WRITTEN if f"palette_bodies import {noun}" not in sources] == []
    assert {path.stem for path in OUT.glob("*.py")} == {*WRITTEN, "__init__"}
