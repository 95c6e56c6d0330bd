"""What a planner answers: the next actions of one host, and what it waits for. Pure data.

`Action.step_id` is the name of the action in the host's journal and of its transient unit. It contains the target, so
another target is another step, and an ended one is never started again by mistake.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.clusters.steps import BY_ID, FETCH, LAYER, PREFLIGHT, limit_of

OPERATOR = "operator"
"""Value of `Wait.on` for what an operator has to decide."""


class Wait(NamedTuple):
    """Why something does not start: the reason, and on whom it waits (host UIDs, or `OPERATOR`)."""

    reason: str
    on: Tuple[str, ...] = ()
    step: str = ""
    """The step that does not start; empty where it is that of the action."""
    host: str = ""
    """The host that the leader's step is for."""


class Action(NamedTuple):
    """One step of a host; `wait` is why it must not start yet.

    Parameters by step: `layer` and `remove-layer` have `layer` (its name). `serve-join`, `end-grant`, `drain`,
    `remove-member` and `remove-node` have `hostUid` and `nodeName`; `serve-join` also `role` and `joinEpoch`,
    `remove-member` `memberId` and `guard` (its numbers), `end-grant` `fulfilled` and `joinEpoch`, `drain` `releaseId`.
    `join-control-plane` and `join-worker` have `joinEpoch`, the first one also `wipe` (etcd data of a removed member
    is on the disk). `release` and `delete` have `releaseId`.
    """

    step: str
    target: str
    params: Mapping[str, Any]
    wait: Optional[Wait] = None

    @property
    def limit(self) -> float:
        """Return the seconds that one attempt may take."""
        return limit_of(self.step)

    def step_id(self, cluster_uid: str) -> str:
        """Return the id in journal and unit: `cluster-<8>-<step>-<target>`."""
        return f"cluster-{short(cluster_uid, 8)}-{self.step}-{self.target}"


class Lane(NamedTuple):
    """Duties of the leader that are done in order; lanes do not wait for each other."""

    name: str
    actions: Tuple[Action, ...]


class Plan(NamedTuple):
    """What a host does for a document: `actions` in order; the first that is not done is the current one.

    `role` is one of `ROLES`. `duties` are what the leader does besides, whatever its own actions wait for. `waits`
    are duties that cannot start yet; they block nothing else.
    """

    role: str
    actions: Tuple[Action, ...]
    duties: Tuple[Lane, ...] = ()
    waits: Tuple[Wait, ...] = ()

    @property
    def lanes(self) -> Tuple[Tuple[Action, ...], ...]:
        """Return what does not wait for each other, the host's own actions first.

        The fetch is also a lane of its own beside the preflight, which listens to the network for seconds: it writes
        into the store of content only. What it is for, the activation, waits for both.
        """
        beside = self.actions[1:2] if [action.step for action in self.actions[:2]] == [PREFLIGHT, FETCH] else ()
        return (self.actions, *((beside,) if beside else ()), *(lane.actions for lane in self.duties))


FORMER, JOINER, WORKER_ROLE, LEAVING, DELETING, OUTSIDE = (
    "init", "control-plane", "worker", "leaving", "deleting", "not a member",
)  # fmt: skip
ROLES = (FORMER, JOINER, WORKER_ROLE, LEAVING, DELETING, OUTSIDE)
"""`init`: the host that forms the cluster, as long as that is not done; afterwards it is a control plane."""


def short(text: str, digits: int = 12) -> str:
    """Return a name of fixed length for a text, for ids."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


_IN_TEXT = re.compile(r"(?:Step )?\bcluster-[0-9a-f]{8}-[\w.-]+")


def with_titles(text: str) -> str:
    """Return a text with the title of a step, and the name of its layer, in the place of each step id."""
    return _IN_TEXT.sub(_title, text)


def names_step(text: str, step_id: str) -> bool:
    """Return whether a user means this step by a text: its id, its name in the registry, or its title."""
    step = read_step_id(step_id)
    names = {step_id, with_titles(step_id), *((step[0], BY_ID[step[0]].title) if step is not None else ())}
    return text.casefold() in {name.casefold() for name in names}


def _title(match: "re.Match[str]") -> str:
    step = read_step_id(match[0].rpartition(" ")[2])
    if step is None:
        return match[0]
    layer = step[1].rpartition("-")[0] if step[0] == LAYER else ""
    return f"{BY_ID[step[0]].title} {layer}".rstrip()


def read_step_id(text: str) -> Optional[Tuple[str, str]]:
    """Return step and target of a step id in a host's report, `None` for one of something else."""
    parts = text.split("-", 2)
    if len(parts) != 3 or parts[0] != "cluster":
        return None
    for step in sorted(BY_ID, key=len, reverse=True):
        if parts[2].startswith(step + "-"):
            return step, parts[2][len(step) + 1 :]
    return None
