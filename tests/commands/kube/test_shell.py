"""A shell in a pod: what kubectl reports is in the error, and the code of the user's last command is none."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edgewright.commands.kernel.base import Plan
from edgewright.commands.kube import shell
from edgewright.core.errors import Failed

NONE = "No shell in shop/web-0: kubectl exec ended with code"


@asynccontextmanager
async def no_way(*_: Any) -> AsyncIterator[dict[str, str]]:
    """Stand in for the way to the API: the program of these tests asks for none."""
    yield dict(os.environ)


@pytest.mark.parametrize(
    ("printed", "code", "message"),
    [
        ("", 0, ""),
        ("command terminated with exit code 1", 1, ""),
        ("command terminated with exit code 130", 130, ""),
        (
            "error: unable to upgrade connection: container not found (web)", 1,
            f"{NONE} 1: unable to upgrade connection: container not found (web). ",
        ),
        (
            "exec: sh: not found\ncommand terminated with exit code 127", 127,
            f"{NONE} 127: command terminated with exit code 127. Its image may have none.",
        ),
    ],
)  # fmt: skip
async def test_the_end_of_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, code: int, message: str
) -> None:
    monkeypatch.setattr(shell, "reached", no_way)
    program = tmp_path / "kubectl"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{printed}' >&2\nexit {code}\n")
    program.chmod(0o755)
    row = type("Row", (), {"name": "pos-kiel"})()
    plan = Plan("Shell in shop/web-0", (), ("shop/web-0",), (), "", None, (row, [str(program), "exec"]))
    shown: list[str] = []
    monkeypatch.setattr("builtins.print", lambda text="", **_: shown.append(text))
    if not message:
        assert (await shell.KubePodShell().apply(None, plan, {}, shown.append)).done == ("shop/web-0",)  # type: ignore[arg-type]
    else:
        with pytest.raises(Failed) as failure:
            await shell.KubePodShell().apply(None, plan, {}, shown.append)  # type: ignore[arg-type]
        assert f"{failure.value.message} {failure.value.hint}" == message
    assert printed in "".join(shown), "the user sees it in the terminal too"
