"""What the engine asks of a kind of step, and of a kind of document."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Tuple

from edgewright.agent.reconcile.steps import Action, Plan, Seen


class Driver:
    """One kind of document: its planner and its steps. Only `command` leads to a change of the host."""

    kind = ""

    def plan(self, document: Mapping[str, Any], observed: Mapping[str, Any]) -> Plan:
        """Return the steps that lead to a document, in order. Pure: no clock, no disk, no network."""
        raise NotImplementedError

    def observe(self, action: Action) -> Tuple[Seen, str]:
        """Look whether a step's effect is there, whatever its program reported; the text is what was seen."""
        raise NotImplementedError

    def waits_for(self, action: Action) -> str:
        """Return the precondition that a step waits for, empty when it may start."""
        return ""

    def command(self, action: Action) -> Sequence[str]:
        """Return the program of a step. Raises `Failed` when it cannot be made."""
        raise NotImplementedError

    def percent(self, action: Action, elapsed: float) -> Optional[int]:
        """Return how far a running step is, `None` when that is not known."""
        return None
