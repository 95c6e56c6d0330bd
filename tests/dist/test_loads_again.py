"""A hub that can follow its database no longer loads everything again by itself (rules P62 and P68)."""

from __future__ import annotations

import signal
import time

import httpx
import pytest

from edgewright.hub.process.following import MOST_BEHIND
from edgewright.wire import protocol
from tests.dist.hubs import several_hubs
from tests.dist.test_several_hubs import database_of, eventually, key
from tests.hub_fixture import RunningHub
from tests.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def answers(hub: RunningHub, path: str, text: str) -> int:
    """Return the status that a hub answers; 0 without an answer."""
    try:
        return hub.client(ApiKey=text).get(path, timeout=15).status_code
    except httpx.HTTPError:
        return 0


@pytest.mark.parametrize("cause", ["behind", "set back"])
def test_p68_a_hub_that_the_log_has_left_behind_loads_again(postgres: Cluster, cause: str) -> None:
    with several_hubs(postgres, 2) as (first, second):
        name, pid = database_of(first), second.process.pid
        assert first.client().post(protocol.HOSTS, json={"metadata": {"uid": "before"}}).status_code == 201
        uid, text = key(first, "ends")
        eventually(lambda: answers(second, "/v1/edgehosts/before", text) == 200)
        second.process.send_signal(signal.SIGSTOP)
        try:
            if cause == "behind":
                assert first.client().delete(f"{protocol.API_KEYS}/{uid}").status_code == 204
                assert first.client().post(protocol.HOSTS, json={"metadata": {"uid": "meanwhile"}}).status_code == 201
                postgres.psql(name, "DELETE FROM changes")
            else:
                first.stop()  # the restore of a dump: numbers that were given are given again
                postgres.psql(name, f"DELETE FROM api_keys WHERE uid = '{uid}'")
                postgres.psql(name, "DELETE FROM changes; UPDATE change_head SET seq = seq - 3")
            time.sleep(MOST_BEHIND + 0.5)
        finally:
            second.process.send_signal(signal.SIGCONT)
        codes: set[int] = set()

        def settled() -> bool:
            codes.add(answers(second, "/v1/users/info", text))
            return 401 in codes

        eventually(settled, 30)
        assert codes <= {0, 503, 401}, "what was revoked is refused, or nothing is answered"
        if cause == "behind":
            assert second.client().get("/v1/edgehosts/meanwhile").status_code == 200
        assert second.client().post(protocol.HOSTS, json={"metadata": {"uid": "after"}}).status_code == 201
        assert second.process.poll() is None and second.process.pid == pid
        assert second.stop() == 0
