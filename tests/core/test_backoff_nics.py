from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.backoff import Backoff
from edgewright.core.hosts.nics import fold, is_virtual


@given(st.floats(0.01, 10), st.floats(0, 1000), st.integers(0, 2**32), st.integers(1, 200))
def test_p4_waits_stay_under_a_ceiling_that_doubles(base: float, more: float, seed: int, tries: int) -> None:
    backoff = Backoff(base, base + more, random.Random(seed).random)
    for count in range(tries):
        ceiling = min(base + more, base * 2.0 ** min(count, 60))
        assert backoff.ceiling == ceiling
        assert 0 <= backoff.next() <= ceiling
    backoff.reset()
    assert backoff.ceiling == base


def test_p4_retry_after_is_a_minimum() -> None:
    assert Backoff(rng=lambda: 0.0).next(at_least=5) == 5
    with pytest.raises(ValueError, match="base"):
        Backoff(0)


def test_virtual_cards_of_a_node_fold_away() -> None:
    virtual = [f"cali{i:011x}" for i in range(24)] + ["lo", "cni0", "flannel.1", "docker0", "veth12ab", "kube-ipvs0"]
    real = ["enp1s0", "eno2", "bond0", "bond0.100", "wlan0", "br-lan", "usb0", "host0", "eth0"]
    nics = [{"nicName": name, "isDefault": name == "eno2"} for name in virtual + real]
    folded = fold(nics)
    assert folded.folded == len(virtual)
    assert folded.real[0]["nicName"] == "eno2"
    assert {nic["nicName"] for nic in folded.real} == set(real)
    assert all(is_virtual(name) for name in virtual)


def test_the_default_route_is_never_hidden() -> None:
    folded = fold([{"nicName": "veth0", "isDefault": True}, {"nicName": "veth1"}])
    assert [nic["nicName"] for nic in folded.real] == ["veth0"]
    assert folded.folded == 1
    assert fold([]).real == ()
