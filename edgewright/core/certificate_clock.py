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
_OWN, _SIGNER = b"U\x1d\x0e", b"U\x1d#"
"""Extensions with identifiers of keys: of the subject's (2.5.29.14), and of the authority's (2.5.29.35)."""


def validity(der: bytes) -> Tuple[Optional[float], Optional[float]]:
    """Return from when to when an X.509 certificate (DER) is valid (RFC 5280 section 4.1); `None` where unreadable."""
    try:
        dates = _fields(der)[3][1]
        first, text, after = _element(dates, 0)
        last, until, _ = _element(dates, after)
        return _moment(first, text), _moment(last, until)
    except (IndexError, ValueError):
        return None, None


class Names(NamedTuple):
    """Who issued a certificate and whose it is, as both are encoded; all empty where it cannot be read."""

    issuer: bytes = b""
    subject: bytes = b""
    key: bytes = b""
    """The public key with its algorithm."""
    signer: bytes = b""
    """The identifier of the key that signed it; empty where it has none, as `own`."""
    own: bytes = b""

    @property
    def holder(self) -> Tuple[bytes, bytes]:
        """What all certificates of one CA have in common that was renewed with its key."""
        return self.subject, self.key

    def by(self, above: Names) -> bool:
        """Return whether name and identifiers allow that `above` is the issuer, as OpenSSL compares them."""
        return self.issuer == above.subject and (not self.signer or not above.own or self.signer == above.own)


def names(der: bytes) -> Names:
    """Return names and keys of such a certificate."""
    try:
        fields = _fields(der)
        own, signer = _extension(fields, _OWN), _extension(fields, _SIGNER)
        tag, signer, _ = _element(_element(signer, 0)[1], 0) if signer else (0, b"", 0)
        signer, own = signer if tag == 0x80 else b"", own and _element(own, 0)[1]
        return Names(fields[2][1], fields[4][1], fields[5][1], signer, own)
    except (IndexError, ValueError):
        return Names()


def _fields(der: bytes) -> List[Tuple[int, bytes]]:
    """Return tag and content of serial number, signature algorithm, issuer, validity, subject, key, and what follows.

    Raises `ValueError` or `IndexError` for a torn certificate.
    """
    _, body, _ = _element(der, 0)
    fields = _parts(_element(body, 0)[1])
    return fields[1:] if fields[0][0] == 0xA0 else fields  # the version, present from v2 on


def _parts(data: bytes) -> List[Tuple[int, bytes]]:
    parts, at = [], 0
    while at < len(data):
        tag, content, at = _element(data, at)
        parts.append((tag, content))
    return parts


def _extension(fields: List[Tuple[int, bytes]], name: bytes) -> bytes:
    """Return the value of an extension, empty where there is none."""
    for tag, content in fields[6:]:
        for _, extension in _parts(_element(content, 0)[1]) if tag == 0xA3 else ():
            parts = _parts(extension)
            if parts[0][1] == name:
                return parts[-1][1]
    return b""


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
    by = f"by the clock of {here}, which shows {clock_text(now)}"
    sentence = f"The certificate of {host} {state}{span} {by}"
    if now < BUILT:
        return f"{sentence}; that clock is wrong: it is before this version was built.", _set(here)
    if evidence.begins is not None and evidence.ends is not None and _inside(now, evidence):
        sentence = f"The certificate of {host} is valid, and that of its CA {state} {by}."
        return sentence, "Add the present certificate of the CA to the CA file (a hub's is DIR/ca.crt)."
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
