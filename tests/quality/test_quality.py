"""What each quality.toml claims is true, and its form is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.hub.process import compose
from edgewright.hub.process.options import ServeOptions
from tests.hub.http.test_contract import ROUTES
from tests.hub.resources.test_audits import WRITES
from tools.quality import FOLDERS, RULES, Invalid, Resource, load, parse, table
from tools.quality_checks import Checks, owners

RESOURCES = load()


def _audited() -> set[tuple[str, str]]:
    """Return what the test of the audit log calls: each write of a user, by its table or by shape."""
    return {(route.method, route.path) for route in compose.table(ServeOptions(data=Path())) if route.access in WRITES}


@pytest.mark.parametrize("one", RESOURCES, ids=lambda one: one.name)
def test_claims_are_true(one: Resource) -> None:
    assert Checks(one, RESOURCES, _audited(), set(ROUTES)).complaints() == []


def test_each_route_belongs_to_a_resource() -> None:
    assert {pair for pair, owner in owners(RESOURCES).items() if not owner} == set()
    folders = {one.name: one.folder for one in RESOURCES}
    for route in compose.table(ServeOptions(data=Path())):
        module = route.handler.__module__
        owner = owners(RESOURCES)[route.method, route.path]
        assert module.split(".")[3] == folders[owner], f"{route.method} {route.path} is in {module}, {owner} is not"


def test_each_resource_has_one_name() -> None:
    names = [one.name for one in RESOURCES]
    assert len(names) == len(set(names))
    assert f"{RESOURCES[0].name}: " in table(RESOURCES)


def _text(**rules: str) -> str:
    claims = {**dict.fromkeys(RULES, '"done"'), **rules}
    lines = ["[thing]", 'paths = ["/v1/apiKeys"]', "[thing.rules]"]
    return "\n".join([*lines, *(f"{rule} = {claim}" for rule, claim in claims.items() if claim)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thing = 1", "not a table"),
        ("[thing", "quality.toml"),
        (_text(list=""), "no claim for list"),
        (_text() + '\nspeed = "done"', "unknown rule speed"),
        (_text(list='"yes"'), 'neither "done"'),
        (_text(list='{ exempt = "no" }'), 'neither "done"'),
        ("[thing]\nsize = 3", "size is unknown"),
        ('[thing]\npaths = "x"', "paths is unknown or has the wrong type"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse(text, "things")


def test_a_folder_without_claims_is_refused(tmp_path: Path) -> None:
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "__init__.py").touch()
    with pytest.raises(Invalid, match=r"things has no quality\.toml"):
        load(tmp_path)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_fail(rule: str) -> None:
    """A resource with nothing to show fails every rule that it claims, and has no exemption that is stale."""
    empty = 'bodyless = ["GET /x"]\nopen = ["GET /x"]\n'
    claims = parse(f"[thing]\n{empty}[thing.rules]\n" + "\n".join(f'{name} = "done"' for name in RULES), "things")
    complaints = Checks(claims[0], claims, set(), set()).complaints()
    assert any(complaint.startswith(f"thing, {rule}: ") for complaint in complaints)


def test_an_exemption_that_is_not_needed_is_refused() -> None:
    token = next(one for one in RESOURCES if one.name == "token")
    rules = {**token.rules, "list": {"exempt": "Tokens cannot be listed at all."}}
    wrong = Resource(**{**vars(token), "rules": rules})
    assert Checks(wrong, RESOURCES, _audited(), set(ROUTES)).complaints() == [
        "token, list: exempt, although it is met; claim it"
    ]


def test_the_files_are_where_the_routes_are() -> None:
    assert sorted(path.parent.name for path in FOLDERS.glob("*/quality.toml")) == sorted(
        {one.folder for one in RESOURCES}
    )
