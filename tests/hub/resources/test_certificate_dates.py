"""A clock that was wrong once locks nobody out: certificates of the hub's own that do not fit the present time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from edgewright.core import times
from edgewright.core.certificate_clock import BUILT
from edgewright.core.errors import Failed
from edgewright.hub.process.housekeeping import renew_certificate
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.process.serve import prepare
from edgewright.hub.security import pki

YEAR = 365 * times.DAY
NAMES = ("127.0.0.1",)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the hub's machine, to be set: `clock[0] += seconds`."""
    hands = [times.now()]
    monkeypatch.setattr(times, "now", lambda: hands[0])
    return hands


def leaf(data: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((data / pki.SERVER_CERT).read_bytes())


def valid_at(certificate: x509.Certificate, moment: float) -> bool:
    return certificate.not_valid_before_utc.timestamp() <= moment < certificate.not_valid_after_utc.timestamp()


def test_a_leaf_of_the_future_is_renewed(tmp_path: Path, clock: list[float]) -> None:
    pki.ensure_certificates(tmp_path, NAMES)
    clock[0] += 3 * YEAR
    assert pki.ensure_certificates(tmp_path, NAMES)
    assert not valid_at(leaf(tmp_path), clock[0] - 3 * YEAR)
    clock[0] -= 3 * YEAR
    assert pki.ensure_certificates(tmp_path, NAMES)
    assert valid_at(leaf(tmp_path), clock[0])
    assert not pki.ensure_certificates(tmp_path, NAMES)  # and once is enough


def test_hosts_whose_clock_is_months_behind_are_served(tmp_path: Path, clock: list[float]) -> None:
    pki.ensure_certificates(tmp_path, NAMES)
    authority = x509.load_pem_x509_certificate((tmp_path / pki.CA_CERT).read_bytes())
    for certificate in (leaf(tmp_path), authority):
        assert valid_at(certificate, clock[0] - 300 * times.DAY)
    span = leaf(tmp_path).not_valid_after_utc - leaf(tmp_path).not_valid_before_utc
    assert span.days <= 825


def test_a_first_start_without_a_clock_serves_the_present_too(tmp_path: Path, clock: list[float]) -> None:
    clock[0], right = 1136073600.0, clock[0]  # 2006: no battery and no time server
    pki.ensure_certificates(tmp_path, NAMES)
    authority = (tmp_path / pki.CA_CERT).read_bytes()
    clock[0] = right
    pki.ensure_certificates(tmp_path, NAMES)
    assert (tmp_path / pki.CA_CERT).read_bytes() == authority
    assert valid_at(x509.load_pem_x509_certificate(authority), right) and valid_at(leaf(tmp_path), right)


def test_an_expired_ca_is_reported_with_the_next_step(tmp_path: Path, clock: list[float]) -> None:
    pki.ensure_certificates(tmp_path, NAMES)
    seen = clock[0]
    clock[0] += 3700 * times.DAY
    with pytest.raises(Failed) as refused:
        pki.ensure_certificates(tmp_path, NAMES, last_seen=seen)
    assert (refused.value.code, int(refused.value.exit_code)) == ("CAExpired", 1)
    assert "ended at 2036-" in refused.value.message and "3700 days later than when this hub last ran" in (
        refused.value.message
    )
    assert "If that clock is wrong, set it" in refused.value.hint and "new CA" in refused.value.hint


def test_a_ca_of_the_future_is_reported_and_the_clock_named(tmp_path: Path, clock: list[float]) -> None:
    clock[0] += 3 * YEAR
    pki.ensure_certificates(tmp_path, NAMES)
    clock[0] -= 3 * YEAR
    with pytest.raises(Failed) as refused:
        pki.ensure_certificates(tmp_path, NAMES)
    assert refused.value.code == "CANotYetValid" and "is valid from 2028-" in refused.value.message
    clock[0] = BUILT - 20 * YEAR
    with pytest.raises(Failed) as refused:
        pki.ensure_certificates(tmp_path, NAMES)
    assert "that clock is wrong" in refused.value.message
    assert refused.value.hint.startswith("Set the clock of this machine")


def test_a_leaf_that_ends_with_its_ca_is_not_renewed_every_hour(tmp_path: Path, clock: list[float]) -> None:
    pki.ensure_certificates(tmp_path, NAMES)
    clock[0] += (pki.CA_DAYS - 10) * times.DAY
    assert pki.ensure_certificates(tmp_path, NAMES)
    assert not pki.ensure_certificates(tmp_path, NAMES)


def test_while_the_clock_is_in_doubt_the_leaf_is_valid_by_both_clocks(tmp_path: Path, clock: list[float]) -> None:
    pki.ensure_certificates(tmp_path, NAMES)
    right = clock[0]
    clock[0] += 4 * YEAR
    assert pki.ensure_certificates(tmp_path, NAMES, also_at=right)
    assert valid_at(leaf(tmp_path), right) and valid_at(leaf(tmp_path), clock[0])
    assert not pki.ensure_certificates(tmp_path, NAMES, also_at=right)
    assert not pki.ensure_certificates(tmp_path, NAMES, also_at=right - 30 * YEAR)  # no CA reaches that far: no loop


async def test_a_renewal_right_after_the_clock_was_set_is_valid_by_both_clocks(
    tmp_path: Path, clock: list[float]
) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    hub = prepare(ServeOptions(data=tmp_path / "d"))
    await hub.start()
    right = clock[0]
    clock[0] += 3 * YEAR  # set by somebody, and the watch on the clock has not looked yet
    renewed = await asyncio.gather(renew_certificate(hub), renew_certificate(hub))
    assert sum(renewed) <= 1, "one waits for the other and finds nothing to do"
    assert hub.clock.doubt and valid_at(leaf(hub.data), right) and valid_at(leaf(hub.data), clock[0])
    await hub.stop()


async def test_a_clock_that_is_set_while_the_leaf_is_made_leaves_it_valid_by_the_right_one(
    tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    hub = prepare(ServeOptions(data=tmp_path / "d"))
    await hub.start()
    right, ensure = clock[0], pki.ensure_certificates

    def late(*arguments: Any, **more: Any) -> bool:
        clock[0] = right + 3 * YEAR
        return ensure(*arguments, **more)

    monkeypatch.setattr(pki, "ensure_certificates", late)
    assert await renew_certificate(hub)
    assert valid_at(leaf(hub.data), right) and valid_at(leaf(hub.data), clock[0])
    await hub.stop()
