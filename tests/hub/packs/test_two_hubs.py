"""Two hubs on one PostgreSQL: registries and packs of one are those of the other, and the same pack is stored once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from edgewright.packs import archive
from edgewright.wire import protocol
from tests.hub.db.test_row_safety import Pair, codes, pair
from tests.hub.packs.sources import helm_body, helm_server
from tests.oci.raw_server import RawServer
from tests.packs.samples import pack_files

__all__ = ["pair"]
pytestmark = pytest.mark.e2e


async def until(client: httpx.AsyncClient, path: str, wanted: Callable[[Any], bool]) -> Any:
    for _ in range(100):
        answer = await client.get(path)
        if answer.status_code == 200 and wanted(answer.json()):
            return answer.json()
        await asyncio.sleep(0.1)
    raise AssertionError(f"{path} did not change in 10 s: {answer.text}")


async def test_registries_and_packs_are_those_of_both(pair: Pair, serve: Callable[..., RawServer]) -> None:
    first, second = pair.clients
    server = helm_server(serve)
    uid = (await first.post(protocol.HELM_REGISTRIES, json=helm_body(server.host))).json()["uid"]
    row = await until(second, f"{protocol.REGISTRIES}/{uid}", lambda row: row["status"]["packs"] == 1)
    assert row["status"]["sync"]["status"] == "Success"
    listed = (await second.get(protocol.PACKS, params={"filters": f"spec.registryUid={uid}"})).json()["items"]
    pack = listed[1]["metadata"]["uid"]
    read = await pair.both("GET", f"/v1/packs/{pack}", (None, None))  # both fetch it at the same moment
    assert codes(read) == [200, 200], [answer.text for answer in read]
    assert read[0].json() == read[1].json()
    data = archive.pack(pack_files())
    blob = hashlib.sha256(data).hexdigest()
    await first.put(f"{protocol.BLOBS}/{blob}", content=data)
    made = await pair.both("POST", protocol.OWN_PACKS, ({"blob": blob}, {"blob": blob}))
    assert codes(made) == [201, 409], [answer.text for answer in made]
    mine = next(answer for answer in made if answer.status_code == 201).json()["uid"]
    for client in pair.clients:
        await until(client, f"{protocol.OWN_PACKS}/{mine}", lambda pack: pack["spec"]["values"] != "")
    assert (await second.delete(f"/v1/registries/{uid}")).status_code == 204
    await until(first, protocol.REGISTRIES, lambda page: uid not in str(page))
    assert (await first.get(f"/v1/packs/{pack}")).status_code == 404
