"""What packs demand of hosts: limits, requests times replicas, units."""

from __future__ import annotations

import pytest

from edgewright.core.packs.layers import CPU, DISK, MEMORY
from edgewright.core.packs.pack import Component, Pack, ResourceLimit
from edgewright.core.profiles.model import Variable
from edgewright.core.profiles.resources import Demand, Pool, check_pools, demands, quantity
from edgewright.core.profiles.scope import Context
from edgewright.profiles.prepare import prepare, resolved
from tests.core.profiles.stacks import addon, layer

VALUES = "requests:\n  cpu: 500m\n  memory: '{{.spectro.var.memory}}'\nreplicas: 3\nodd: lots\n"


def _needs(*limits: ResourceLimit) -> list[Demand]:
    pack = Pack("web", "1.0.0", "addon", resources=limits)
    profile = addon(layers=(layer("web", "addon", VALUES),), variables=(Variable("memory", default="1Gi"),))
    prepared = prepare(profile, {"web": pack})
    result, problems = demands(resolved(prepared, Context()).layers, prepared.packs)
    assert [problem.code for problem in problems] == (
        ["InvalidValue"] if any("odd" in str(row) for row in limits) else []
    )
    return result


@pytest.mark.parametrize(
    ("value", "resource", "amount"),
    [("100m", CPU, 100), ("2", CPU, 2000), (0.5, CPU, 500), ("128Mi", MEMORY, 128), ("1Gi", MEMORY, 1024),
     ("10G", DISK, 10), ("lots", CPU, None), (True, CPU, None), (None, CPU, None)],
)  # fmt: skip
def test_quantities_have_the_unit_of_the_limit(value: object, resource: str, amount: float | None) -> None:
    assert quantity(value, resource) == (None if amount is None else pytest.approx(amount))


def test_a_limit_is_for_each_worker_and_components_count_instead_of_it() -> None:
    limit = ResourceLimit(DISK, 10)
    cpu = ResourceLimit(CPU, 9999, (Component("worker", "requests.cpu", "replicas"),))
    memory = ResourceLimit(MEMORY, 0, (Component("all", "requests.memory"), Component("worker", "odd")))
    assert _needs(limit, cpu, memory) == [
        Demand("web", DISK, "worker", 10, True),
        Demand("web", CPU, "worker", 1500.0, False),
        Demand("web", MEMORY, "all", 1024, True),
    ]


def test_hosts_that_are_too_small_are_named_and_unknown_ones_not_judged() -> None:
    wanted = [Demand("web", CPU, "worker", 1500, False), Demand("log", CPU, "worker", 3000, False),
              Demand("agent", MEMORY, "all", 1024, True), Demand("data", DISK, "worker", 100, True)]  # fmt: skip
    pools = [Pool("control", True, 1, 2000, 512, 0), Pool("workers", False, 2, 2000, 4096, 60)]
    assert [problem.message for problem in check_pools(wanted, pools)] == [
        "The layer needs 1024 Mi of memory on each host; those of control have 512 Mi of memory.",
        "The layer needs 100 GB of disk on each host; those of workers have 60 GB of disk.",
        "The layers need 4500 m of CPU on worker hosts; they have 4000 m of CPU.",
    ]
    assert check_pools(wanted, [Pool("workers", False, 3, 0, 0, 0)]) == []
