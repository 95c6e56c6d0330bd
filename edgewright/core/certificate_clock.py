"""Whose clock is wrong when a certificate is outside its validity: the evidence weighed, one sentence and a next step.

A certificate that is "not valid yet" or "expired" is a statement about two clocks: the one that issued it and the one
that looks at it. Neither is believed blindly. The evidence is the certificate's own dates, the time that the other end
reports (HTTP `Date`, rule P5) and the moment before which this program cannot have existed.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

from edgewright.core import times

BUILT = 1793491200.0
"""2026-11-01T00:00:00Z: this version was built after it, so a clock that shows less is wrong."""
AGREE = 60.0
"""Seconds by which two clocks may differ and still count as equal (P5)."""


class Evidence(NamedTuple):
    """What is known of a certificate that was refused for its dates; times in epoch seconds, `None`: not known."""

    begins: Optional[float] = None
    ends: Optional[float] = None
    peer_now: Optional[float] = None
    """The other end's clock, as it reported it. It is not authenticated: evidence for a sentence and nothing else."""


NOTHING = Evidence()


def validity(der: bytes) -> Tuple[Optional[float], Optional[float]]:
    """Return from when to when an X.509 certificate (DER) is valid (RFC 5280 section 4.1); `None` where unreadable."""
    try:
        dates = _fields(der)[1]
        first, text, after = _element(dates, 0)
        last, until, _ = _element(dates, after)
        return _moment(first, text), _moment(last, until)
    except (IndexError, ValueError):
        return None, None


def names(der: bytes) -> Tuple[bytes, bytes]:
    """Return issuer and subject of such a certificate as they are encoded; both empty where unreadable."""
    try:
        issuer, _, subject = _fields(der)
        return issuer, subject
    except (IndexError, ValueError):
        return b"", b""


def _fields(der: bytes) -> List[bytes]:
    """Return issuer, validity and subject. Raises `ValueError` or `IndexError` for a torn certificate."""
    _, body, _ = _element(der, 0)
    _, fields, _ = _element(body, 0)
    tag, _, after = _element(fields, 0)
    at = after if tag == 0xA0 else 0  # the version, present from v2 on
    parts = []
    for _ in range(5):  # serial number, signature algorithm, and these three
        _, content, at = _element(fields, at)
        parts.append(content)
    return parts[2:]


def _element(data: bytes, at: int) -> Tuple[int, bytes, int]:
    """Return tag, content and end of the DER element at `at`; raises `ValueError` or `IndexError` for a torn one."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ValueError("length")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + length > len(data):
        raise ValueError("torn")
    return tag, data[start : start + length], start + length


def _moment(tag: int, content: bytes) -> Optional[float]:
    """Return a UTCTime (0x17) or GeneralizedTime (0x18) as epoch seconds."""
    text = content.decode("ascii")
    if tag == 0x17:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    if len(text) != 15 or not text.endswith("Z") or not text[:14].isdigit():
        return None
    day, clock = f"{text[:4]}-{text[4:6]}-{text[6:8]}", f"{text[8:10]}:{text[10:12]}:{text[12:14]}"
    return times.parse(f"{day}T{clock}Z")


def clock_text(moment: float) -> str:
    """Return a clock's reading for a sentence, e.g. `1976-11-23 11:00 UTC`."""
    text = times.rfc3339(moment)
    return f"{text[:10]} {text[11:16]} UTC"


def explain(host: str, here: str, now: float, early: bool, evidence: Evidence) -> Tuple[str, str]:
    """Return the sentence and the next step for a certificate of `host` that is outside its validity.

    `here` names this end ("this host", "this machine"), `now` is its clock, `early` means that the certificate is not
    valid yet (else: expired).
    """
    state = "is not valid yet" if early else "has expired"
    span = ""
    if early and evidence.begins is not None:
        span = f" (valid from {clock_text(evidence.begins)})"
    elif not early and evidence.ends is not None:
        span = f" (valid until {clock_text(evidence.ends)})"
    sentence = f"The certificate of {host} {state}{span} by the clock of {here}, which shows {clock_text(now)}"
    if now < BUILT:
        return f"{sentence}; that clock is wrong: it is before this version was built.", _set(here)
    if evidence.peer_now is None:
        return f"{sentence}.", f"If that clock is wrong, set it; if it is right, {_renew(early)}"
    apart = now - evidence.peer_now
    if abs(apart) <= AGREE:
        return f"{sentence}; the clock of {host} agrees with it.", _sentence(_renew(early))
    side = "ahead of" if apart > 0 else "behind"
    sentence += f"; that is {times.duration(abs(apart))} {side} the clock of {host}."
    if _inside(evidence.peer_now, evidence):
        return sentence, f"{_set(here)} If it is right, set the clock of {host}, and {_renew(False)}"
    return sentence, f"Compare both clocks with a third one and set the wrong one. Then {_renew(early)}"


def _inside(moment: float, evidence: Evidence) -> bool:
    after = evidence.begins is None or evidence.begins <= moment
    return after and (evidence.ends is None or moment <= evidence.ends)


def _set(here: str) -> str:
    return f"Set the clock of {here}, or let it reach a time server."


def _renew(early: bool) -> str:
    cause = ": it was issued by a clock that was ahead" if early else ""
    return f"have the certificate renewed{cause} (a hub renews its own when it starts)."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
