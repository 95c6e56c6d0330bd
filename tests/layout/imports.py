"""Which module of the product imports which: also imports for types only and within functions count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.support import ROOT

PRODUCT = ("edgewright", "tui")
STATEMENT = re.compile(
    r"^ *(?:from (?P<package>[\w.]+) )?import (?:\((?P<several>[^)]*)\)|(?P<names>[\w., ]+))", re.MULTILINE
)
"""An import statement, also one in parentheses over several lines. Syntax trees of all modules would take seconds."""


class Import(NamedTuple):
    """One module imported by another."""

    importer: str
    imported: str


@cache
def modules() -> dict[str, str]:
    """Return the path (relative to the repository) of every module of the product by its dotted name."""
    paths = (path.relative_to(ROOT) for each in PRODUCT for path in sorted((ROOT / each).rglob("*.py")))
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path.as_posix() for path in paths}


@cache
def imports() -> tuple[Import, ...]:
    """Return every import of a module of the product by another."""
    return tuple(found for name, path in modules().items() for found in _imports_of(name, path))


def _imports_of(name: str, path: str) -> Iterator[Import]:
    for found in STATEMENT.finditer((ROOT / path).read_text()):
        package, names = found["package"], re.findall(r"([\w.]+)(?: as \w+)?", found["several"] or found["names"])
        dotted = [f"{package}.{each}" for each in names] if package else names
        for target in {_module(each) for each in dotted} - {"", name}:
            yield Import(name, target)


def _module(dotted: str) -> str:
    """Return the module that a dotted name is or is in; empty for one that is not of the product."""
    return next((each for each in (dotted, dotted.rpartition(".")[0]) if each in modules()), "")


def cycles() -> list[list[str]]:
    """Return the groups of modules that import each other, directly or by way of others; the largest first."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for each in imports():
        graph[each.importer].add(each.imported)
    return sorted((sorted(group) for group in connected(graph) if len(group) > 1), key=lambda each: (-len(each), each))


def connected(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components of a graph (Tarjan, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    for start in graph:
        work: list[tuple[str, Iterator[str]]] = [(start, iter(()))] if start not in number else []
        while work:
            node, rest = work[-1]
            if node not in number:
                number[node] = low[node] = len(number)
                path.append(node)
                rest = iter(sorted(graph[node]))
                work[-1] = (node, rest)
            for target in rest:
                if target not in number:
                    work.append((target, iter(())))
                    break
                if target in path:
                    low[node] = min(low[node], number[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    at = path.index(node)
                    yield path[at:]
                    del path[at:]
