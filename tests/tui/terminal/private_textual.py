"""Finds the private names of Textual and Rich that our sources use; an app and a driver that show what they do."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from textual.app import App, ComposeResult
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.widgets import Static

import tui
from tests.support import ROOT

TOOLKIT = ("textual", "rich")
NAMED_TUPLE = {"_replace", "_asdict", "_fields", "_make", "_field_defaults"}
BY_NAME = ("getattr", "setattr", "hasattr", "delattr")


class Use(NamedTuple):
    """A private name in one of our files; a private module is named with what is imported from it."""

    file: str
    symbol: str


def is_private(name: str) -> bool:
    """Return whether a name has one underscore in front."""
    return name.startswith("_") and not name.startswith("__")


def uses() -> set[Use]:
    """Return every use of a private name of the toolkit in `tui` and `edgewright`."""
    found = set(inherited_uses())
    for path in sorted([*(ROOT / "tui").rglob("*.py"), *(ROOT / "edgewright").rglob("*.py")]):
        source = path.read_text()
        if any(name in source for name in TOOLKIT):
            file = path.relative_to(ROOT).as_posix()
            found.update(Use(file, symbol) for symbol in foreign_uses(ast.parse(source)))
    return found


def foreign_uses(tree: ast.Module) -> Iterator[str]:
    """Yield private modules of the toolkit, and private attributes of anything but `self`."""
    own = {alias.asname or alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import)
           for alias in node.names if alias.name.split(".")[0] not in TOOLKIT}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in TOOLKIT:
            for alias in node.names:
                if any(map(is_private, [*(node.module or "").split("."), alias.name])):
                    yield f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in TOOLKIT and "._" in a.name)
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in NAMED_TUPLE:
            if not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls", *own}):
                yield from () if _is_super(node.value) else (node.attr,)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BY_NAME:
            name = node.args[1] if len(node.args) > 1 else None
            if isinstance(name, ast.Constant) and is_private(str(name.value)) and not _is_self(node.args[0]):
                yield str(name.value)


def inherited_uses() -> Iterator[Use]:
    """Yield private names that a class of ours uses or defines and that a class of the toolkit above it has.

    A name of ours that a new release of Textual begins to use for itself is found too.
    """
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        importlib.import_module(module.name)
    for cls in [each for each in classes_below(object) if str(each.__module__).startswith("tui.")]:
        above = [each for each in cls.__mro__ if each.__module__.split(".")[0] in TOOLKIT]
        names = set().union(*map(defined, above))
        for each in cls.__mro__ if above else ():
            if each.__module__.startswith("tui."):
                file = each.__module__.replace(".", "/") + ".py"
                yield from (Use(file, name) for name in mentioned(each) & names)


def classes_below(cls: type) -> set[type]:
    """Return every class that derives from one. `gc.get_objects` would miss those that a started console has frozen."""
    found: set[type] = set()
    waiting = [cls]
    while waiting:
        new: set[type] = set(type.__subclasses__(waiting.pop())) - found
        found |= new
        waiting += new
    return found


@cache
def defined(cls: type) -> frozenset[str]:
    """Return the private names that a class of the toolkit has, in its body or by assignment to `self`."""
    names = {*vars(cls), *inspect.get_annotations(cls), *assigned(body_of(cls))}
    return frozenset(filter(is_private, names))


@cache
def mentioned(cls: type) -> frozenset[str]:
    """Return the private names that a class of ours reads, writes or defines on itself."""
    tree = body_of(cls)
    names = assigned(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.Attribute) and (_is_self(node.value) or _is_super(node.value)):
            names.add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BY_NAME:
            name = node.args[1] if len(node.args) > 1 and _is_self(node.args[0]) else None
            names.add(str(name.value) if isinstance(name, ast.Constant) else "")
    return frozenset(filter(is_private, names))


def assigned(tree: ast.AST) -> set[str]:
    """Return the attributes of `self` and `cls` that are assigned."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {each.attr for each in attributes if isinstance(each.ctx, ast.Store) and _is_self(each.value)}


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def body_of(cls: type) -> ast.AST:
    """Return the source of a class as a tree; an empty one for a class that was made at run time."""
    return classes_of(cls.__module__).get(cls.__name__, ast.Module([], []))


@cache
def classes_of(module: str) -> dict[str, ast.ClassDef]:
    """Return the classes of a module by name; the file is read once, which `inspect.getsource` does for each class."""
    file = sys.modules[module].__file__
    tree = ast.parse(Path(file).read_text()) if file else ast.Module([], [])
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


class Sample(App[int]):
    """A screen with one line, and everything that Textual hands to `_display`."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Any] = []
        self.batches = 0

    def compose(self) -> ComposeResult:
        yield Static("first", id="line")

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        self.frames.append(renderable)
        super()._display(screen, renderable)

    def _end_batch(self) -> None:
        self.batches += 1
        super()._end_batch()


class Recorder(LinuxDriver):
    """A driver that collects what it would write."""

    def __init__(self, app: App[Any]) -> None:
        super().__init__(app, size=(80, 24))
        self.written = ""

    def write(self, data: str) -> None:
        self.written += data

    def flush(self) -> None:
        pass
