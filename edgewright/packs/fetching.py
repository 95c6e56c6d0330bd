"""How content is fetched: within a size and a time, with a login that only its own host gets."""

from __future__ import annotations

import base64
import time

from edgewright.core.errors import InvalidInput, Refused, TimedOut
from edgewright.oci import address, errors
from edgewright.oci.access import Access
from edgewright.oci.credentials import Login
from edgewright.oci.pace import Limits
from edgewright.oci.reference import is_loopback
from edgewright.oci.session import FAILURES, SMALL, Session
from edgewright.oci.work import Unwatched

LIMITS = Limits(connect=10.0, wait=20.0, window=20.0, least=20_000, small=60.0)
SECONDS = 120.0
"""For one fetch in all, retries and redirects included."""
MAX_INDEX = 24 * 1024 * 1024
"""Bytes of the index of a Helm repository."""
MAX_CHART = 32 * 1024 * 1024


class Deadline(Unwatched):
    """Work that ends after a time, however much still arrives."""

    def __init__(self, what: str, seconds: float = SECONDS) -> None:
        self.what, self.seconds = what, seconds
        self.until = time.monotonic() + seconds

    def check(self) -> None:
        """Raise `TimedOut` when the time is over."""
        if time.monotonic() > self.until:
            raise TimedOut(f"{self.what} takes longer than {self.seconds:.0f} s.", "Try again, or use a nearer mirror.")


def web_address(url: str, what: str) -> address.Address:
    """Return the parts of an address. Raises `InvalidInput`, `Refused` for one without TLS that is not loopback."""
    refuse_login(url, what)
    try:
        place = address.parse(url)
    except address.BadAddress:
        raise InvalidInput(
            f"{what} has an address that cannot be used: {url[:120]}.", "Write it as https://HOST/PATH."
        ) from None
    if place.scheme == "http" and not is_loopback(place.netloc):
        raise Refused(
            f"{what} has an address without TLS: {place}.",
            "Plain http is for registries of this machine only.",
            "NoTLS",
        )
    return place


def refuse_login(url: str, what: str) -> None:
    """Refuse an address with a login in it: addresses are shown and logged. Raises `InvalidInput` without it."""
    if "@" in url.partition("://")[2].partition("/")[0] or ("://" not in url and "@" in url.partition("/")[0]):
        message = f"{what} has an address that cannot be used: it contains a login."
        raise InvalidInput(message, "Give user and password apart from the address.", "LoginInAddress")


def get(url: str, what: str, access: Access, job: Deadline, most: int, login_for: str = "") -> bytes:
    """Return what is at an address, at most `most` bytes.

    The login of `access` is sent to the origin of `login_for` alone. Raises `EdgewrightError`; the sentence names the
    host and never the login.
    """
    place = web_address(url, what)
    login = access.login
    ours = login is not None and bool(login_for) and place.origin == web_address(login_for, what).origin
    headers = basic(login) if ours and login is not None else {}
    session = Session(
        lambda host: access.context(place.netloc, host), job.check, LIMITS, access.environment, access.guard
    )
    try:
        with session.stream("GET", url, headers) as stream:
            if stream.status != 200:
                excerpt = stream.excerpt(SMALL)
                raise errors.from_response(stream.status, excerpt, what, place.netloc, login if ours else None)
            parts = []
            for piece in stream.pieces(most):
                job.check()
                parts.append(piece)
            return b"".join(parts)
    except FAILURES as error:
        raise errors.lost(error, place.netloc, what) from None
    finally:
        session.close()


def basic(login: Login) -> dict[str, str]:
    """Return the header of a login with name and password."""
    secret = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    return {"Authorization": f"Basic {secret}"}
