"""Operations `retry`, `accept` and `trial`: what an operator decides about the work of a host (P85 to P87).

Each runs at most once like any operation (P24); what they change is durable before they are reported as done.
"""

from __future__ import annotations

from typing import Callable, List, Optional, Set

from edgewright.agent.kernel.operations import Outcome
from edgewright.agent.reconcile.engine import Engine
from edgewright.agent.reconcile.requests import Handler, Request
from edgewright.agent.reconcile.steps import State
from edgewright.agent.reconcile.store import DocumentStore, Stored
from edgewright.agent.reconcile.trial import offer_trial
from edgewright.core.clusters.actions import with_titles
from edgewright.core.text import amount, clean
from edgewright.wire import protocol
from edgewright.wire.protocol.trial import blobs_of, problem, steps_of

ALL = "*"
NOTHING_WAITS = "No step of this host waits for its next try or for an operator."


def retry(engine: Callable[[], Engine], wanted: Callable[[], Set[str]]) -> Handler:
    """Return the handler of `retry`: steps that failed or wait for an operator start again at once.

    `wanted` returns the steps of the documents that this host converges on; a step of an earlier one is left alone.
    """

    def run(request: Request) -> Optional[Outcome]:
        target = str(request.params.get("step") or ALL)
        steps, names = engine(), wanted()
        if target != ALL:
            step = steps.step(target)
            title = with_titles(clean(target, 100))
            if step is None or target not in names:
                return _refused(f"This host has no step {title}.")
            if step.state not in (State.FAILED, State.OPERATOR):
                return _refused(f"The step {title} is {step.state.value}; only one that failed can be tried again.")
        moved = steps.retry(names if target == ALL else {target})
        if not moved:
            return _refused(NOTHING_WAITS)
        listed = ", ".join(with_titles(step.step) for step in moved[:5]) + (" ..." if len(moved) > 5 else "")
        noun = "step starts" if len(moved) == 1 else "steps start"
        return Outcome(protocol.OP_SUCCEEDED, f"{len(moved)} {noun} again: {listed}.")

    return run


def accept(store: DocumentStore) -> Handler:
    """Return the handler of `accept`: the document of another lineage that the operator saw takes effect."""

    def run(request: Request) -> Optional[Outcome]:
        uid, digest = str(request.params.get("document") or ""), str(request.params.get("digest") or "")
        waiting: List[Stored] = [stored for stored in store.offered() if uid in ("", stored.uid)]
        if not waiting:
            what = f"No document {clean(uid, 64)}" if uid else "No document"
            return _refused(f"{what} of another lineage waits on this host.")
        if len(waiting) > 1:
            return _refused(f"{len(waiting)} documents wait; name one: {', '.join(item.uid for item in waiting[:5])}.")
        (stored,) = waiting
        if digest and stored.digest != digest:
            return _refused(
                f"Another version of {stored.uid} waits now (digest {clean(stored.digest, 64)[:12]}); look again."
            )
        if not store.override(stored.uid):
            return _refused(f"The document {stored.uid} of another lineage cannot be read.")
        text = f"The document {stored.uid}, generation {stored.position.generation}, applies from now on."
        return Outcome(protocol.OP_SUCCEEDED, text)

    return run


def start_trial(store: DocumentStore) -> Handler:
    """Return the handler of `trial` (P87): a document whose steps only wait takes the place of the trial before."""

    def run(request: Request) -> Optional[Outcome]:
        wrong = problem(request.params)
        if wrong:
            return _refused(f"The parameter {wrong}.")
        steps, blobs = steps_of(request.params), blobs_of(request.params)
        offer_trial(store, request.id, steps, blobs, "plane")
        content = f" and {amount(len(blobs), 'blob')}" if blobs else ""
        return Outcome(
            protocol.OP_SUCCEEDED, f"A trial with {amount(len(steps), 'step')}{content} is with the reconciler."
        )

    return run


def _refused(message: str) -> Outcome:
    return Outcome(protocol.OP_REFUSED, message)
