"""The product as the lab sees it: a command line, and an agent archive made from the source beside it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import edgewright
from edgewright.core.errors import Failed, NotFound
from edgewright.lab.tools import run

HOME = Path(edgewright.__file__).resolve().parent.parent
"""Where the package is: the source tree, or the site-packages of an installation."""

ARCHIVE = "edgewright-agent.pyz"
BUILDER = Path("packaging") / "build_agent.py"
BUILDING = 900.0
"""Seconds that the agent's archive may take to be built: normally some seconds, minutes on a crowded machine."""


def command_line(*text: str) -> list[str]:
    """Return the command that runs the product with these words, from wherever the lab was started."""
    return [sys.executable, "-m", "edgewright", *text]


def environment_for(url: str = "", ca: str = "", api_key_file: str = "") -> dict[str, str]:
    """Return the environment by which the product's commands reach a plane without a context."""
    env = {"PYTHONPATH": os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH", "")]))}
    if url:
        env["EDGEWRIGHT_URL"] = url
    if ca:
        env["EDGEWRIGHT_CA"] = ca
    if api_key_file:
        env["EDGEWRIGHT_API_KEY_FILE"] = api_key_file
    return env


def call(env: dict[str, str], *label: str, timeout: float = 60.0) -> Any:
    """Run a command of the product with `-o json` and return what it printed, parsed (None when nothing)."""
    text = run([*command_line(*label), "-o", "json"], env=env, timeout=timeout)
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        raise Failed(f"`edgewright {' '.join(label)}` printed no JSON: {text.strip()[:200]}") from None


def find_agent(named: str | None, log: Any) -> Path:
    """Return the agent archive to install: the named file, else one in `dist/`, else one built from this source.

    Raises `NotFound` when there is none and none can be built here.
    """
    if named:
        path = Path(named).absolute()
        if not path.is_file():
            raise NotFound(f"There is no agent at {path}.", "Make one by `make agent`.")
        return path
    builder = HOME / BUILDER
    if builder.is_file():
        log("agent archive: building it from this source")
        run([sys.executable, builder, "--archive-only"], env=environment_for(), timeout=BUILDING)
    for folder in (HOME / "dist", Path.cwd() / "dist"):
        if (folder / ARCHIVE).is_file():
            return folder / ARCHIVE
    raise NotFound("There is no agent archive to install on the hosts.", "Name one by --agent, or run `make agent`.")
