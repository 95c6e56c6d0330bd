"""Check the claims of each quality.toml against the program, its docs, pictures and tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command
from edgewright.hub.http.routing import Access, Route
from edgewright.hub.process import compose
from edgewright.hub.process.options import ServeOptions
from edgewright.wire import protocol
from tools.quality import ROOT, RULES, Resource
from tui.navigation.views import VIEWS

USERS_WRITE = tuple(access for access in Access if access.name.endswith(("WRITE", "OPERATE")))
_SIZES = ("80x24", "200x60")
Pair = tuple[str, str]


def _begins(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def owners(resources: Sequence[Resource]) -> dict[Pair, str]:
    """Return the resource to which each route belongs; empty for one that belongs to none."""
    prefixes = sorted(((path, one.name) for one in resources for path in one.paths), key=lambda pair: -len(pair[0]))
    return {
        (route.method, route.path): next((name for path, name in prefixes if _begins(route.path, path)), "")
        for route in compose.table(ServeOptions(data=Path()))
    }


class Checks:
    """The checks of one resource; each yields complaints, and none where the rule is met.

    `audited` and `called` are the routes that the tests of audit log and contract call.
    """

    def __init__(self, one: Resource, resources: Sequence[Resource], audited: set[Pair], called: set[Pair]) -> None:
        mine = {pair for pair, owner in owners(resources).items() if owner == one.name}
        self.one = one
        self.routes: list[Route] = [
            route for route in compose.table(ServeOptions(data=Path())) if (route.method, route.path) in mine
        ]
        self.audited, self.called = audited, called
        words = one.command.split()
        self.verbs: list[type[Command]] = [
            verb for verb in registry.all_commands() if words and verb.name.split()[: len(words)] == words
        ]

    def complaints(self) -> list[str]:
        """Return what is claimed and not true, and what is exempt although it is met."""
        found = []
        for rule in RULES:
            check: Callable[[], Iterable[str]] = getattr(self, f"_{rule}")
            wrong = list(check())
            if self.one.done(rule):
                found += [f"{self.one.name}, {rule}: {text}" for text in wrong]
            elif not wrong:
                found.append(f"{self.one.name}, {rule}: exempt, although it is met; claim it")
        return found

    def _list(self) -> Iterable[str]:
        return self._is_a_route(self.one.list)

    def _detail(self) -> Iterable[str]:
        return self._is_a_route(self.one.detail)

    def _is_a_route(self, name: str) -> Iterable[str]:
        if not any(f"{route.method} {route.path}" == name for route in self.routes):
            yield f"{name!r} is no route of it"

    def _description(self) -> Iterable[str]:
        yield from self._stale(self.one.bodyless)
        for route in self.routes:
            name = f"{route.method} {route.path}"
            if route.method in ("POST", "PUT", "PATCH") and (route.body is None) != (name in self.one.bodyless):
                yield f"{name} has {'no body' if route.body is None else 'a body'}"

    def _contract(self) -> Iterable[str]:
        yield from self._stale(self.one.undocumented)
        own = [route for route in self.routes if route.path.startswith("/v1/")]
        if not own:
            yield "no path under /v1"
        for route in own:
            if (route.method, route.path) not in self.called:
                name = f"{route.method} {route.path}"
                if name not in self.one.undocumented:
                    yield f"the contract tests do not call {name}"

    def _access(self) -> Iterable[str]:
        yield from self._stale(self.one.open)
        for route in self.routes:
            name = f"{route.method} {route.path}"
            reads = route.method != "GET" and route.access in (Access.OPEN, Access.READ)
            if reads != (name in self.one.open):
                yield f"{name} is for {route.access.value}"

    def _stale(self, names: Iterable[str]) -> Iterable[str]:
        known = {f"{route.method} {route.path}" for route in self.routes}
        for name in names:
            if name not in known:
                yield f"{name} is no route of it"

    def _scope(self) -> Iterable[str]:
        yield from _test(self.one.scope)

    def _audit(self) -> Iterable[str]:
        writes = [route for route in self.routes if route.access in USERS_WRITE]
        if not writes:
            yield "no write of users"
        for route in writes:
            if (route.method, route.path) not in self.audited:
                yield f"the test of the audit log does not call {route.method} {route.path}"

    def _events(self) -> Iterable[str]:
        kind = self.one.changes
        if kind not in protocol.CHANGE_KINDS:
            yield f"{kind!r} is no kind of the change stream"
        elif not any(f'"{kind}"' in path.read_text(encoding="utf-8") for path in _hub_sources()):
            yield f"nothing in the hub publishes {kind!r}"

    def _bounded(self) -> Iterable[str]:
        module, _, name = self.one.bound.partition(":")
        if "::" in self.one.bound:
            yield from _test(self.one.bound)
        elif not module:
            yield "names no bound"
        elif not isinstance(getattr(import_module(module), name, None), int):
            yield f"{self.one.bound} is no number"

    def _cli(self) -> Iterable[str]:
        names = {verb.name for verb in self.verbs if verb.cli}
        for verb in ("list", "show"):
            if f"{self.one.command} {verb}" not in names:
                yield f"no verb '{self.one.command} {verb}'"

    def _filter(self) -> Iterable[str]:
        listing = registry.by_name(f"{self.one.command} list")
        if listing is None or "filter" not in {param.name for param in listing.params}:
            yield f"'{self.one.command} list' takes no filter"
        yield from self._lives("filter")

    def _export(self) -> Iterable[str]:
        yield from self._lives("export")

    def _lives(self, name: str) -> Iterable[str]:
        verb = registry.by_name(name)
        if verb is None or self.one.keys not in (verb.scope, *verb.also):
            yield f"the verb {name} has no key in the scope {self.one.keys!r}"

    def _plan(self) -> Iterable[str]:
        changing = [verb for verb in self.verbs if verb.danger != "none"]
        if not changing:
            yield "no verb changes it"
        for verb in changing:
            if registry.acting(verb).plan is Command.plan:
                yield f"'{verb.name}' has no plan"

    def _completion(self) -> Iterable[str]:
        kinds = {verb.target.kind for verb in self.verbs if verb.target is not None and verb.cli}
        if not kinds:
            yield "no verb takes one"
        names = {verb.name for verb in registry.all_commands() if verb.cli}
        for kind in kinds:
            if not any(name.split()[-2:] == [kind, "list"] for name in names):
                yield f"nothing lists the names of a {kind}"

    def _console(self) -> Iterable[str]:
        for view in (self.one.view, *([self.one.detail_view] if self.one.detail_view else [])):
            if view not in VIEWS:
                yield f"{view!r} is no view"

    def _pictures(self) -> Iterable[str]:
        for size in _SIZES:
            if not any(size in picture for picture in self.one.pictures):
                yield f"no picture at {size}"
        for picture in self.one.pictures:
            if not (ROOT / "snapshots" / f"{picture}.svg").is_file():
                yield f"snapshots/{picture}.svg is missing"

    def _docs(self) -> Iterable[str]:
        if not self.one.docs:
            yield "names no section"
        for place in self.one.docs:
            name, _, heading = place.partition("#")
            file = ROOT / "docs" / name
            text = file.read_text(encoding="utf-8") if file.is_file() else ""
            if not re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE):
                yield f"docs/{name} has no heading {heading!r}"


def _test(place: str) -> Iterable[str]:
    """Complain when a test `FILE::name` below tests/ does not exist."""
    name, _, function = place.partition("::")
    file = ROOT / "tests" / name
    if not function:
        yield "names no test"
    elif not file.is_file() or not re.search(rf"^(async )?def {function}\(", file.read_text(encoding="utf-8"), re.M):
        yield f"tests/{name} has no test {function}"


def _hub_sources() -> Iterable[Path]:
    return (ROOT / "edgewright" / "hub").rglob("*.py")
