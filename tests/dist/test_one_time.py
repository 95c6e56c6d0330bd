"""Several hubs have one time, that of their database, whatever the clocks of their machines show (rule P82)."""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from edgewright.core import times
from edgewright.hub.controllers.membership import LEASE
from tests.dist.hubs import further_directory
from tests.dist.test_several_hubs import database_of, eventually
from tests.hub.fake_clock import fake_clock
from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
OPTIONS = ("--heartbeat", "0.5", "--silence-limit", "6", "--sweep", "0.3")


def events(postgres: Cluster, hub: RunningHub, uid: str) -> list[str]:
    health = "reason IN ('HostHealthy', 'HostUnhealthy', 'HostRecovered')"
    sql = f"SELECT reason FROM events WHERE object_uid = '{uid}' AND {health} ORDER BY id"
    return postgres.psql(database_of(hub), sql).split()


@pytest.mark.parametrize("shift", ["+10m", "-10m"])
def test_p82_a_hub_whose_machine_has_a_wrong_clock_judges_as_the_others(
    postgres: Cluster, tmp_path: Path, shift: str
) -> None:
    """It has the task when it starts first; it takes heartbeats, finds silence, and dies in the middle of it."""
    room = tmp_path
    (room / "clock").mkdir()
    environment, file = fake_clock(room / "clock")
    file.write_text(f"{shift}\n")
    url = postgres.url(postgres.create())
    with running_hub("--db", url, *OPTIONS, data=room / "a", environment=environment) as wrong:
        further_directory(wrong.data, room / "b")
        with running_hub("--db", url, *OPTIONS, data=room / "b") as right:
            _, token = right.token("t")
            both = {}
            for uid in ("at-wrong", "at-right", "silent"):
                own = right.register(uid, token).json()["status"]["serviceAuthToken"]
                both[uid] = [hub.client(Authorization=own) for hub in (wrong, right)]
            ended = threading.Event()

            def beats() -> None:
                seq = 0
                while not ended.wait(0.3):
                    seq += 1
                    body = {"state": "healthy", "edgewright": {"seq": seq, "bootId": "b"}}
                    for uid, hub in (("at-wrong", 0), ("at-right", 1), *((("silent", seq % 2),) if seq < 4 else ())):
                        try:
                            both[uid][hub].patch(f"/v1/edgehosts/{uid}/health", json=body, timeout=3)
                        except Exception:
                            both[uid][1].patch(f"/v1/edgehosts/{uid}/health", json=body, timeout=3)

            thread = threading.Thread(target=beats, daemon=True)
            thread.start()
            try:
                answer = wrong.anonymous().get("/edgewright/v1/features")
                assert abs(parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()) < 5
                assert abs((times.parse(answer.json()["now"]) or 0) - time.time()) < 5
                eventually(lambda: "HostUnhealthy" in events(postgres, right, "silent"), 25)
                shown = right.client().get("/v1/edgehosts/at-wrong").json()["status"]["edgewright"]["lastHeartbeat"]
                assert abs((times.parse(shown) or 0) - time.time()) < 3
                wrong.kill()
                time.sleep(LEASE + 2)
                for uid in ("at-wrong", "at-right"):
                    assert events(postgres, right, uid) == ["HostHealthy"]
                assert events(postgres, right, "silent") == ["HostHealthy", "HostUnhealthy"]
            finally:
                ended.set()
                thread.join(timeout=20)
