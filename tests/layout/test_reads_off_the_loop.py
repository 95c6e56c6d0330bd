"""No coroutine of the console or its verbs reads a file itself: a share that does not answer would stop every key."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support import ROOT

READS = {
    "read_text", "read_bytes", "read_small_file", "read_key_file", "read_public_key", "read_spec", "is_file", "is_dir",
    "exists", "open", "stat", "iterdir", "glob",
}  # fmt: skip
ALLOWED = {
    "edgewright/commands/build/rows.py": "logs of builds, in the folder of Edgewright itself",
    "edgewright/commands/hub/local.py": "the log of the hub that it has started",
    "edgewright/commands/installer/view.py": "a file that a build of this machine has made",
    "edgewright/commands/kernel/live.py": "opens a gate of events, not a file",
    "tui/wizards/parts/drafts.py": "the draft, in the folder of Edgewright itself",
}
COMMAND_LINE = "edgewright/commands/forge/"
"""Verbs without a form in the console: the command line has nothing else to do meanwhile."""


def reads(tree: ast.AST, inside: bool = False) -> Iterator[int]:
    """Yield the lines at which a coroutine reads; a lambda or a function in it runs elsewhere."""
    for node in ast.iter_child_nodes(tree):
        here = isinstance(node, ast.AsyncFunctionDef) or (
            inside and not isinstance(node, (ast.FunctionDef, ast.Lambda))
        )
        if here and isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in READS:
                yield node.lineno
        yield from reads(node, here)


def reading(root: Path) -> set[str]:
    files = [path for part in ("tui", "edgewright/commands") for path in (root / part).rglob("*.py")]
    names = {path.relative_to(root).as_posix() for path in files if list(reads(ast.parse(path.read_text("utf-8"))))}
    return {name for name in names if not name.startswith(COMMAND_LINE)}


def test_a_coroutine_reads_files_in_a_thread() -> None:
    assert reading(ROOT) == set(ALLOWED)


def test_a_read_in_a_coroutine_is_seen() -> None:
    source = (
        "async def f(p):\n    p.exists()\n    await read_in_time(lambda: p.read_text(), 'p')\ndef g(p): p.exists()\n"
    )
    assert list(reads(ast.parse(source))) == [2]
