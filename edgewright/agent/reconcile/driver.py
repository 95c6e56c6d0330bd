"""What the engine asks of a kind of step, and of a kind of document."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

from edgewright.agent.reconcile.steps import Action, Plan, Seen, Step


class Driver:
    """One kind of document: its planner and its steps. Only `command` leads to a change of the host."""

    kind = ""
    trouble = ""
    """Why a document gives no steps, as a sentence."""
    releases = False
    """Whether a released document has steps, which undo what was done for it."""

    def plan(self, document: Mapping[str, Any], observed: Mapping[str, Any]) -> Plan:
        """Return the steps that lead to a document, in order. Pure: no clock, no disk, no network."""
        raise NotImplementedError

    def lanes(self, document: Mapping[str, Any], release: str = "") -> List[Plan]:
        """Return the plans of a document that do not wait for each other; the first one is the host's own.

        `release` is the id of its tombstone: given only to a kind that `releases`.
        """
        return [self.plan(document, {})]

    def again(self, document: Mapping[str, Any]) -> Optional[float]:
        """Return after how many seconds to look again though every step is done, `None` for never."""
        return None

    def left(self, document: Mapping[str, Any]) -> None:
        """Forget what belongs to a document that this host has left."""

    def permanent(self, code: int) -> bool:
        """Return whether an exit status of a step means that no repetition helps: it waits for an operator then."""
        return False

    def unreachable(self, code: int) -> bool:
        """Return whether an exit status means that something outside of the host does not answer: it counts nowhere."""
        return False

    def cancels(self, step: Step) -> bool:
        """Return whether the program of a step that no document wants any more is ended; by default it is left."""
        return False

    def refresh(self) -> None:
        """Observe again at the next question: a program has ended since."""

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
