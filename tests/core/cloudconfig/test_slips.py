"""What was forgotten in a value: variables, placeholders, typographic quotes, characters that nobody sees."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from edgewright.core.cloudconfig.check import check
from edgewright.core.cloudconfig.findings import ERROR, WARNING, Finding
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.installer import pages
from edgewright.core.installer.answers import complete, problems
from tests.core.cloudconfig.test_homes import placed
from tests.core.installer import samples

BASE: dict[str, Any] = {
    "stylus": {"site": {"paletteEndpoint": "https://plane.example.com", "edgeHostToken": "aXz3kd93kdlPq"}},
    "install": {"poweroff": True},
}
VARIABLES = ["$TOKEN", "${TOKEN}", "${EDGE_TOKEN:-x}", "$(cat token)", "%TOKEN%", "$env:TOKEN"]


def found_at(pattern: str, value: Any) -> list[Finding]:
    """Return the errors at a path, a value put there; lists are begun with one item."""
    above, _, name = pattern.rpartition(".")
    document = copy.deepcopy(BASE)
    merge(document, placed(above, name, value))
    path = pattern.replace("[]", "[0]")
    return [one for one in check(document) if one.path == path and one.severity == ERROR]


def merge(target: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            merge(target[name], value)
        else:
            target[name] = value


SECRETS = [key.path for key in SCHEMA.keys.values() if key.secret and not key.path.startswith("stages")]
NAMES = (
    *("stylus.site.paletteEndpoint", "stylus.site.name", "stylus.site.hostName", "stylus.site.projectName"),
    *("stylus.site.projectUid", "stylus.site.prefix", "stylus.site.registrationURL", "stylus.site.network.httpsProxy"),
    *("stylus.registryCredentials.domain", "stylus.registryCredentials.username", "hostname", "users[].name"),
    *("stylus.externalRegistries.registries[].domain", "install.device", "stylus.site.users[].name", "config_url"),
)


@pytest.mark.parametrize("value", [*VARIABLES, "<TOKEN>", "CHANGEME", "<your password>", "replace-with-yours"])
@pytest.mark.parametrize("path", [*SECRETS, *NAMES])
def test_what_nothing_filled_in_is_one_error(path: str, value: str) -> None:
    found = found_at(path, value)
    assert [one.code for one in found] == ["Placeholder"], found


@pytest.mark.parametrize("value", ["edge-$SITE", "edge-${SITE}-1", "$SITE.example.com"])
@pytest.mark.parametrize("path", ["stylus.site.name", "stylus.site.paletteEndpoint", "stylus.site.hostName"])
def test_a_variable_inside_a_name_is_an_error(path: str, value: str) -> None:
    (one,) = found_at(path, value)
    assert one.code == "Placeholder" and "$" in one.message


@pytest.mark.parametrize(
    "token",
    [
        *(
            "yourEdgeRegistrationTokenHere",
            "your-token",
            "bUAxxxxxxx1CyZ",
            "aB3...9zQ",
            "********",
            "my-edge-token",
            "TOKEN",
        ),
        *(
            "edge host token",
            "insert_token_here",
            "REPLACE_ME",
            "token",
            "registration-token",
            "[your token]",
            "a<here>",
        ),
    ],
)
def test_a_placeholder_for_a_token_is_an_error_that_does_not_show_it(token: str) -> None:
    (one,) = found_at("stylus.site.edgeHostToken", token)
    assert one.code == "Placeholder" and token not in one.message and "token create" in one.hint


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stylus.site.edgeHostToken", "tok-9f2c71"),
        ("stylus.site.edgeHostToken", "aUAxx9ChYCrOxxQ"),
        ("stylus.site.name", "$random"),
        ("stylus.site.name", "yourk-1"),
        ("stylus.site.name", "put-in-bay-01"),
        ("stylus.site.name", "myEdge"),
        ("stylus.site.projectName", "change-management"),
        ("stylus.site.projectName", "enter-prise"),
        ("stylus.site.projectName", "theProject"),
        ("stylus.registryCredentials.password", "pa$$word$x"),
        ("stylus.registryCredentials.password", "secret"),
        ("stylus.site.users[].passwd", "$6$salt$HASHHASHHASH"),
        ("stylus.site.users[].passwd", "$y$j9T$salt$HASH"),
        ("stylus.site.tags.cost", "$HIGH-$LOW"),
        ("stylus.site.tags.who", "Läden “Nord” und Süd"),
        ("stylus.site.deviceUIDPaths[].regex", "^[A-Z]+$"),
        ("stages.boot[].commands[]", "echo $TOKEN"),
        ("stylus.site.paletteEndpoint", "https://{{ .Values.plane }}"),
    ],
)
def test_what_looks_alike_and_is_meant_passes(path: str, value: str) -> None:
    above, _, name = path.replace("commands[]", "commands").rpartition(".")
    document = copy.deepcopy(BASE)
    merge(document, placed(above.replace("boot", "*"), name, [value] if "commands" in path else value))
    assert [one for one in check(document) if one.code in ("Placeholder", "Letters")] == []


@pytest.mark.parametrize(
    "value", ["“edge-1”", "‘edge-1’", "edge-1”", "„edge-1“", "edge\u00a01", "edge-1\u200b", "edge\ufeff1"]
)
@pytest.mark.parametrize("path", ["stylus.site.hostName", "stylus.site.edgeHostToken", "stylus.site.tags.site"])
def test_typographic_quotes_and_invisible_letters_are_errors(path: str, value: str) -> None:
    assert "Letters" in [one.code for one in found_at(path, value)]


def test_typographic_quotes_in_a_command_are_a_warning() -> None:
    found = check({**BASE, "stages": {"boot": [{"commands": ["echo “hello”", "echo it’s"]}]}})
    hits = [one for one in found if one.code == "Quotes"]
    assert [(one.severity, one.path) for one in hits] == [(WARNING, "stages.boot[0].commands[0]")]


@pytest.mark.parametrize("value", ["$TOKEN", "yourTokenHere", "“tok”", "token"])
def test_the_wizard_refuses_them_too(value: str) -> None:
    answers = complete({**samples.STATIC_VLAN_PROXY, "token.how": "existing", "token.text": value})
    assert [one.key for one in problems(answers)] == ["token.text"]
    assert "token.text" in pages.QUESTIONS


def test_the_wizard_names_the_token_that_is_missing() -> None:
    answers = complete({**samples.STATIC_VLAN_PROXY, "token.how": "existing", "token.text": ""})
    assert [one.message for one in problems(answers)] == ["The token itself is needed."]
