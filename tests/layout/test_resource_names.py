"""A resource is named in its own folder of each layer, and in few other files; registration tokens are the example.

Counted are modules of the product outside the own folders that have `token` as a word of an identifier (name,
attribute, parameter, function, class, import) or as the beginning of a text such as `"token"` or `"token/"`. Comments,
docstrings and sentences are not counted, nor are agent, forge and lab, which have the token as text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.layout.imports import modules
from tests.support import ROOT

WORD = re.compile(r"(^|_)tokens?(_|$)|Tokens?([A-Z]|$)|(^|_)TOKENS?(_|$)")
TEXT = re.compile(r"tokens?([-/.:][\w.]*|/.*)?")
LIBRARY = {"token_hex", "token_urlsafe", "token_bytes"}
COUNTED = tuple(f"edgewright/{each}/" for each in ("hub", "store", "sources", "clients", "commands", "main", "cli"))
OWN = re.compile(r"/tokens?/|/tokens\.py$|/migrations/")

REGISTERED = {
    "edgewright/hub/process/compose.py",  # the list of resources
    "edgewright/hub/db/records.py",
    "edgewright/hub/db/schema.py",
    "edgewright/store/every.py",  # the list of collections
    "edgewright/clients/palette/client.py",
    "edgewright/commands/kernel/base.py",  # places of the console
    "edgewright/commands/kernel/registry.py",  # the list of verbs
    "tui/navigation/views.py",  # the list of views
}
"""What a new resource is entered in, one or two lines each. It may only become smaller."""
USES = {
    "edgewright/clients/ports.py",  # a port of their own; a resource without one uses `CanCall`
    "edgewright/commands/build/rows.py",  # the token in an installer
    "edgewright/commands/forge/checked.py",
    "edgewright/commands/forge/iso.py",
    "edgewright/commands/forge/userdata_check.py",
    "edgewright/commands/forge/userdata_plane.py",
    "edgewright/commands/host/install.py",  # an installation over SSH registers a host with one
    "edgewright/commands/host/install_attempt.py",
    "edgewright/commands/host/install_input.py",
    "edgewright/commands/host/install_verbs.py",
    "edgewright/commands/installer/checks.py",
    "edgewright/commands/installer/planes.py",  # a part of checks.py that a build loads alone
    "edgewright/commands/installer/run.py",
    "edgewright/commands/installer/wizard_api.py",
    "tui/frame/builds_watch.py",
    "tui/screens/installers/content.py",
    "tui/wizards/installer/offers.py",
    "tui/wizards/installer/services.py",
    "tui/wizards/installer/wizard.py",
    "edgewright/commands/host/rows.py",  # the token that a host registered with
    "edgewright/hub/clusters/delivery.py",  # what a worker of k3s joins with
    "edgewright/hub/http/bodies.py",
    "edgewright/hub/readmodel/render.py",
    "edgewright/hub/readmodel/state.py",
    "edgewright/hub/resources/hosts/register.py",
    "edgewright/hub/resources/hosts/rejections.py",
    "edgewright/hub/resources/hosts/routes.py",
    "edgewright/store/collections/hosts.py",
    "tui/screens/host/content.py",
    "tui/screens/hosts/detail.py",
    "edgewright/hub/resources/alerts/evaluate.py",  # a token that ends is a problem
    "edgewright/hub/resources/alerts/handling_routes.py",
    "tui/screens/pulse/screen.py",
    "edgewright/commands/hub/local.py",  # the first steps create one
    "tui/screens/first_run/steps.py",
    "tui/screens/first_run/steps_content.py",
    "edgewright/hub/resources/tenants/projects.py",  # a project with tokens is not deleted
    "edgewright/hub/security/key_match.py",  # a key is tried on what it sealed
    "tui/terminal/app.py",  # its text is copied
    "tui/verbs/copy.py",
}
"""Features that work with tokens, whatever the layout: they are about them. It may only become smaller."""
OTHER = {
    "edgewright/clients/palette/session.py",  # of a session
    "edgewright/clients/ssh/kube/kubeconfig.py",  # the credential of a kubeconfig
    "edgewright/hub/http/auth.py",  # of a session
    "edgewright/hub/http/limiter.py",  # bucket
    "edgewright/hub/http/palette_bodies/users.py",  # of a session
    "edgewright/hub/http/palette_bodies/registries.py",  # the login of a registry, as in the next five
    "edgewright/hub/packs/fetching.py",
    "edgewright/hub/packs/registry_documents.py",
    "edgewright/hub/resources/registries/rules.py",
    "edgewright/store/collections/catalogue/registries.py",
    "edgewright/commands/registry/actions.py",
    "edgewright/hub/http/routing.py",  # continuation of a list
    "edgewright/hub/resources/hosts/search_routes.py",  # continuation of a list
    "edgewright/hub/resources/tenants/users.py",  # of a session
    "edgewright/hub/security/secretbox.py",  # of Fernet
    "edgewright/sources/poll.py",  # continuation of a list
    "edgewright/sources/redact.py",  # key of a secret in any document
    "tui/frame/document_values.py",  # key of a secret in any document
}
"""Modules in which the word is something else. A module that is not of these must not hide in here."""


@cache
def naming() -> frozenset[str]:
    """Return the counted modules that name the resource, by path."""
    paths = [path for path in modules().values() if path.startswith((*COUNTED, "tui/")) and not OWN.search(f"/{path}")]
    return frozenset(path for path in paths if any(_names(path)))


def _names(path: str) -> Iterator[str]:
    source = (ROOT / path).read_text()
    if "token" not in source.lower():
        return
    for node in ast.walk(ast.parse(source)):
        yield from (name for name in _identifiers(node) if name not in LIBRARY and WORD.search(name))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TEXT.fullmatch(node.value):
            yield node.value


def _identifiers(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            return (name,)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.keyword(arg=str(name)):
            return (name,)
        case ast.alias(name=name, asname=other):
            return (name.rpartition(".")[2], other or "")
        case ast.ImportFrom(module=str(name)):
            return tuple(name.split("."))
    return ()


def test_few_files_know_of_tokens_that_are_not_about_them() -> None:
    assert naming() - USES - OTHER <= REGISTERED, "loop over the list of resources, collections or views instead"
    assert len(REGISTERED) <= 8


def test_what_is_listed_still_names_tokens() -> None:
    assert (REGISTERED | USES | OTHER) - naming() == set(), "take it out of the list"


def test_no_file_is_listed_twice() -> None:
    assert not REGISTERED & USES and not REGISTERED & OTHER and not USES & OTHER
