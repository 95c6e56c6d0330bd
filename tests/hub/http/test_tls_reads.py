"""What reading a request over TLS costs: no block of memory of its own, which would be a mapping (`allocator`)."""

from __future__ import annotations

import json
from pathlib import Path

from edgewright.hub.http.tls_reads import SIZE
from tests.hub_fixture import running_hub

REQUESTS = 300


def _page_faults(process: int) -> int:
    """Return the minor page faults of a process: a mapping that is made and written to costs one at least."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[7])


def test_a_request_maps_no_memory() -> None:
    with running_hub() as hub:
        client = hub.anonymous()
        for _ in range(50):
            assert client.get("/v1/health/live").status_code < 500
        before = _page_faults(hub.process.pid)
        for _ in range(REQUESTS):
            assert client.get("/v1/health/live").status_code < 500
        assert _page_faults(hub.process.pid) - before < REQUESTS / 2


def test_a_body_of_many_buffers_arrives_whole() -> None:
    with running_hub() as hub:
        host = hub.host("big", hub.token()[1])
        note = {f"{number:020}": "x" * 100 for number in range(400)}
        body = json.dumps({"metadata": {"uid": "big"}, "spec": {"note": note}}) + " " * 8 * SIZE
        answer = host.put("/v1/edgehosts/big", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 204, answer.text
        assert hub.client().get("/v1/edgehosts/big").json()["spec"]["note"] == note
