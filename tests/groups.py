"""Which end-to-end tests run in one process when there are several (`--dist loadgroup`): those that share hubs or labs.

The marks of pytest-xdist have no effect with pytest 9.2, which ignores that the names of tests are changed (its issue
1386): every process then starts hubs of its own. So the rule is here, and the scheduler asks it.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

import pytest

from tests.support import ROOT

SHARED = "pair"
"""The fixture of `tests/dist` whose two hubs last for a module."""


@cache
def sharing(module: str) -> frozenset[str]:
    """Return the names of the tests of a module that use `SHARED`."""
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if SHARED in {each.arg for each in node.args.args})


def group_of(nodeid: str) -> str:
    """Return the group of a test by its name; a test that shares nothing is a group of its own."""
    module, _, test = nodeid.partition("::")
    name, _, values = test.partition("[")
    if module.startswith("tests/e2e/"):  # labs wait for limits, terminals compute: they run beside each other
        return "terminals" if module.startswith("tests/e2e/terminal/") else "labs"
    if module == "tests/dist/test_schedules.py" and values.removesuffix("]").isdigit():
        seed = int(values.removesuffix("]"))
        return "three hubs" if seed % 5 == 0 else f"two hubs, {seed % 2}"
    return SHARED if module.startswith("tests/dist/") and name in sharing(module) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return the scheduler of `--dist loadgroup`."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)
