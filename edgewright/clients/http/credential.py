"""What a client shows the plane to be let in. It never prints itself."""

from __future__ import annotations

from typing import NamedTuple

from edgewright.wire import protocol


class Credential(NamedTuple):
    """An API key or a user's JWT; the API key wins when both are there."""

    api_key: str = ""
    jwt: str = ""

    def headers(self) -> dict[str, str]:
        """Return the request headers that carry it (Palette takes the JWT raw, without `Bearer`)."""
        if self.api_key:
            return {protocol.H_API_KEY: self.api_key}
        if self.jwt:
            return {protocol.H_AUTHORIZATION: self.jwt}
        return {}

    @property
    def kind(self) -> str:
        """What to call it in a sentence."""
        return "API key" if self.api_key else "login" if self.jwt else "credential"

    def __repr__(self) -> str:
        return f"Credential({self.kind})"
