"""Every verb against a plane without the hub's extensions: it works or answers that it is not available."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from edgewright.clients import ports
from edgewright.commands.kernel import registry
from tests.cli_support import Cli
from tests.hub_fixture import RunningHub, running_hub

FILTER = ("filter", "create", "f", "--tag", "site:bonn", "--yes")
WORKS: tuple[tuple[str, ...], ...] = (
    ("project", "list"),
    ("token", "list"),
    ("host", "list"),
    ("host", "show", "plain-1"),
    ("user", "list"),
    ("user", "show", "admin@localhost"),
    ("role", "list"),
    ("role", "show", "viewer"),
    ("key", "list"),
    FILTER,
    ("filter", "list"),
    ("filter", "show", "f"),
    ("filter", "update", "f", "--tag", "gpu", "--yes"),
    ("host", "list", "--filter", "f"),
    ("filter", "delete", "f", "--yes"),
    ("event", "list"),
    ("audit", "list"),
    ("alert", "list"),
    ("pulse",),
)
TARGETS = {"host": ("plain-1",), "alert acknowledge": ("x",), "alert silence": ("x", "--for", "1h")}
ARGUMENTS = {
    "alert assign": ("x", "me"),
    "alert note": ("x", "n"),
    "alert receiver add": ("r", "--url", "http://127.0.0.1:9"),
    "alert receiver test": ("r",),
    "alert receiver remove": ("r",),
    "cluster retry": ("c",),
    "kube exec": ("c", "p", "--", "true"),
    "kube ask": ("c",),
    "kube scale": ("c", "deployment/web", "--replicas", "2"),
    **{f"kube {verb}": ("c", "deployment/web") for verb in ("restart", "port-forward")},
    **{f"kube {verb}": ("c",) for verb in ("proxy", "reach", "get", "describe", "logs", "apply", "delete", "drain")},
    **{f"kube {verb}": ("c", "n") for verb in ("cordon", "uncordon")},
}
HUB_ONLY = ports.names(ports.HUB_ONLY)
ABSENT = [c.name for c in registry.all_commands() if c.cli and c.online and set(c.needs) & set(HUB_ONLY)]


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub("--simulate-palette-limits") as running:
        body = {"metadata": {"uid": "plain-1"}}
        running.client().post("/v1/edgehosts", json=body).raise_for_status()
        running.host("plain-2", running.token("plain")[1])
        yield running


@pytest.mark.parametrize("words", WORKS, ids=" ".join)
def test_a_verb_that_palette_has_works(plane: Cli, words: tuple[str, ...]) -> None:
    if "f" in words:  # a filter that the others need, and that must not be there before it is made
        plane(*(("filter", "delete", "f", "--yes") if words[1] == "create" else FILTER))
    done = plane(*words)
    assert done.code == 0, done.err


@pytest.mark.parametrize("name", ABSENT)
def test_a_verb_that_palette_has_not_says_so(plane: Cli, name: str) -> None:
    given = ARGUMENTS.get(name) or TARGETS.get(name) or (("plain-2",) if name.startswith("host") else ())
    done = plane(*name.split(), *given, "--yes")
    assert done.code == 4 and "not available over this connection" in done.err, done
    assert "use the context of a hub" in done.err


def test_what_is_legal_names_no_verb_that_is_not_there(plane: Cli) -> None:
    refused = plane("host", "reset", "plain-1", "--yes")
    assert refused.code == 4 and "Legal now: host tag" in refused.err
    for text in (refused.err, plane("host", "show", "plain-1").out, plane("host", "show", "plain-2").out):
        assert "host logs" not in text and "host disk" not in text
    shown = json.loads(plane("host", "show", "plain-2", "-o", "json").out)
    assert shown["metadata"]["uid"] == "plain-2"
