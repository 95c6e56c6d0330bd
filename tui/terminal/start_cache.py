"""What the libraries compile and parse at a start is compiled by the first one and read from a file by later ones.

Textual and Rich make about 150 methods of dataclasses and named tuples from source text, and compile 60 regular
expressions, each time they are imported: a sixth of the time to the first frame. Python caches neither in its byte
code. Here the text is the key: the same text gives the same code, so that an entry never becomes wrong. The file is for
one build of Python, is written after the first frame, and is ignored if anybody else could have written it. Whatever
is not in it is compiled as usual. The parsed style sheets are in the same file, for `style_rules`.

Private API of the standard library: `dataclasses` and `collections` call `exec` and `eval` by their global names; `re`
calls `re._compiler.compile`, which calls `_sre.compile`. All three are as before after `finish`. Later releases of
Python than `LAST` start without the file.
"""

from __future__ import annotations

import collections
import dataclasses
import marshal
import os
import re
import sys
import threading
from binascii import crc32
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

NAME = "compiled"
FORMAT = 2
MOST_BYTES = 4_000_000
"""A file that is larger is not read, and none is written."""
MOST_ENTRIES = 2_000
LAST = (3, 13)
Texts = dict[tuple[str, str], CodeType]
"""Code by its mode (`exec` or `eval`) and text."""
Patterns = dict[tuple[str | bytes, int], tuple[Any, ...]]
"""Arguments of `_sre.compile` behind the pattern, by pattern and flags."""
Sheet = tuple[str, tuple[str, str], bool, int, str]
"""A style sheet: text, where it is from, whether it is a default, its rank, its scope."""


class Rules(NamedTuple):
    """Pickled rules of style sheets with the variables of the theme and the stamp of Textual that they are for."""

    variables: dict[str, str]
    stamp: tuple[int, ...]
    sheets: dict[Sheet, bytes]


class Content(NamedTuple):
    """What the file contains."""

    texts: Texts
    patterns: Patterns
    rules: Rules


def empty() -> Content:
    """Return the content of no file."""
    return Content({}, {}, Rules({}, (), {}))


def build() -> bytes:
    """Return the line that names the interpreter: code of another one is not usable."""
    names = (FORMAT, sys.version, sys.implementation.cache_tag, sys.flags.optimize, import_module("_sre").MAGIC)
    return repr(names).encode() + b"\n"


