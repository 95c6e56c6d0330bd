"""The HTTP proxy on the way to the plane: from the user-data, else from the environment."""

from __future__ import annotations

import os
from typing import Mapping, Optional

from edgewright.core.proxy import Proxy, bypassed, parse_proxy


def choose_proxy(
    host: str, https_proxy: str, no_proxy: str, environment: Optional[Mapping[str, str]] = None
) -> Optional[Proxy]:
    """Return the proxy for `host`, or `None`. The user-data has precedence over the environment."""
    env = os.environ if environment is None else environment
    url = https_proxy or env.get("https_proxy") or env.get("HTTPS_PROXY") or ""
    without = no_proxy or env.get("no_proxy") or env.get("NO_PROXY") or ""
    return None if not url or bypassed(host, without) else parse_proxy(url)
