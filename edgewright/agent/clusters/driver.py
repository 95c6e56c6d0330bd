"""Documents of kind `cluster`: the planner's actions as steps of the engine, each run by this agent in its own unit."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from edgewright.agent.clusters import tend
from edgewright.agent.clusters.context import Context, StepKind
from edgewright.agent.clusters.gather import gather
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.kube.kubeconfigs import forget_kubeconfigs
from edgewright.agent.clusters.machine import settings
from edgewright.agent.clusters.registry import steps_of
from edgewright.agent.clusters.slices import forget_part, read_part
from edgewright.agent.reconcile.driver import Driver
from edgewright.agent.reconcile.patience import Patience
from edgewright.agent.reconcile.steps import Action, Plan, Seen, Step
from edgewright.core.clusters import actions as planned
from edgewright.core.clusters import document as documents
from edgewright.core.clusters import steps as planned_steps
from edgewright.core.clusters.model import CONTROL_PLANE, PRESENT, ClusterDocument, Member
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planner import moved, plan
from edgewright.core.clusters.planning.judge import judge
from edgewright.core.errors import EdgewrightError, ExitCode, Failed

KIND = "cluster"
PERMANENT = (int(ExitCode.REFUSED), int(ExitCode.INVALID))
"""Exit statuses of a step that no repetition changes: an operator decides."""
FRESH = 1.0
"""Seconds for which an observation serves several questions of one look."""
SOON, SELDOM = 2.0, 10.0
"""Seconds between two looks while the leader waits for another host: at first, and at most."""
EVERY = 60.0
"""Seconds after which a control plane looks again though nothing waits: the leader's Lease lasts 150 s. Another host
does while a setting of the cluster is not in force."""


class ClusterDriver(Driver):
    """Cluster documents of this host. `program` are the arguments that start this agent."""

    kind = KIND
    releases = True

    def __init__(
        self, host: Host, data: str, host_uid: Callable[[], str], program: List[str], steps: Mapping[str, StepKind],
        look: Callable[[Context], Observed] = gather, care: Callable[[Context, Observed], bool] = tend.tend,
    ) -> None:  # fmt: skip
        self.host, self.data, self.program = host, data, program
        self._host_uid, self._steps, self._look, self._care = host_uid, steps, look, care
        self._documents: Dict[str, Tuple[Mapping[str, Any], ClusterDocument]] = {}
        self._observed: Dict[str, Tuple[float, Observed]] = {}
        self._actions: Dict[str, Tuple[Context, planned.Action]] = {}
        self._every: Dict[str, Optional[float]] = {}
        self._resets: Set[str] = set()
        """Clusters that this host leaves by a reset of its own."""
        self._patience = Patience(SOON, SELDOM)
        self._fetches: Dict[str, str] = {}
        """By cluster: the id of the fetch that is planned, empty for none."""
        self.trouble = ""
        """Why a document gives no steps, as a sentence."""

    def plan(self, document: Mapping[str, Any], observed: Mapping[str, Any]) -> Plan:
        """See `Driver.plan`: this host's own steps."""
        lanes = self.lanes(document)
        return lanes[0] if lanes else []

    def lanes(self, document: Mapping[str, Any], release: str = "") -> List[Plan]:
        """See `Driver.lanes`. A document that cannot be read gives no steps: what runs continues."""
        try:
            context = self._context(document)
            owner = context.owner()
            if owner not in ("", context.document.uid):
                member = context.document.member(context.host_uid)
                wanted = member is not None and member.state == PRESENT and not release
                self.trouble = f"This host belongs to the cluster {owner} until it is released there." if wanted else ""
                return [] if wanted else [[]]
            self._resets = {*self._resets - {context.document.uid}, *([context.document.uid] if release else [])}
            observed = self._observe(context, FRESH)
            if release:
                observed = dataclasses.replace(observed, local=dataclasses.replace(observed.local, reset=release))
            made = plan(context.document, observed)
            if made.role in (planned.LEAVING, planned.DELETING) and observed.local.clean:
                self.left(document)
        except (EdgewrightError, OSError) as error:
            self.trouble = str(error)
            return []
        self._fetches[context.document.uid] = next(
            (action.step_id(context.document.uid) for action in made.actions if action.step == planned_steps.FETCH), ""
        )
        member = context.document.member(context.host_uid)
        self.trouble = self._moved(member, observed)
        always = member is not None and member.role == CONTROL_PLANE and made.role in (planned.FORMER, planned.JOINER)
        if always:
            self._every[context.document.uid] = self._look_again(context.document.uid, made.waits)
        else:
            self._every[context.document.uid] = EVERY if settings.problem(context) else None
        return [self._plan(document, actions) for actions in made.lanes]

    def _look_again(self, uid: str, waits: Sequence[planned.Wait]) -> float:
        if not waits:
            self._patience.end(uid)
            return EVERY
        return self._patience.again(uid, " ".join(wait.reason for wait in waits), self.host.uptime())

    def _moved(self, member: Optional[Member], observed: Observed) -> str:
        """Return that this host has another address than in its cluster, as a sentence; the cluster is not changed."""
        if member is None or member.state != PRESENT or not observed.local.moved:
            return ""
        return (
            f"{moved(member, observed.local.moved)}. Give it that address again, or release the host from the cluster."
        )

    def context_of(self, document: Mapping[str, Any]) -> Context:
        """Return what work on a cluster of this host needs. Raises `EdgewrightError`."""
        return self._context(document)

    def again(self, document: Mapping[str, Any]) -> Optional[float]:
        """See `Driver.again`."""
        return self._every.get(str(document.get("uid")))

    def left(self, document: Mapping[str, Any]) -> None:
        """See `Driver.left`: this host has left the cluster; its secrets are removed."""
        uid = str(document.get("uid"))
        forget_part(self.data, uid)
        forget_kubeconfigs(self.data, uid)

    def refresh(self) -> None:
        """See `Driver.refresh`: what was observed before a step ended is not enough to judge it."""
        self._observed.clear()

    def observe(self, action: Action) -> Tuple[Seen, str]:
        """See `Driver.observe`, by the planner's rules."""
        context, wanted = self._actions[action.step]
        result = judge(wanted, context.document, self._observe(context, FRESH))
        state = {True: Seen.DONE, False: Seen.NOT_DONE, None: Seen.UNKNOWN}[result.done]
        return state, result.text

    def cancels(self, step: Step) -> bool:
        """See `Driver.cancels`: a fetch whose target moved; what arrived is used again or swept by the next one."""
        return any(
            step.step != wanted and step.step.startswith(f"cluster-{planned.short(uid, 8)}-{planned_steps.FETCH}-")
            for uid, wanted in self._fetches.items()
        )

    def waits_for(self, action: Action) -> str:
        """See `Driver.waits_for`: what the planner knows, then what the step itself looks at."""
        context, wanted = self._actions[action.step]
        if wanted.wait is not None:
            return wanted.wait.reason
        try:
            return self._kind(context, wanted.step).waits_for(context)
        except EdgewrightError as error:
            return error.message.rstrip(".")

    def command(self, action: Action) -> Sequence[str]:
        """See `Driver.command`."""
        context, wanted = self._actions[action.step]
        self._kind(context, wanted.step)
        command = [*self.program, "cluster-step", wanted.step, context.document.uid]
        command += ["--data", self.data, "--host", context.host_uid]
        node = str(wanted.params.get("nodeName") or "")
        command += ["--node", node] if node else []
        return [*command, "--argument", context.argument] if context.argument else command

    def percent(self, action: Action, elapsed: float) -> Optional[int]:
        """See `Driver.percent`."""
        context, wanted = self._actions[action.step]
        try:
            return self._kind(context, wanted.step).percent(context)
        except EdgewrightError:
            return None

    def permanent(self, code: int) -> bool:
        """See `Driver.permanent`."""
        return code in PERMANENT

    def unreachable(self, code: int) -> bool:
        """See `Driver.unreachable`: a registry or the API may be away for hours."""
        return code == int(ExitCode.UNREACHABLE)

    def _plan(self, document: Mapping[str, Any], actions: Sequence[planned.Action]) -> Plan:
        result: Plan = []
        for n, action in enumerate(actions, 1):
            argument = str(
                action.params.get("layer") or action.params.get("hostUid") or action.params.get("releaseId") or ""
            )
            context = self._context(document, argument)
            name = action.step_id(context.document.uid)
            self._actions[name] = (context, action)
            result.append(Action(name, KIND, action.target, {"step": action.step}, action.limit, n, len(actions)))
        return result

    def _context(self, document: Mapping[str, Any], argument: str = "") -> Context:
        uid = str(document.get("uid"))
        before = self._documents.get(uid)
        if before is None or before[0] != document:
            before = self._documents[uid] = (document, documents.read(document))
        part = read_part(self.data, uid)
        return Context(self.host, before[1], part, self._host_uid(), self.data, argument, self.program)

    def _observe(self, context: Context, fresh: float) -> Observed:
        """Return what is observed, at most `fresh` seconds old; duties of every look are done on the way."""
        uid, now = context.document.uid, self.host.uptime()
        before = self._observed.get(uid)
        if before is not None and now - before[0] < fresh:
            return before[1]
        observed = self._look(context)
        # Not on a host that is reset: a look after its last step would make it a host of the cluster again.
        if uid not in self._resets and self._care(context, observed):
            observed = self._look(context)
        self._observed[uid] = (self.host.uptime(), observed)
        return observed

    def _kind(self, context: Context, name: str) -> StepKind:
        kind = steps_of(context.document, self._steps).get(name)
        if kind is None:
            raise Failed(f"This agent has no step {name}.", "Update the agent of this host.")
        return kind
