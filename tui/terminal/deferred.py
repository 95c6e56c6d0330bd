"""Modules that libraries import at a start and the first frame does not use are loaded when they are used.

`asyncio` loads OpenSSL, Textual its command palette and a dozen widgets, `pathlib` the parser of URLs: an eighth of the
time to the first frame. Between `begin` and `finish` an import of such a module gives a module that is loaded at the
first use of an attribute. Its names that libraries take by `from ... import` are listed; each is a stand-in that can be
called, asked for attributes, used as a base class and in `isinstance`, and loads the module when one of these needs it.

The real module is then made by the usual import and takes its place in `sys.modules`; what has the first one still
reaches everything through it. No library is changed, and nothing here is private API.
"""

from __future__ import annotations

import sys
from abc import ABC
from importlib import import_module
from importlib.machinery import ModuleSpec
from threading import RLock
from types import ModuleType
from typing import Any

MODULES: dict[str, tuple[str, ...]] = {
    "asyncio.sslproto": (),
    "hashlib": (),
    "http.client": (),
    "ipaddress": (),
    "json": (),
    "mimetypes": (),
    "platformdirs": ("user_downloads_path",),
    "rich.table": ("Table",),
    "rich.tree": ("Tree",),
    "secrets": (),
    "ssl": (),
    "tempfile": (),
    "textual.command": (
        "CommandListItem",
        "CommandPalette",
        "DiscoveryHit",
        "Hit",
        "Hits",
        "Provider",
        "SimpleProvider",
    ),
    "textual.pilot": ("Pilot",),
    "urllib.parse": ("quote", "quote_from_bytes", "urlsplit"),
    "urllib.request": (),
}
"""Modules, and the names that are taken from them by `from ... import` before the first frame."""
BASES = frozenset({("textual.command", "Provider")})
"""Names from which a class is derived that the console never uses; deriving from any other one loads its module."""


class Deferred(ModuleType):
    """A module that is loaded when an attribute is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # `from ... import` asks for it: that alone loads nothing
            raise AttributeError(name)
        return getattr(_loader.load(self.__name__), name)


class StandIn:
    """A class or function of a module that is not loaded yet."""

    def __init__(self, module: str, name: str) -> None:
        self._place = (module, name)
        self._base: type | None = None

    def real(self) -> Any:
        """Return the class or function itself; loads the module."""
        module, name = self._place
        return getattr(_loader.load(module), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the class or function."""
        return self.real()(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real(), name)

    def __instancecheck__(self, instance: object) -> bool:
        return self._place[0] in _loader.loaded and isinstance(instance, self.real())  # else there can be none

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        if self._place not in BASES or self._place[0] in _loader.loaded:
            return (self.real(),)
        if self._base is None:
            self._base = type(self._place[1], (ABC,), {})  # as the class itself has
        return (self._base,)

    def take_heirs(self) -> None:
        """Give the classes that were derived from this their real base."""
        base, self._base = self._base, None
        if base is not None:
            heirs: list[type] = base.__subclasses__()
            for heir in heirs:
                heir.__bases__ = tuple(self.real() if each is base else each for each in heir.__bases__)


class _Loader:
    """Finds and loads the modules of `MODULES`, of each first one that is deferred, then the real one."""

    def __init__(self) -> None:
        self.loaded: dict[str, ModuleType] = {}
        self._stand_ins: dict[str, list[StandIn]] = {}
        self._lock = RLock()

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in MODULES or name in self._stand_ins:
            return None
        return ModuleSpec(name, self)  # type: ignore[arg-type]  # the import system asks for these two methods alone

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        self._stand_ins[name] = [StandIn(name, each) for each in MODULES[name]]
        vars(module).update(zip(MODULES[name], self._stand_ins[name], strict=True))
        module.__class__ = Deferred

    def load(self, name: str) -> ModuleType:
        """Return the real module. Raises ImportError."""
        module = self.loaded.get(name)
        if module is None:
            with self._lock:
                if isinstance(sys.modules.get(name), Deferred):
                    del sys.modules[name]
            module = import_module(name)  # under the locks of the import system alone, which knows deadlocks
            with self._lock:
                if name not in self.loaded:
                    self.loaded[name] = module
                    for stand_in in self._stand_ins[name]:
                        stand_in.take_heirs()
        return module


_loader = _Loader()


def begin() -> None:
    """Defer these modules from now on; call it before libraries are imported."""
    if _loader not in sys.meta_path:
        sys.meta_path.insert(0, _loader)


def finish() -> None:
    """Import as usual from now on."""
    if _loader in sys.meta_path:
        sys.meta_path.remove(_loader)
