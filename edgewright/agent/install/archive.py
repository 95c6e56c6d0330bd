"""The agent as one archive: a zip with a `#!` line and the modules that its program imports, and no others.

Docstrings, comments, the types of parameters and three of four spaces of indentation stay behind.

The same source gives the same bytes.
"""

from __future__ import annotations

import ast
import io
import os
import tempfile
import tokenize
import zipfile
from typing import Dict, Iterator, List, Optional, Set, Tuple

from edgewright.agent.install.compiled import FOLDER, entry

SHEBANG = b"#!/usr/bin/env python3\n"
PROGRAM = "edgewright.agent.__main__"
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
        waiting += _imports(path)
    for _, path in sorted(matches.items()):
        yield os.path.relpath(path, above).replace(os.sep, "/"), path


def _path(above: str, module: str) -> Optional[str]:
    if not module.startswith("edgewright"):
        return None
    stem = os.path.join(above, *module.split("."))
    return next((path for path in (stem + ".py", os.path.join(stem, "__init__.py")) if os.path.isfile(path)), None)


def _imports(path: str) -> List[str]:
    """Return the names that a source imports; of `from a import b` both `a` and `a.b`, which may be a module."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    names: List[str] = []
    for node in ast.walk(tree):
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


def lean(source: bytes) -> bytes:
    """Return a module without docstrings, comments, types of parameters and wide indentation: fewer bytes to send.

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
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
            if not lines[first].lstrip().startswith(('"', "'")):
                continue  # after other code on one line
            indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
            lines[first : last + 1] = [indent + '""', *[""] * (last - first)]
    return "\n".join(_narrow(lines)).encode()


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
    """Yield row, first and last column of each type of a parameter or result that is on one line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            first, kind = node.col_offset + len(node.arg), node.annotation
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            kind = node.returns
            first = lines[kind.lineno - 1].rfind(" ->", 0, kind.col_offset)
        else:
            continue
        row, line = kind.lineno - 1, lines[kind.lineno - 1]
        one_line = kind.end_lineno == kind.lineno and node.lineno <= kind.lineno and line.isascii()
        if isinstance(node, ast.arg) and node.lineno != kind.lineno:
            continue
        if one_line and first >= 0 and kind.end_col_offset is not None:
            yield row, first, kind.end_col_offset


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)
