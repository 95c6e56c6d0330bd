"""P134: two hubs on one database: a host is asked where its idle connection is, and brings its end to any of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edgewright.clients.http.credential import Credential
from edgewright.clients.http.transport import Transport
from edgewright.clients.relay import open_stream
from edgewright.wire.protocol import relay
from tests.dist.hubs import further_directory, several_hubs
from tests.e2e.forge.image_place import _free_address
from tests.hub.clusters.plane import Site
from tests.hub.relay.rig import echo, host_side, until
from tests.hub_fixture import running_hub
from tests.postgres import Cluster

pytestmark = pytest.mark.e2e


async def _echoed(transport: Transport, uid: str, data: bytes) -> bytes:
    stream = await open_stream(transport, uid, relay.SSH)
    sending = asyncio.create_task(stream.write(data))
    back = b""
    while len(back) < len(data):
        part = await asyncio.wait_for(stream.read(), 20)
        assert part
        back += part
    await sending
    stream.close()
    return back


async def test_p134_a_stream_through_both_hubs_and_after_one_was_killed(postgres: Cluster) -> None:
    with several_hubs(postgres, 2) as (first, second), echo() as port:
        site = Site(first, 1)
        uid, host = site.create(controls=1), site.hosts[0]
        admin = second.client()
        until(lambda: admin.get(f"/v1/spectroclusters/{uid}").status_code == 200)
        with host_side(site, host, {relay.SSH: port}) as side:
            credential = Credential(api_key=first.admin_key)
            there = Transport(second.url, credential, second.ca)
            until(lambda: admin.get(f"/v1/edgehosts/{host}").json()["status"]["health"]["state"] == "healthy")
            data = bytes(range(256)) * 4000
            began = asyncio.get_running_loop().time()
            assert await _echoed(there, uid, data) == data  # the host is at the first hub, the client at the second
            took = asyncio.get_running_loop().time() - began
            assert len(side.asked) == 1
            assert took < 5, took
            both = Transport(f"{first.url},{second.url}", credential, first.ca)
            stream = await open_stream(both, uid, relay.SSH)
            await stream.write(b"x")
            assert await stream.read() == b"x"
            first.kill()
            assert await asyncio.wait_for(stream.read(), 10) == b"", "the stream ends with its hub"
            side.hub = second
            side._stop.clear()
            assert await _echoed(both, uid, data) == data, "the client goes to the second hub"
            for transport in (there, both):
                await transport.aclose()


def test_p134_a_hub_that_has_no_address_of_its_own_says_so(postgres: Cluster, tmp_path: Path) -> None:
    """Two hubs with the name of the plane first: neither could pass a stream to the other one."""
    port, database = _free_address().rpartition(":")[2], postgres.create()
    words = ["--db", postgres.url(database), "--advertise", "plane.test"]
    with running_hub(*words, data=tmp_path / "a", listen=f"127.0.0.1:{port}") as first:
        further_directory(first.data, tmp_path / "b")
        with running_hub(*words, data=tmp_path / "b", listen=f"127.0.0.2:{port}") as second:
            warned = [line["message"] for line in second.log() if "has the address of this one" in line["message"]]
            assert len(warned) == 1 and f"https://plane.test:{port}" in warned[0] and "first --advertise" in warned[0]
        further_directory(first.data, tmp_path / "c")
        with running_hub("--advertise", "c.test", *words, data=tmp_path / "c", listen=f"127.0.0.2:{port}") as third:
            assert not [line for line in third.log() if "has the address of this one" in line["message"]]