class StartCache:
    """Compiled texts and patterns of one start; `path` is the file, None to use none."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.texts, self.patterns, self.rules = empty()
        self.new = 0
        """How many were compiled or parsed because the file had none."""
        self.ended = False
        self._parsed: dict[Sheet, object] = {}
        self._compiler: Any = import_module("re._compiler")
        self._compile: Callable[..., re.Pattern[Any]] = self._compiler.compile
        self._sre: Any = self._compiler._sre
        self._lock = threading.Lock()
        self._modules: tuple[tuple[Any, str], ...] = ((dataclasses, "exec"), (collections, "eval"))

    def begin(self) -> None:
        """Read the file, and compile by it from now on."""
        if self.path is not None:
            self.texts, self.patterns, self.rules = read(self.path)
        if len(self.texts) + len(self.patterns) + len(self.rules.sheets) > MOST_ENTRIES:
            self.texts, self.patterns, self.rules = empty()
        for module, name in self._modules:
            vars(module)[name] = self._exec if name == "exec" else self._eval
        self._compiler.compile = self._pattern

    def finish(self) -> bool:
        """Compile as usual from now on; return whether there is something to write."""
        for module, name in self._modules:
            vars(module).pop(name, None)
        self._compiler.compile = self._compile
        self.ended = True
        return bool(self.new) and self.path is not None

    def write(self) -> None:
        """Write the file, completely or not at all; a folder that cannot be written is ignored."""
        assert self.path is not None
        import pickle

        try:
            self.rules.sheets.update((sheet, pickle.dumps(rules, 5)) for sheet, rules in self._parsed.items())
            body = marshal.dumps((self.texts, self.patterns, tuple(self.rules)))
        except (ValueError, TypeError, AttributeError, pickle.PicklingError):  # something that cannot be stored
            return
        if len(body) > MOST_BYTES:
            return
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(build() + crc32(body).to_bytes(4, "big") + body)
            partial.replace(self.path)
        except OSError:
            with suppress(OSError):
                partial.unlink()

    def rules_of(self, sheet: Sheet, variables: dict[str, str], stamp: tuple[int, ...]) -> bytes | None:
        """Return the pickled rules of a style sheet; those for other variables or another Textual are dropped."""
        if self.rules.variables != variables or self.rules.stamp != stamp:
            self.rules, self._parsed = Rules(dict(variables), stamp, {}), {}
        return self.rules.sheets.get(sheet)

    def add_rules(self, sheet: Sheet, rules: object) -> None:
        """Store the rules of a style sheet, for the variables that `rules_of` was asked with."""
        self._parsed[sheet] = rules
        self.new += 1

    def code(self, mode: str, text: str) -> CodeType:
        """Return the code of a text. Raises `SyntaxError` as `compile` does."""
        code = self.texts.get((mode, text))
        if code is None:
            code = self.texts[mode, text] = compile(text, "<string>", mode, dont_inherit=True)
            self.new += 1
        return code

    def _exec(self, text: Any, namespace: dict[str, Any] | None = None, local: Any = None) -> None:
        if namespace is None or not isinstance(text, str):
            raise TypeError("exec of a text in a namespace is expected")
        exec(self.code("exec", text), namespace, local)  # noqa: S102 - the call of the library, not compiled again

    def _eval(self, text: Any, namespace: dict[str, Any] | None = None, local: Any = None) -> Any:
        if namespace is None or not isinstance(text, str):
            raise TypeError("eval of a text in a namespace is expected")
        return eval(self.code("eval", text), namespace, local)  # noqa: S307 - as above

    def _pattern(self, pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        known = self.patterns.get((pattern, flags)) if isinstance(pattern, str | bytes) else None
        if known is not None:
            try:
                return self._sre.compile(pattern, *known)  # type: ignore[no-any-return]
            except (RuntimeError, TypeError):
                del self.patterns[pattern, flags]
        with self._lock:
            recorder = self._compiler._sre = _Recorder(self._sre)
            try:
                made = self._compile(pattern, flags)
            finally:
                self._compiler._sre = self._sre
        if recorder.arguments and recorder.arguments[0] is pattern and isinstance(pattern, str | bytes):
            _, all_flags, code, *rest = recorder.arguments
            self.patterns[pattern, int(flags)] = (int(all_flags), [int(word) for word in code], *rest)
            self.new += 1
        return made


class _Recorder:
    """Takes the place of the module `_sre` and records the arguments of `compile`."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self.arguments: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def compile(self, *arguments: Any) -> Any:
        self.arguments = arguments
        return self._module.compile(*arguments)


def read(path: Path) -> Content:
    """Return what a file contains: nothing if it is missing, damaged, of another Python, or writable by others."""
    try:
        with path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022 or status.st_size > MOST_BYTES:
                return empty()
            data = file.read(status.st_size)
        first = build()
        body = data[len(first) + 4 :]
        if not data.startswith(first) or crc32(body).to_bytes(4, "big") != data[len(first) : len(first) + 4]:
            return empty()
        texts, patterns, rules = marshal.loads(body)  # noqa: S302 - as trusted as byte code: written by this user alone
        return Content(texts, patterns, Rules(*rules))
    except (OSError, ValueError, TypeError, EOFError):
        return empty()


_present: StartCache | None = None


def begin(folder: Path | None) -> None:
    """Compile by the file in `folder` until `finish`; call it before Textual is imported."""
    global _present
    finish()
    if sys.version_info[:2] > LAST:
        return
    _present = StartCache(folder / NAME if folder is not None else None)
    _present.begin()


def present() -> StartCache | None:
    """Return the cache of this start, None after its end."""
    return _present


def finish() -> Callable[[], None] | None:
    """End that; return what writes the file, for a thread, or None when nothing is new."""
    global _present
    cache, _present = _present, None
    return cache.write if cache is not None and cache.finish() else None
