"""What packs need of the hosts of a cluster (`constraints.resources` of pack.json), and whether they have it."""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from edgewright.core.packs.layers import CPU, DISK, MEMORY, RESOURCES
from edgewright.core.packs.pack import Component, Pack, ResourceLimit
from edgewright.core.profiles.problems import Problem, error
from edgewright.core.profiles.resolve import ResolvedLayer

ALL, CONTROL_PLANE, WORKER = "all", "master", "worker"
_QUANTITY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(m|k|K|M|G|T|Ki|Mi|Gi|Ti)?", re.ASCII)
_FACTORS: Mapping[str, float] = {
    "": 1.0, "m": 0.001, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30,
    "Ti": 2.0**40,
}  # fmt: skip
_UNITS: Mapping[str, float] = {CPU: 0.001, MEMORY: 2.0**20, DISK: 1e9}
"""What one unit of a limit is in cores or bytes."""
_TITLES = {CPU: "CPU", MEMORY: "memory", DISK: "disk"}


class Pool(NamedTuple):
    """Hosts of a cluster together: their number and what each has, in the units of limits (m, Mi, GB); 0: not known."""

    name: str
    control_plane: bool
    hosts: int
    cpu: float = 0.0
    memory: float = 0.0
    disk: float = 0.0

    def each(self, resource: str) -> float:
        """Return what each host has of a resource."""
        return {CPU: self.cpu, MEMORY: self.memory, DISK: self.disk}[resource]


class Demand(NamedTuple):
    """What a layer needs: `amount` in all on the hosts of `schedule`, or on each of them."""

    layer: str
    resource: str
    schedule: str
    amount: float
    each_host: bool


def quantity(value: object, resource: str) -> Optional[float]:
    """Return a Kubernetes quantity (`100m`, `2`, `128Mi`) in the unit of a resource; `None` for another value."""
    if isinstance(value, bool) or value is None:
        return None
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    return float(match.group(1)) * _FACTORS[match.group(2) or ""] / _UNITS[resource]


def demands(
    layers: Sequence[ResolvedLayer], packs: Mapping[str, Optional[Pack]]
) -> "Tuple[List[Demand], List[Problem]]":
    """Return what the packs need, and values that cannot be counted. Components come before the limit."""
    result: List[Demand] = []
    problems: List[Problem] = []
    for layer in layers:
        pack = packs.get(layer.layer.key)
        for limit in pack.resources if pack is not None else ():
            if not limit.components:
                result.append(Demand(layer.layer.key, limit.type, WORKER, limit.min_limit, True))
            for component in limit.components:
                demand, problem = _component(layer, limit, component)
                result += [demand] if demand is not None else []
                problems += [problem] if problem is not None else []
    return result, problems


def _component(
    layer: ResolvedLayer, limit: ResourceLimit, component: Component
) -> "Tuple[Optional[Demand], Optional[Problem]]":
    key, values = layer.layer.key, layer.values
    amount = _value(layer, component.request_path, limit.type)
    if amount is None:
        return None, None  # the pack requests nothing there
    replicas: Optional[float] = 1.0
    if component.replicas_path:
        replicas = quantity(_scalar(layer, component.replicas_path), CPU)
        replicas = replicas * 0.001 if replicas is not None else 1.0
    if amount < 0 or replicas is None:
        line = values.source.line_of(component.request_path)
        message = "The value is not a quantity of Kubernetes."
        return None, error(key, component.request_path, message, "Write it as 100m or 128Mi.", "InvalidValue", line)
    return Demand(key, limit.type, component.schedule_type, amount * replicas, component.schedule_type == ALL), None


def _scalar(layer: ResolvedLayer, path: str) -> Optional[str]:
    scalar = layer.layer.values.scalars.get(path)
    if scalar is None or scalar.value is None:
        return None
    return layer.values.part(scalar).strip().strip("'\"") if scalar.pieces else scalar.raw


def _value(layer: ResolvedLayer, path: str, resource: str) -> Optional[float]:
    """Return the quantity at a path; `None` where there is no value, -1 where it is not a quantity."""
    text = _scalar(layer, path)
    if text is None or text == "":
        return None
    amount = quantity(text, resource)
    return -1.0 if amount is None else amount


def check_pools(wanted: Sequence[Demand], pools: Sequence[Pool]) -> List[Problem]:
    """Return what the hosts of a cluster do not have. Hosts whose size is not known are not judged."""
    problems: List[Problem] = []
    totals: Dict[Tuple[str, str], float] = {}
    for demand in wanted:
        if demand.each_host:
            problems += _each_host(demand, pools)
        else:
            totals[demand.resource, demand.schedule] = (
                totals.get((demand.resource, demand.schedule), 0.0) + demand.amount
            )
    for (resource, schedule), amount in totals.items():
        having = [pool for pool in pools if pool.control_plane == (schedule == CONTROL_PLANE) and pool.hosts]
        if not having or any(pool.each(resource) <= 0 for pool in having):
            continue
        total = sum(pool.hosts * pool.each(resource) for pool in having)
        if total < amount:
            where = "control plane" if schedule == CONTROL_PLANE else "worker"
            message = (
                f"The layers need {_shown(amount, resource)} on {where} hosts; they have {_shown(total, resource)}."
            )
            problems.append(error("", "resources", message, "Add hosts, or lower the requests.", "Resources"))
    return problems


def _each_host(demand: Demand, pools: Sequence[Pool]) -> List[Problem]:
    problems = []
    for pool in pools:
        has = pool.each(demand.resource)
        if (demand.schedule == WORKER and pool.control_plane) or not pool.hosts or has <= 0 or has >= demand.amount:
            continue
        wanted, size = _shown(demand.amount, demand.resource), _shown(has, demand.resource)
        message = f"The layer needs {wanted} on each host; those of {pool.name} have {size}."
        problems.append(
            error(demand.layer, "resources", message, "Use larger hosts, or lower the requests.", "Resources")
        )
    return problems


def _shown(amount: float, resource: str) -> str:
    return f"{amount:g} {RESOURCES[resource]} of {_TITLES[resource]}"
