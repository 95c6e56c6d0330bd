"""Whose clock a refused certificate blames, by the evidence."""

from __future__ import annotations

import datetime
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edgewright.core import times
from edgewright.core.certificate_clock import BUILT, Evidence, explain, validity
from tests.support import ROOT

NOW = BUILT + 30 * times.DAY
YEAR = 365 * times.DAY


def certificate(begins: datetime.datetime, ends: datetime.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "plane")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(begins).not_valid_after(ends)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_dates_are_read_from_a_certificate_of_this_and_a_later_century() -> None:
    for first, last in ((1970, 2049), (2026, 2060)):
        begins, ends = datetime.datetime(first, 2, 3, 4, 5, 6), datetime.datetime(last, 12, 31, 23, 59, 59)
        found = validity(certificate(begins, ends))
        assert found == tuple(moment.replace(tzinfo=datetime.UTC).timestamp() for moment in (begins, ends))


def test_no_torn_certificate_breaks_the_reading() -> None:
    whole = certificate(datetime.datetime(2026, 1, 1), datetime.datetime(2027, 1, 1))
    for cut in range(len(whole)):
        validity(whole[:cut])
        validity(whole[:cut] + b"\xff" * 4 + whole[cut + 4 :])
    assert validity(b"") == (None, None)


EARLY = Evidence(begins=NOW + YEAR, ends=NOW + 2 * YEAR)


@pytest.mark.parametrize(
    ("now", "early", "evidence", "sentence", "step"),
    [
        (BUILT - YEAR, True, EARLY, "that clock is wrong: it is before this version", "Set the clock of this host"),
        (NOW, True, EARLY._replace(peer_now=NOW + 5), "clock of plane agrees", "Have the certificate"),
        (NOW, False, Evidence(NOW - YEAR, NOW - 9, NOW - 5), "clock of plane agrees", "Have the certificate"),
        (NOW, True, EARLY._replace(peer_now=NOW + YEAR + 9), "365 days behind the clock of plane", "Set the"),
        (NOW, True, EARLY._replace(peer_now=NOW + 9000), "2 h behind the clock of plane", "Compare both clocks"),
        (NOW, True, EARLY, "valid from 2027-", "If that clock is wrong, set it; if it is right, have the certificate"),
        (NOW, False, Evidence(), "has expired by the clock of this host", "If that clock is wrong"),
    ],
)  # fmt: skip
def test_the_evidence_decides_whose_clock_is_named(
    now: float, early: bool, evidence: Evidence, sentence: str, step: str
) -> None:
    message, hint = explain("plane", "this host", now, early, evidence)
    assert sentence in message and hint.startswith(step)
    assert message.endswith(".") and hint.endswith(".")


def test_the_build_date_moves_with_the_releases() -> None:
    """An agent takes it for the least time that a clock can show: a date of long ago is no floor (P137)."""
    dates = re.findall(r"^## \[\d[^\]]*\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    newest = datetime.datetime.fromisoformat(f"{max(dates)}T00:00:00+00:00").timestamp()
    assert newest - 60 * times.DAY <= BUILT <= newest, "set BUILT to a day before the release"
