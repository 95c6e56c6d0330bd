"""A hub that is asked to stop ends its streams, and the audit log has their ends."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from edgewright.clients.relay import open_stream
from edgewright.wire.protocol import relay
from tests.hub.clusters.plane import Site
from tests.hub.relay.rig import client_of, echo, host_side
from tests.hub_fixture import running_hub


async def test_p30_an_orderly_stop_is_in_the_audit_log(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    with running_hub(data=data) as hub, echo() as port:
        site = Site(hub, 1)
        uid = site.create(controls=1)
        with host_side(site, site.hosts[0], {relay.SSH: port}):
            transport = client_of(hub)
            stream = await open_stream(transport, uid, relay.SSH)
            await stream.write(b"x" * 1000)
            assert await stream.read()
            assert await asyncio.to_thread(hub.stop) == 0
            assert await asyncio.wait_for(stream.read(), 5) == b""
            await transport.aclose()
    with sqlite3.connect(data / "hub.db") as database:
        texts = [str(row) for row in database.execute("SELECT * FROM audits")]
    (entry,) = [text for text in texts if "the hub stops" in text]
    assert "1000 bytes sent, 1000 received: the hub stops" in entry
