"""Stages that the user wrote: read from YAML, checked, and put behind our own steps."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from edgewright.core.cloudconfig.schema.model import nearest
from edgewright.core.cloudconfig.schema.stages import STAGES, STEP_KEYS
from edgewright.core.errors import InvalidInput
from edgewright.core.yaml.subset import load

SKIP_COPY = "skip-copy-"
"""Stages of this name are not stored on the box."""


def read_stages(lines: Sequence[str]) -> Dict[str, Any]:
    """Return the stages in these lines of YAML; a `stages:` around them may be there or not.

    Raises `InvalidInput` when they are no YAML, or no map.
    """
    if not any(line.strip() and not line.strip().startswith("#") for line in lines):
        return {}
    result = load("\n".join(lines) + "\n")
    if isinstance(result, dict) and set(result) == {"stages"}:
        result = result["stages"]
    if not isinstance(result, dict):
        raise InvalidInput("The stages are no map: write the name of a stage with a colon, then its steps.")
    return result


def problem_in(stages: Dict[str, Any]) -> str:
    """Return what is wrong with stages, as a sentence; "" when they are fine."""
    for stage, steps in stages.items():
        if stage not in STAGES and not stage.startswith(SKIP_COPY):
            near = nearest(stage, STAGES)
            return f"There is no stage {stage[:40]}" + (f"; the nearest is {near}." if near else ".")
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            return f"The stage {stage} needs a list of steps, each a map that begins with a dash."
        for step in steps:
            for key in step:
                if key not in STEP_KEYS:
                    near = nearest(key, sorted(STEP_KEYS))
                    return f"A step of {stage} has no key {key[:40]}" + (f"; the nearest is {near}." if near else ".")
            problem = _step(stage, step)
            if problem:
                return problem
    return ""


def _step(stage: str, step: Dict[str, Any]) -> str:
    commands = step.get("commands")
    if commands is not None and not (isinstance(commands, list) and all(isinstance(c, str) for c in commands)):
        return f"`commands` in {stage} is a list of texts; quote a command that contains a colon."
    files = step.get("files")
    if files is not None:
        good = isinstance(files, list) and all(isinstance(f, dict) and isinstance(f.get("path"), str) for f in files)
        if not good:
            return f"`files` in {stage} is a list of maps, each with a path."
    return ""


def merged(ours: Dict[str, List[Dict[str, Any]]], theirs: Dict[str, Any]) -> Dict[str, Any]:
    """Return our stages with theirs behind: steps of the same stage are appended, new stages follow in their order."""
    result: Dict[str, Any] = {stage: list(steps) for stage, steps in ours.items()}
    for stage, steps in theirs.items():
        result[stage] = result.get(stage, []) + list(steps)
    return result
