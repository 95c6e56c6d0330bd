"""Whether a registry answers, and whether it takes a login: `/v2/`, and the token service that it names."""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional

from edgewright.core import proxy
from edgewright.core.errors import EdgewrightError
from edgewright.oci import address
from edgewright.oci.access import Access, host_of
from edgewright.oci.auth import Tokens
from edgewright.oci.pace import Limits
from edgewright.oci.reference import is_loopback
from edgewright.oci.session import SMALL, Answer, Session

ACCEPTED = (200,)
REFUSED = (401, 403)


class Visit(NamedTuple):
    """What a registry answered.

    `status` is that of `/v2/` without a login, `with_login` that with one (None: none was tried), `error` why the
    login could not be tried. `proxy` is the proxy on the way, empty for none.
    """

    status: int
    with_login: Optional[int] = None
    error: Optional[EdgewrightError] = None
    proxy: str = ""


def visit(base: str, access: Access, seconds: float, check: Callable[[], None] = lambda: None) -> Visit:
    """Ask the registry at `base` (`https://HOST[:PORT]`); each request may take `seconds` for each of its parts.

    Raises `session.FAILURES` when it does not answer, and what `check` raises.
    """
    place = address.parse(base)
    limits = Limits(connect=seconds, wait=seconds, window=seconds, least=1, small=seconds)
    session = Session(lambda host: access.context(place.netloc, host), check, limits, access.environment)

    def plain_realm(netloc: str) -> bool:
        same = host_of(netloc) == place.host
        return place.scheme == "http" and (same or is_loopback(netloc))

    tokens = Tokens(session, place.netloc, access.login, plain_realm)
    url = f"{place.scheme}://{place.netloc}/v2/"
    way = proxy.from_environment(place.scheme, place.host, place.port, access.environment)
    name = way.name if way else ""
    try:
        with session.stream("GET", url, follow=False) as stream:
            first = Answer(stream.status, stream.headers, stream.excerpt(SMALL), stream.url)
        if first.status != 401 or access.login is None:
            return Visit(first.status, proxy=name)
        try:
            if not tokens.respond(first.header("WWW-Authenticate"), (), None):
                return Visit(401, 401, proxy=name)
        except EdgewrightError as error:
            return Visit(401, 401 if error.code == "WrongLogin" else None, error, name)
        headers = {"Authorization": tokens.header(()) or ""}
        return Visit(401, session.request("GET", url, headers, follow=False).status, proxy=name)
    finally:
        session.close()
