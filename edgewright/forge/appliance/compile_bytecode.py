"""Run by the image's own Python while it is built: bytecode that is the same each time and is never checked again.

Emulated and small machines spend seconds on compiling; times in ordinary bytecode would make each image differ.
`library` compiles the standard library; `archive FROM TO` adds bytecode beside the sources of a zip archive.
"""

# It runs once, in another Python: pathlib would be one more thing to load.
# ruff: noqa: PTH101, PTH103, PTH108, PTH112, PTH118, PTH123, PTH208

import importlib.util
import os
import sys
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc  # type: ignore[attr-defined]

SKIPPED = ("test", "tests", "idlelib", "lib2to3", "ensurepip", "distutils", "pydoc_data", "turtledemo", "tkinter")


def bytecode(data: bytes, name: str) -> bytes:
    """Return the content of a .pyc for this Python, marked to be taken without a look at the source."""
    code = compile(data, name, "exec", dont_inherit=True, optimize=0)
    return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(data), False))


def library(folder: str) -> None:
    """Compile every module of the standard library, in a fixed order, in this one process."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and name != "__pycache__")
        cache = os.path.join(place, "__pycache__")
        if os.path.isdir(cache):
            for name in os.listdir(cache):
                os.unlink(os.path.join(cache, name))
        for name in sorted(files):
            if not name.endswith(".py"):
                continue
            path = os.path.join(place, name)
            with open(path, "rb") as source:
                data = source.read()
            try:
                made = bytecode(data, path)
            except (SyntaxError, ValueError):
                continue  # a template that only looks like a module
            os.makedirs(cache, exist_ok=True)
            with open(importlib.util.cache_from_source(path), "wb") as target:
                target.write(made)


def archive(source: str, target: str, place: str) -> None:
    """Copy an archive and add bytecode beside each module; `place` is where it will lie."""
    with zipfile.ZipFile(source) as given, open(target, "wb") as file:
        with open(source, "rb") as raw:
            first = raw.readline()
        if first.startswith(b"#!"):
            file.write(first)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as made:
            for entry in given.infolist():
                data = given.read(entry)
                _add(made, entry, entry.filename, data)
                if entry.filename.endswith(".py"):
                    _add(made, entry, entry.filename + "c", bytecode(data, place + "/" + entry.filename))
    os.chmod(target, 0o755)  # noqa: S103 - a program that everybody may run


def _add(made: zipfile.ZipFile, like: zipfile.ZipInfo, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, like.date_time)
    entry.external_attr = like.external_attr
    entry.create_system = 3
    made.writestr(entry, data)


if __name__ == "__main__":
    if sys.argv[1] == "library":
        library(f"/usr/lib/python3.{sys.version_info[1]}")
    else:
        archive(*sys.argv[2:5])
