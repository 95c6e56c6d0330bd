"""The agent as one archive: a zip with a `#!` line and the modules that its program imports, and no others.

Docstrings, comments, most types, imports for these types and three of four spaces of indentation stay behind.

The same source gives the same bytes.
"""

from __future__ import annotations

import ast
import functools
import io
import os
import re
import tempfile
import tokenize
import zipfile
from collections import Counter
from typing import Dict, Iterator, List, Optional, Set, Tuple

from edgewright.agent.install.compiled import FOLDER, entry

SHEBANG = b"#!/usr/bin/env python3\n"
PROGRAM = "edgewright.agent.__main__"
MODULES = 512
"""Modules whose lean form is remembered: a second archive of one process, or a mark of the first, takes no time."""
_TIME = (2026, 1, 1, 0, 0, 0)
"""The time of every file in the archive: the real one would make each build differ."""


def sources(package: str) -> Iterator[Tuple[str, str]]:
    """Give (name in the archive, path) of each module that the program imports, sorted; `package` is our own folder.

    Imports inside of functions count; a module that is named in a string only is not found. Raises `OSError`.
    """
    above = os.path.dirname(os.path.abspath(package))
    matches: Dict[str, str] = {}
    waiting = [PROGRAM]
    while waiting:
        module = waiting.pop()
        path = _path(above, module)
        if path is None or module in matches:  # a name inside of a module, or of the standard library
            continue
        matches[module] = path
        parts = module.split(".")
        waiting += [".".join(parts[:size]) for size in range(1, len(parts))]
        with open(path, "rb") as file:
            waiting += _imports(file.read())
    for _, path in sorted(matches.items()):
        yield os.path.relpath(path, above).replace(os.sep, "/"), path


def _path(above: str, module: str) -> Optional[str]:
    if not module.startswith("edgewright"):
        return None
    stem = os.path.join(above, *module.split("."))
    return next((path for path in (stem + ".py", os.path.join(stem, "__init__.py")) if os.path.isfile(path)), None)


@functools.lru_cache(maxsize=MODULES)
def _imports(source: bytes) -> List[str]:
    """Return the names that a source imports; of `from a import b` both `a` and `a.b`, which may be a module."""
    names: List[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif (
            isinstance(node, ast.ImportFrom) and node.module and not node.level
        ):  # relative imports are not allowed here
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def build(target: str, package: str, compiled_in: str = FOLDER) -> None:
    """Write the archive to `target` (executable); it looks for its compiled modules in a folder. Raises `OSError`."""
    handle, fresh = tempfile.mkstemp(".new", os.path.basename(target) + ".", os.path.dirname(target) or ".")
    try:
        with open(handle, "wb") as file:
            file.write(SHEBANG)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                _add(archive, "__main__.py", entry(compiled_in))
                for name, path in sources(package):
                    with open(path, "rb") as source:
                        _add(archive, name, lean(source.read()))
        os.chmod(fresh, 0o755)  # noqa: S103 - a program that everybody may run
        os.replace(fresh, target)
    except BaseException:
        os.unlink(fresh)
        raise


@functools.lru_cache(maxsize=MODULES)
def lean(source: bytes) -> bytes:
    """Return a module without docstrings, comments, most types and wide indentation: fewer bytes to send.

    Every line stays where it is, so that a traceback of a host names the line of the source.
    """
    lines = source.decode().split("\n")
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            row = token.start[0] - 1
            lines[row] = lines[row][: token.start[1]].rstrip()
    tree = ast.parse(source)
    for row, start, end in sorted(_types(tree, lines), reverse=True):
        lines[row] = lines[row][:start] + lines[row][end:]
    for body in _bodies(tree):
        texts = [node for node in body if _is_text(node)]
        for node in texts:
            first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
            if not lines[first].lstrip().startswith(('"', "'")):
                continue  # after other code on one line
            indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
            needed = len(texts) == len(body) and node is texts[-1]  # nothing else is in there
            lines[first : last + 1] = [indent + '""' if needed else "", *[""] * (last - first)]
    return _without_unused("\n".join(_narrow(lines))).encode()


def _without_unused(text: str) -> str:
    """Return a module without names of `typing` that only the removed types had."""
    counts = Counter(re.findall(r"\w+", text))

    def used(match: "re.Match[str]") -> str:
        names = [name for name in match[1].split(", ") if counts[name] > 1]
        return f"from typing import {', '.join(names)}" if names else ""

    return re.sub(r"(?m)^from typing import ((?:\w+, )*\w+)$", used, text)


def _bodies(tree: ast.AST) -> Iterator[List[ast.stmt]]:
    """Yield the statements of each module, class, function and branch."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                yield body


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _narrow(lines: List[str]) -> List[str]:
    """Return lines with one space for each four of their indentation, but for those inside of a text."""
    inside: Set[int] = set()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, (ast.Constant, ast.JoinedStr)):
            inside.update(range(node.lineno, node.end_lineno or node.lineno))
    rests = [line.lstrip(" ") for line in lines]
    return [
        line if row in inside else " " * ((len(line) - len(rest)) // 4) + rest
        for row, (line, rest) in enumerate(zip(lines, rests))
    ]


def _types(tree: ast.AST, lines: List[str]) -> Iterator[Tuple[int, int, int]]:
    """Yield row, first and last column of each type of a parameter, result or variable that is on one line.

    In the body of a class a variable is a field, whose type counts; one without a value would be no statement any more.
    """
    fields = {id(node) for body in ast.walk(tree) if isinstance(body, ast.ClassDef) for node in body.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and node.value is not None and id(node) not in fields:
            first, kind = node.target.end_col_offset or 0, node.annotation
        elif isinstance(node, ast.arg) and node.annotation is not None:
            first, kind = node.col_offset + len(node.arg), node.annotation
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            kind = node.returns
            first = lines[kind.lineno - 1].rfind(" ->", 0, kind.col_offset)
        else:
            continue
        row, line = kind.lineno - 1, lines[kind.lineno - 1]
        one_line = kind.end_lineno == kind.lineno and node.lineno <= kind.lineno and line.isascii()
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.lineno != kind.lineno:
            continue
        if one_line and first >= 0 and kind.end_col_offset is not None:
            yield row, first, kind.end_col_offset


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)
