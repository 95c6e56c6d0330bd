"""The relay as its units run it: a host of the lab with systemd, its sandbox, an SSH server behind port 22 (P133)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from edgewright.clients.http.credential import Credential
from edgewright.clients.http.transport import Transport
from edgewright.clients.relay import open_stream
from edgewright.core.errors import EdgewrightError
from edgewright.wire.protocol import relay
from tests.e2e.fleet import Fleet
from tests.hub.clusters.plane import Site
from tests.hub_fixture import RunningHub

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


async def test_the_units_bring_a_stream(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet("--hosts", "1")
    shown = fleet.shown["hub"]
    key = Path(shown["apiKeyFile"]).read_text().strip()
    hub = RunningHub(shown["url"], Path(shown["ca"]), key, Path(), cast(Any, None))
    uid, address = fleet.uid("edge1"), str(fleet.shown["hosts"][0]["address"])
    project = hub.client().get("/v1/dashboard/projects/metadata").json()["items"][0]["metadata"]["uid"]
    site = Site(hub, 0, project=project)
    site.hosts = [uid]
    endpoint = {"host": f"{address.rpartition('.')[0]}.200", "type": "VIP"}
    body = site.body(controls=1, name="units", cloudConfig={"controlPlaneEndpoint": endpoint, "ntpServers": []})
    cluster = site.create(body)
    assert fleet.within("edge1", "systemctl", "is-active", "edgewright-relay.socket").strip() == "active"
    transport = Transport(shown["url"], Credential(api_key=key), Path(shown["ca"]))
    began = asyncio.get_running_loop().time()
    stream = await open_stream(transport, cluster, relay.SSH)
    banner = await asyncio.wait_for(stream.read(), 10)
    print(
        f"\nopen, with the start of the unit, after {asyncio.get_running_loop().time() - began:.1f} s: {banner[:20]!r}"
    )
    assert banner.startswith(b"SSH-2.0")
    state = fleet.within("edge1", "systemctl", "show", "-p", "ActiveState,MemoryCurrent,Result", "edgewright-relay")
    assert "ActiveState=active" in state
    stream.close()
    with pytest.raises(EdgewrightError, match=r"nothing answers at 127\.0\.0\.1:5080"):
        await open_stream(transport, cluster, relay.LOCAL_API)
    await transport.aclose()
